"""OCPI 2.1.1 (tag 2.1.1-d2): the objects of all modules, and what they are in the internal shape.

Objects do not name their party: the reader is told it (from the address of a push, or the credentials of a pull).
Prices are without taxes. A session or CDR names the contract of the driver (``auth_id``) and no token, and carries
the whole location.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field

from . import internal
from .v221 import (
    BusinessDetails,
    CiString,
    Coordinates,
    Currency,
    DisplayText,
    Instant,
    LocationReferences,
    Message,
    Number,
    PartyId,
    SessionDimension,
    SessionPeriod,
    periods_to_internal,
)
from .v221 import CountryCode as CountryCode

Id36 = Annotated[CiString, Field(min_length=1, max_length=36)]
Id39 = Annotated[CiString, Field(min_length=1, max_length=39)]


class Connector(Message):
    """Chapter mod_locations, Connector."""

    id: Id36
    standard: CiString
    format: CiString
    power_type: CiString
    voltage: int
    amperage: int
    tariff_id: Id36 | None = None
    last_updated: Instant

    def to_internal(self) -> internal.Connector:
        return internal.Connector(
            id=self.id,
            standard=self.standard,
            format=self.format,
            power_type=self.power_type,
            voltage=self.voltage,
            amperage=self.amperage,
            tariff_ids=(self.tariff_id,) if self.tariff_id else (),
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, connector: internal.Connector) -> Self:
        return cls(
            id=connector.id,
            standard=connector.standard,
            format=connector.format,
            power_type=connector.power_type,
            voltage=connector.voltage,
            amperage=connector.amperage,
            # There is room for one only: the one that comes first.
            tariff_id=connector.tariff_ids[0] if connector.tariff_ids else None,
            last_updated=connector.last_updated,
        )


class Evse(Message):
    """Chapter mod_locations, EVSE."""

    uid: Id39
    evse_id: Annotated[CiString, Field(max_length=48)] | None = None
    status: CiString
    capabilities: tuple[CiString, ...] | None = None
    connectors: tuple[Connector, ...] = ()
    physical_reference: str | None = None
    last_updated: Instant

    def to_internal(self) -> internal.Evse:
        return internal.Evse(
            uid=self.uid,
            evse_id=self.evse_id,
            status=self.status,
            physical_reference=self.physical_reference,
            capabilities=self.capabilities or (),
            connectors=tuple(connector.to_internal() for connector in self.connectors),
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, evse: internal.Evse) -> Self:
        return cls(
            uid=evse.uid,
            evse_id=evse.evse_id,
            status=evse.status,
            physical_reference=evse.physical_reference,
            capabilities=evse.capabilities or None,
            connectors=tuple(Connector.of(connector) for connector in evse.connectors),
            last_updated=evse.last_updated,
        )


class Location(Message):
    """Chapter mod_locations, Location."""

    id: Id39
    type: CiString = "UNKNOWN"
    name: Annotated[str, Field(max_length=255)] | None = None
    address: Annotated[str, Field(max_length=255)]
    city: Annotated[str, Field(max_length=45)]
    # Required by the text; peers in countries without codes leave it out.
    postal_code: str | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    coordinates: Coordinates
    evses: tuple[Evse, ...] | None = None
    operator: BusinessDetails | None = None
    time_zone: str | None = None
    opening_times: dict[str, Any] | None = None
    last_updated: Instant

    def to_internal(self, party: internal.Party) -> internal.Location:
        return internal.Location(
            party=party,
            id=self.id,
            name=self.name,
            address=self.address,
            city=self.city,
            postal_code=self.postal_code,
            country=self.country,
            latitude=self.coordinates.latitude,
            longitude=self.coordinates.longitude,
            time_zone=self.time_zone,
            operator=self.operator.name if self.operator else None,
            opening_times=self.opening_times,
            evses=tuple(evse.to_internal() for evse in self.evses or ()),
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, location: internal.Location) -> Self:
        return cls(
            id=location.id,
            name=location.name,
            address=location.address[:45],
            city=location.city,
            postal_code=location.postal_code or "",
            country=location.country,
            coordinates=Coordinates(latitude=location.latitude, longitude=location.longitude),
            evses=tuple(Evse.of(evse) for evse in location.evses),
            operator=BusinessDetails(name=location.operator) if location.operator else None,
            time_zone=location.time_zone,
            opening_times=dict(location.opening_times) if location.opening_times else None,
            last_updated=location.last_updated,
        )


class Token(Message):
    """Chapter mod_tokens, Token."""

    uid: Id36
    type: CiString
    auth_id: Id36
    visual_number: Annotated[str, Field(max_length=64)] | None = None
    issuer: Annotated[str, Field(max_length=64)]
    valid: bool
    whitelist: CiString
    language: str | None = None
    last_updated: Instant

    def to_internal(self, party: internal.Party) -> internal.Token:
        return internal.Token(
            party=party,
            uid=self.uid,
            type=self.type,
            contract_id=self.auth_id,
            visual_number=self.visual_number,
            issuer=self.issuer,
            valid=self.valid,
            whitelist=self.whitelist,
            language=self.language,
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, token: internal.Token) -> Self:
        return cls(
            uid=token.uid,
            type=token.type if token.type == "RFID" else "OTHER",
            auth_id=token.contract_id,
            visual_number=token.visual_number,
            issuer=token.issuer,
            valid=token.valid,
            whitelist=token.whitelist,
            language=token.language,
            last_updated=token.last_updated,
        )


class AuthorizationInfo(Message):
    """The answer to a real-time authorisation."""

    allowed: CiString
    location: LocationReferences | None = None
    info: DisplayText | None = None


def _periods(periods: tuple[internal.Period, ...]) -> tuple[SessionPeriod, ...]:
    return tuple(
        SessionPeriod(
            start_date_time=period.start,
            dimensions=tuple(SessionDimension(type=kind, volume=volume) for kind, volume in period.volumes),
        )
        for period in periods
    )


def _used(location: Location) -> tuple[str, str]:
    """EVSE and connector of a session: its location lists only those that were used."""
    evse = location.evses[0] if location.evses else None
    connector = evse.connectors[0] if evse and evse.connectors else None
    return (evse.uid if evse else "", connector.id if connector else "")


class Session(Message):
    """Chapter mod_sessions, Session."""

    id: Id36
    start_datetime: Instant
    end_datetime: Instant | None = None
    kwh: Number
    auth_id: Id36
    auth_method: CiString
    location: Location
    meter_id: Annotated[str, Field(max_length=255)] | None = None
    currency: Currency
    charging_periods: tuple[SessionPeriod, ...] | None = None
    total_cost: Number | None = None
    status: CiString
    last_updated: Instant

    def to_internal(self, party: internal.Party) -> internal.Session:
        evse_uid, connector_id = _used(self.location)
        return internal.Session(
            party=party,
            id=self.id,
            start=self.start_datetime,
            end=self.end_datetime,
            kwh=self.kwh,
            token=internal.TokenRef("", "OTHER", self.auth_id),
            auth_method=self.auth_method,
            location_id=self.location.id,
            evse_uid=evse_uid,
            connector_id=connector_id,
            location=self.location.to_internal(party),
            meter_id=self.meter_id,
            currency=self.currency,
            periods=periods_to_internal(self.charging_periods or ()),
            total=None if self.total_cost is None else internal.Money(self.total_cost),
            status=self.status,
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, session: internal.Session) -> Self:
        if session.location is None:
            raise ValueError("A session of OCPI 2.1.1 carries its location.")
        return cls(
            id=session.id,
            start_datetime=session.start,
            end_datetime=session.end,
            kwh=session.kwh,
            auth_id=session.token.contract_id,
            auth_method="AUTH_REQUEST" if session.auth_method == "COMMAND" else session.auth_method,
            location=Location.of(session.location),
            meter_id=session.meter_id,
            currency=session.currency,
            charging_periods=_periods(session.periods) or None,
            total_cost=session.total.net if session.total else None,
            status=session.status if session.status != "RESERVATION" else "PENDING",
            last_updated=session.last_updated,
        )


class Cdr(Message):
    """Chapter mod_cdrs, CDR. There is no credit CDR in this version."""

    id: Id36
    start_date_time: Instant
    stop_date_time: Instant
    auth_id: Id36
    auth_method: CiString
    location: Location
    meter_id: Annotated[str, Field(max_length=255)] | None = None
    currency: Currency
    tariffs: tuple[dict[str, Any], ...] | None = None
    charging_periods: tuple[SessionPeriod, ...] = ()
    total_cost: Number
    total_energy: Number
    total_time: Number
    total_parking_time: Number | None = None
    remark: Annotated[str, Field(max_length=255)] | None = None
    last_updated: Instant

    def to_internal(self, party: internal.Party) -> internal.Cdr:
        return internal.Cdr(
            party=party,
            id=self.id,
            start=self.start_date_time,
            end=self.stop_date_time,
            token=internal.TokenRef("", "OTHER", self.auth_id),
            auth_method=self.auth_method,
            location=self.location.to_internal(party),
            meter_id=self.meter_id,
            currency=self.currency,
            tariffs=self.tariffs or (),
            periods=periods_to_internal(self.charging_periods),
            total=internal.Money(self.total_cost),
            energy=self.total_energy,
            hours=self.total_time,
            parking_hours=self.total_parking_time,
            remark=self.remark,
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, cdr: internal.Cdr) -> Self:
        if cdr.credit:
            raise ValueError("OCPI 2.1.1 has no credit CDRs: the partner has to be told by other means.")
        return cls(
            id=cdr.id,
            start_date_time=cdr.start,
            stop_date_time=cdr.end,
            auth_id=cdr.token.contract_id,
            auth_method="AUTH_REQUEST" if cdr.auth_method == "COMMAND" else cdr.auth_method,
            location=Location.of(cdr.location),
            meter_id=cdr.meter_id,
            currency=cdr.currency,
            tariffs=tuple(dict(tariff) for tariff in cdr.tariffs) or None,
            charging_periods=_periods(cdr.periods),
            total_cost=cdr.total.net,
            total_energy=cdr.energy,
            total_time=cdr.hours,
            total_parking_time=cdr.parking_hours,
            remark=cdr.remark,
            last_updated=cdr.last_updated,
        )


class Tariff(Message):
    """Chapter mod_tariffs, Tariff: what has to be known to keep it; the engine reads the rest."""

    id: Id36
    currency: Currency
    elements: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    last_updated: Instant


class Credentials(Message):
    """Chapter credentials: one party, and it does not say in which role."""

    token: Annotated[str, Field(min_length=1, max_length=64)]
    url: Annotated[str, Field(max_length=255)]
    business_details: BusinessDetails
    party_id: PartyId
    country_code: CountryCode

    def to_internal(self) -> internal.Credentials:
        party = internal.Party.of(self.country_code, self.party_id)
        return internal.Credentials(
            token=self.token, url=self.url, roles=(internal.Role(party, "", self.business_details.name),)
        )

    @classmethod
    def of(cls, credentials: internal.Credentials) -> Self:
        role = credentials.roles[0]
        return cls(
            token=credentials.token,
            url=credentials.url,
            business_details=BusinessDetails(name=role.name),
            party_id=role.party.party_id,
            country_code=role.party.country_code,
        )


class Endpoint(Message):
    """Where a module is."""

    identifier: str
    url: str

    def to_internal(self) -> internal.Endpoint:
        return internal.Endpoint(self.identifier, self.url)


class VersionDetails(Message):
    """The modules of one version."""

    version: str
    endpoints: tuple[Endpoint, ...]


class StartSession(Message):
    """Start a session for the token."""

    response_url: str
    token: Token
    location_id: Id39
    evse_uid: Id39 | None = None


class StopSession(Message):
    """Stop the session."""

    response_url: str
    session_id: Id36


class ReserveNow(Message):
    """Keep an EVSE free for the token."""

    response_url: str
    token: Token
    expiry_date: Instant
    reservation_id: int
    location_id: Id39
    evse_uid: Id39 | None = None


class UnlockConnector(Message):
    """Unlock a cable that is stuck."""

    response_url: str
    location_id: Id39
    evse_uid: Id39
    connector_id: Id36


COMMANDS: dict[str, type[Message]] = {
    "START_SESSION": StartSession,
    "STOP_SESSION": StopSession,
    "RESERVE_NOW": ReserveNow,
    "UNLOCK_CONNECTOR": UnlockConnector,
}


class CommandResponse(Message):
    """The answer at once, and also what comes later."""

    result: CiString


CommandResult = CommandResponse
ReceivedCdr = Cdr
