"""The one shape that the product works with, whatever version of OCPI a partner speaks.

Frozen dataclasses without any behaviour of a version: each version module turns its messages into them and back.
Energies are kWh, durations hours, instants aware UTC. Tariffs stay the JSON of their version, because the rating
engine reads each version itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Party:
    """Who owns an object: country and party, in upper case."""

    country_code: str
    party_id: str

    @classmethod
    def of(cls, country_code: str, party_id: str) -> Party:
        return cls(country_code.upper(), party_id.upper())

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount without taxes, and with them where that is known."""

    net: Decimal
    gross: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TokenRef:
    """The token that a session was started with. 2.1.1 names only the contract: then the uid is unknown."""

    uid: str
    type: str
    contract_id: str
    party: Party | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Module tokens."""

    party: Party
    uid: str
    type: str
    contract_id: str
    issuer: str
    valid: bool
    whitelist: str
    last_updated: datetime
    visual_number: str | None = None
    group_id: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """A socket or cable; power in watts."""

    id: str
    standard: str
    format: str
    power_type: str
    voltage: int
    amperage: int
    last_updated: datetime
    max_watts: int | None = None
    tariff_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evse:
    """What charges one car at a time."""

    uid: str
    status: str
    last_updated: datetime
    evse_id: str | None = None
    physical_reference: str | None = None
    capabilities: tuple[str, ...] = ()
    connectors: tuple[Connector, ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """Module locations. ``country`` is ISO 3166-1 alpha-3."""

    party: Party
    id: str
    address: str
    city: str
    country: str
    latitude: str
    longitude: str
    last_updated: datetime
    name: str | None = None
    postal_code: str | None = None
    time_zone: str | None = None
    publish: bool = True
    operator: str | None = None
    opening_times: Mapping[str, Any] | None = None
    evses: tuple[Evse, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """From its start until the start of the next; volumes by dimension."""

    start: datetime
    volumes: tuple[tuple[str, Decimal], ...]
    tariff_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Module sessions. ``location`` only where the version carries all of it."""

    party: Party
    id: str
    start: datetime
    kwh: Decimal
    token: TokenRef
    auth_method: str
    location_id: str
    evse_uid: str
    connector_id: str
    currency: str
    status: str
    last_updated: datetime
    end: datetime | None = None
    authorization_reference: str | None = None
    location: Location | None = None
    meter_id: str | None = None
    periods: tuple[Period, ...] = ()
    total: Money | None = None


@dataclass(frozen=True, slots=True)
class Cdr:
    """Module cdrs. The location has the one EVSE with the one connector that was used, if the sender says so."""

    party: Party
    id: str
    start: datetime
    end: datetime
    token: TokenRef
    auth_method: str
    location: Location
    currency: str
    total: Money
    energy: Decimal
    hours: Decimal
    last_updated: datetime
    session_id: str | None = None
    authorization_reference: str | None = None
    parking_hours: Decimal | None = None
    periods: tuple[Period, ...] = ()
    tariffs: tuple[Mapping[str, Any], ...] = ()
    meter_id: str | None = None
    remark: str | None = None
    credit: bool = False
    credit_reference_id: str | None = None
    invoice_reference_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """Module tariffs; ``data`` is the object as the version has it, for the rating engine."""

    party: Party
    id: str
    currency: str
    data: Mapping[str, Any]
    version: str
    last_updated: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Module invoicereconciliation: the CDRs that an invoice is about."""

    party: Party
    id: str
    invoice_id: str
    cdrs: tuple[str, ...]
    last_updated: datetime


@dataclass(frozen=True, slots=True)
class Role:
    """A party and what it does, as its credentials say."""

    party: Party
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one side hands the other: the token to call it with, and where its versions are."""

    token: str
    url: str
    roles: tuple[Role, ...]
    hub: Party | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A module at the other side. ``role`` is the interface: SENDER or RECEIVER; 2.1.1 does not tell."""

    module: str
    url: str
    role: str | None = None
