"""What a publication says, in the terms of the product. The writer turns it into the words of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Publication:
    """Who publishes, when, for whom. `country` is ISO 3166-1 alpha-2, `language` ISO 639-1."""

    at: datetime
    country: str
    national_identifier: str
    language: str
    table_id: str
    table_name: str
    version: str
    is_test: bool = False


@dataclass(frozen=True)
class Hours:
    """A span of a weekday (1 is Monday) in the local time of the site; `24:00` ends a day."""

    weekday: int
    begin: str
    end: str


@dataclass(frozen=True)
class Connector:
    """A socket or cable; `standard`, `format` and `power_type` are those of OCPI."""

    standard: str
    format: str
    power_type: str
    watts: int
    volts: int
    amperes: int


@dataclass(frozen=True)
class Price:
    """Per kWh (`energy`), per minute (`time`) or per session (`session`). `text` says it in words."""

    kind: str
    amount: Decimal
    text: str
    note: str = ""


@dataclass(frozen=True)
class Rate:
    """The price for charging without a contract; `other` are sentences."""

    currency: str
    tax_included: bool
    prices: tuple[Price, ...]
    other: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """What charges one car at a time. `payment` are words of MeansOfPaymentEnum."""

    id: str
    updated: datetime
    evse_id: str | None
    name: str | None
    connectors: tuple[Connector, ...]
    rate: Rate | None
    payment: tuple[str, ...] = ()


@dataclass(frozen=True)
class Station:
    """Points in one case. `authentication` are words of AuthenticationAndIdentificationEnum."""

    id: str
    registered_id: str
    authentication: tuple[str, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Site:
    """A place with stations. `hours`: None is always open, an empty tuple is not known."""

    id: str
    version: str
    since: datetime
    updated: datetime
    name: str
    street: str
    postcode: str
    city: str
    country: str
    latitude: str
    longitude: str
    time_zone: str
    operator_id: str
    operator_name: str
    hours: tuple[Hours, ...] | None
    stations: tuple[Station, ...]


@dataclass(frozen=True)
class State:
    """What a point does now: a word of RefillPointStatusEnum, and its price."""

    site_id: str
    station_id: str
    point_id: str
    version: str
    updated: datetime
    status: str
    rate: Rate | None
