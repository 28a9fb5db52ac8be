"""OCPI 2.2.1 (tag v2.2.1-d2): the objects of all modules, and what they are in the internal shape.

Energies are in kWh, durations in hours, money in the currency of the object. Numbers are ``Decimal`` and are
written as JSON numbers with at most four decimals (chapter types, number). Instants are aware and are written in
UTC with ``Z``.

A receiver must not refuse an object because of a field that it does not know, so unknown fields are ignored; one
that is missing or wrong raises ``pydantic.ValidationError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from . import internal

_NUMBER_DECIMALS = Decimal("0.0001")
_NUMBER_DIGITS = 15
_INT32_MAX = 2**31 - 1


def _as_utc(value: object) -> object:
    """A text without an offset is UTC (chapter types, DateTime); ``+00:00`` and other offsets are not allowed."""
    if not isinstance(value, str):
        return value
    if not value.endswith("Z") and ("+" in value or value.count("-") > 2):
        raise ValueError(f"“{value}” must be in UTC: it ends with Z or says no offset.")
    return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)


def _aware(value: datetime) -> datetime:
    """In UTC and in milliseconds, which is what is written."""
    if value.tzinfo is None:
        raise ValueError("An instant must say its offset.")
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)


def _printable_ascii(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("A CiString has printable ASCII characters only.")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("A string has no line breaks, tabs or other control characters.")
    return value


def _rounded(value: Decimal) -> Decimal:
    """At most four decimals, half up."""
    if value.is_finite() and value.adjusted() >= _NUMBER_DIGITS:
        raise ValueError(f"A number has at most {_NUMBER_DIGITS} digits before the point.")
    return value.quantize(_NUMBER_DECIMALS, ROUND_HALF_UP) if value.is_finite() else value


def instant_text(value: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, in whole seconds or milliseconds."""
    spec = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"


Instant = Annotated[
    datetime, BeforeValidator(_as_utc), AfterValidator(_aware), PlainSerializer(instant_text, return_type=str)
]
Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    AfterValidator(_rounded),
    # With four decimals the shortest text of a float is the number itself up to a hundred billion.
    PlainSerializer(float, return_type=float, when_used="json"),
]
CiString = Annotated[str, AfterValidator(_printable_ascii)]
Text = Annotated[str, AfterValidator(_printable)]
CountryCode = Annotated[CiString, Field(pattern=r"^[A-Za-z]{2}$")]
PartyId = Annotated[CiString, Field(pattern=r"^[A-Za-z0-9]{3}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Id36 = Annotated[CiString, Field(min_length=1, max_length=36)]
Id39 = Annotated[CiString, Field(min_length=1, max_length=39)]


class Message(BaseModel):
    """Base of everything that is sent: immutable, with the JSON of the specification."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self, *, indent: int | None = None) -> str:
        """JSON text; fields that are absent are left out."""
        return self.model_dump_json(exclude_none=True, indent=indent)


class TokenType(StrEnum):
    """Chapter mod_tokens, TokenType."""

    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    OTHER = "OTHER"
    RFID = "RFID"


TOKEN_TYPES = frozenset(each.value for each in TokenType)


class AuthMethod(StrEnum):
    """How the driver was authorised."""

    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


class ConnectorFormat(StrEnum):
    """Chapter mod_locations, ConnectorFormat."""

    SOCKET = "SOCKET"
    CABLE = "CABLE"


class PowerType(StrEnum):
    """Chapter mod_locations, PowerType."""

    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_2_PHASE_SPLIT = "AC_2_PHASE_SPLIT"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


class ConnectorType(StrEnum):
    """Chapter mod_locations, ConnectorType."""

    CHADEMO = "CHADEMO"
    CHAOJI = "CHAOJI"
    DOMESTIC_A = "DOMESTIC_A"
    DOMESTIC_B = "DOMESTIC_B"
    DOMESTIC_C = "DOMESTIC_C"
    DOMESTIC_D = "DOMESTIC_D"
    DOMESTIC_E = "DOMESTIC_E"
    DOMESTIC_F = "DOMESTIC_F"
    DOMESTIC_G = "DOMESTIC_G"
    DOMESTIC_H = "DOMESTIC_H"
    DOMESTIC_I = "DOMESTIC_I"
    DOMESTIC_J = "DOMESTIC_J"
    DOMESTIC_K = "DOMESTIC_K"
    DOMESTIC_L = "DOMESTIC_L"
    DOMESTIC_M = "DOMESTIC_M"
    DOMESTIC_N = "DOMESTIC_N"
    DOMESTIC_O = "DOMESTIC_O"
    GBT_AC = "GBT_AC"
    GBT_DC = "GBT_DC"
    IEC_60309_2_SINGLE_16 = "IEC_60309_2_single_16"
    IEC_60309_2_THREE_16 = "IEC_60309_2_three_16"
    IEC_60309_2_THREE_32 = "IEC_60309_2_three_32"
    IEC_60309_2_THREE_64 = "IEC_60309_2_three_64"
    IEC_62196_T1 = "IEC_62196_T1"
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO"
    IEC_62196_T2 = "IEC_62196_T2"
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO"
    IEC_62196_T3A = "IEC_62196_T3A"
    IEC_62196_T3C = "IEC_62196_T3C"
    NEMA_5_20 = "NEMA_5_20"
    NEMA_6_30 = "NEMA_6_30"
    NEMA_6_50 = "NEMA_6_50"
    NEMA_10_30 = "NEMA_10_30"
    NEMA_10_50 = "NEMA_10_50"
    NEMA_14_30 = "NEMA_14_30"
    NEMA_14_50 = "NEMA_14_50"
    PANTOGRAPH_BOTTOM_UP = "PANTOGRAPH_BOTTOM_UP"
    PANTOGRAPH_TOP_DOWN = "PANTOGRAPH_TOP_DOWN"
    TESLA_R = "TESLA_R"
    TESLA_S = "TESLA_S"


class Price(Message):
    """Money without and, if known, with VAT (chapter types, Price)."""

    excl_vat: Number
    incl_vat: Number | None = None

    @classmethod
    def of_net(cls, amount: Decimal, vat: Decimal | None) -> Self:
        """From an amount without VAT. ``vat`` in percent; None: no VAT applies, and there is no price with it."""
        return cls(excl_vat=amount, incl_vat=None if vat is None else amount * (1 + vat / 100))

    @classmethod
    def of_gross(cls, amount: Decimal, vat: Decimal | None) -> Self:
        """From an amount with VAT. ``vat`` in percent; None: no VAT applies, the amount is the net amount."""
        return (
            cls(excl_vat=amount) if vat is None else cls(excl_vat=amount / (1 + vat / 100), incl_vat=amount)
        )

    def __neg__(self) -> Price:
        return Price(excl_vat=-self.excl_vat, incl_vat=None if self.incl_vat is None else -self.incl_vat)

    def __add__(self, other: Price) -> Price:
        """Sum; a part to which no VAT applies counts in the sum with VAT as it is."""
        with_vat = self.incl_vat is not None or other.incl_vat is not None
        return Price(
            excl_vat=self.excl_vat + other.excl_vat, incl_vat=self._paid + other._paid if with_vat else None
        )

    def to_internal(self) -> internal.Money:
        return internal.Money(self.excl_vat, self.incl_vat)

    @property
    def _paid(self) -> Decimal:
        return self.excl_vat if self.incl_vat is None else self.incl_vat


class TariffDimensionType(StrEnum):
    """What a price is for; ENERGY per kWh, TIME and PARKING_TIME per hour."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class PriceComponent(Message):
    """``price`` is without VAT, ``vat`` a percentage (absent: none applies), ``step_size`` in Wh or seconds."""

    type: TariffDimensionType
    price: Number
    vat: Number | None = None
    step_size: Annotated[int, Field(ge=0)]


class DayOfWeek(StrEnum):
    """Chapter mod_tariffs, DayOfWeek."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class ReservationRestriction(StrEnum):
    """The element prices a reservation, not a session."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


LocalTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
LocalDate = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class TariffRestrictions(Message):
    """When an element applies; times and dates are local to the location."""

    start_time: LocalTime | None = None
    end_time: LocalTime | None = None
    start_date: LocalDate | None = None
    end_date: LocalDate | None = None
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    day_of_week: tuple[DayOfWeek, ...] | None = None
    reservation: ReservationRestriction | None = None


class TariffElement(Message):
    """Price components that apply under the same restrictions."""

    price_components: Annotated[tuple[PriceComponent, ...], Field(min_length=1)]
    restrictions: TariffRestrictions | None = None


class TariffType(StrEnum):
    """Which sessions a tariff is for; absent: all."""

    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class DisplayText(Message):
    """A text for the driver in one language (ISO 639-1)."""

    language: Annotated[str, Field(min_length=2, max_length=2)]
    text: Annotated[Text, Field(max_length=512)]


class Tariff(Message):
    """Chapter mod_tariffs, Tariff (without ``energy_mix``)."""

    country_code: CountryCode
    party_id: PartyId
    id: Id36
    currency: Currency
    type: TariffType | None = None
    tariff_alt_text: tuple[DisplayText, ...] | None = None
    tariff_alt_url: Annotated[str, Field(max_length=255)] | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    elements: Annotated[tuple[TariffElement, ...], Field(min_length=1)]
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    last_updated: Instant


class CdrToken(Message):
    """The token that the session was started with."""

    country_code: CountryCode
    party_id: PartyId
    uid: Id36
    type: TokenType
    contract_id: Id36

    def to_internal(self) -> internal.TokenRef:
        party = internal.Party.of(self.country_code, self.party_id)
        return internal.TokenRef(self.uid, self.type, self.contract_id, party)

    @classmethod
    def of(cls, token: internal.TokenRef) -> Self:
        if token.party is None:
            raise ValueError("The provider of the token is not known.")
        return cls(
            country_code=token.party.country_code,
            party_id=token.party.party_id,
            uid=token.uid,
            type=TokenType(token.type) if token.type in TOKEN_TYPES else TokenType.OTHER,
            contract_id=token.contract_id,
        )


class Coordinates(Message):
    """Decimal degrees (WGS 84) as a text with a point, as partners send them."""

    latitude: Annotated[str, Field(pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,15})?$")]
    longitude: Annotated[str, Field(pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,15})?$")]


class GeoLocation(Message):
    """Decimal degrees (WGS 84) as text with 5 to 7 decimals."""

    latitude: Annotated[str, Field(pattern=r"^-?[0-9]{1,2}\.[0-9]{5,7}$")]
    longitude: Annotated[str, Field(pattern=r"^-?[0-9]{1,3}\.[0-9]{5,7}$")]

    @classmethod
    def of_degrees(cls, latitude: float, longitude: float) -> Self:
        return cls(latitude=f"{latitude:.6f}", longitude=f"{longitude:.6f}")


class CdrLocation(Message):
    """Where the session took place, as it was at its start. ``country`` is ISO 3166-1 alpha-3."""

    id: Id36
    name: Annotated[Text, Field(max_length=255)] | None = None
    address: Annotated[Text, Field(max_length=45)]
    city: Annotated[Text, Field(max_length=45)]
    postal_code: Annotated[Text, Field(max_length=10)] | None = None
    state: Annotated[Text, Field(max_length=20)] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    coordinates: GeoLocation
    evse_uid: Id36
    evse_id: Annotated[CiString, Field(min_length=1, max_length=48)]
    connector_id: Id36
    connector_standard: ConnectorType
    connector_format: ConnectorFormat
    connector_power_type: PowerType


class CdrDimensionType(StrEnum):
    """Chapter mod_cdrs, CdrDimensionType, without those that only a Session may have."""

    ENERGY = "ENERGY"
    MAX_CURRENT = "MAX_CURRENT"
    MIN_CURRENT = "MIN_CURRENT"
    MAX_POWER = "MAX_POWER"
    MIN_POWER = "MIN_POWER"
    PARKING_TIME = "PARKING_TIME"
    RESERVATION_TIME = "RESERVATION_TIME"
    TIME = "TIME"


class CdrDimension(Message):
    """``volume`` in kWh, hours, A or kW, as the type says."""

    type: CdrDimensionType
    volume: Number


class ChargingPeriod(Message):
    """From its start until the start of the next period, or the end of the session."""

    start_date_time: Instant
    dimensions: Annotated[tuple[CdrDimension, ...], Field(min_length=1)]
    tariff_id: Id36 | None = None


class SignedValue(Message):
    """A meter value as the meter signed it; ``signed_data`` is base64."""

    nature: Annotated[CiString, Field(max_length=32)]
    plain_data: Annotated[str, Field(max_length=512)]
    signed_data: Annotated[str, Field(max_length=5000)]


class SignedData(Message):
    """Signed meter values of a session."""

    encoding_method: Id36
    encoding_method_version: int | None = None
    public_key: Annotated[str, Field(max_length=512)] | None = None
    signed_values: Annotated[tuple[SignedValue, ...], Field(min_length=1)]
    url: Annotated[str, Field(max_length=512)] | None = None


class Cdr(Message):
    """Chapter mod_cdrs, CDR: the only object that is billed."""

    country_code: CountryCode
    party_id: PartyId
    id: Id39
    start_date_time: Instant
    end_date_time: Instant
    session_id: Id36 | None = None
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: Id36 | None = None
    cdr_location: CdrLocation
    meter_id: Annotated[Text, Field(max_length=255)] | None = None
    currency: Currency
    tariffs: tuple[Tariff, ...] | None = None
    charging_periods: Annotated[tuple[ChargingPeriod, ...], Field(min_length=1)]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Number
    total_energy_cost: Price | None = None
    total_time: Number
    total_time_cost: Price | None = None
    total_parking_time: Number | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: Annotated[Text, Field(max_length=255)] | None = None
    invoice_reference_id: Id39 | None = None
    credit: bool | None = None
    credit_reference_id: Id39 | None = None
    home_charging_compensation: bool | None = None
    last_updated: Instant

    @model_validator(mode="after")
    def _check_credit(self) -> Self:
        if self.credit and not self.credit_reference_id:
            raise ValueError("A credit CDR must name the CDR that it takes back (credit_reference_id).")
        if not self.credit and len(self.id) > 36:
            raise ValueError("Only a credit CDR may have an id of more than 36 characters.")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.end_date_time < self.start_date_time:
            raise ValueError("A CDR cannot end before it starts.")
        starts = [period.start_date_time for period in self.charging_periods]
        if starts != sorted(starts):
            raise ValueError("Charging periods must be in the order of their start.")
        return self


# Module locations


class Connector(Message):
    """Chapter mod_locations, Connector. What may be extended by later versions is a plain text here."""

    id: Id36
    standard: CiString
    format: CiString
    power_type: CiString
    max_voltage: int
    max_amperage: int
    max_electric_power: int | None = None
    tariff_ids: tuple[Id36, ...] | None = None
    terms_and_conditions: str | None = None
    last_updated: Instant

    def to_internal(self) -> internal.Connector:
        return internal.Connector(
            id=self.id,
            standard=self.standard,
            format=self.format,
            power_type=self.power_type,
            voltage=self.max_voltage,
            amperage=self.max_amperage,
            max_watts=self.max_electric_power,
            tariff_ids=self.tariff_ids or (),
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, connector: internal.Connector) -> Self:
        return cls(
            id=connector.id,
            standard=connector.standard,
            format=connector.format,
            power_type=connector.power_type,
            max_voltage=connector.voltage,
            max_amperage=connector.amperage,
            max_electric_power=connector.max_watts,
            tariff_ids=connector.tariff_ids or None,
            last_updated=connector.last_updated,
        )


class Evse(Message):
    """Chapter mod_locations, EVSE."""

    uid: Id36
    evse_id: Annotated[CiString, Field(max_length=48)] | None = None
    status: CiString
    capabilities: tuple[CiString, ...] | None = None
    connectors: tuple[Connector, ...] = ()
    floor_level: str | None = None
    coordinates: GeoLocation | None = None
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


class BusinessDetails(Message):
    """Chapter mod_locations, BusinessDetails."""

    name: Annotated[str, Field(max_length=100)]
    website: str | None = None


class Location(Message):
    """Chapter mod_locations, Location. Coordinates are read as they come: peers send any number of decimals."""

    country_code: CountryCode
    party_id: PartyId
    id: Id36
    publish: bool
    name: Annotated[str, Field(max_length=255)] | None = None
    address: Annotated[str, Field(max_length=255)]
    city: Annotated[str, Field(max_length=45)]
    postal_code: Annotated[str, Field(max_length=10)] | None = None
    state: Annotated[str, Field(max_length=45)] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    coordinates: Coordinates
    evses: tuple[Evse, ...] | None = None
    operator: BusinessDetails | None = None
    time_zone: Annotated[str, Field(max_length=255)]
    opening_times: dict[str, Any] | None = None
    last_updated: Instant

    def to_internal(self) -> internal.Location:
        return internal.Location(
            party=internal.Party.of(self.country_code, self.party_id),
            id=self.id,
            publish=self.publish,
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
            country_code=location.party.country_code,
            party_id=location.party.party_id,
            id=location.id,
            publish=location.publish,
            name=location.name,
            address=location.address,
            city=location.city,
            postal_code=location.postal_code,
            country=location.country,
            coordinates=Coordinates(latitude=location.latitude, longitude=location.longitude),
            evses=tuple(Evse.of(evse) for evse in location.evses),
            operator=BusinessDetails(name=location.operator) if location.operator else None,
            time_zone=location.time_zone or "UTC",
            opening_times=dict(location.opening_times) if location.opening_times else None,
            last_updated=location.last_updated,
        )


# Module tokens


class Token(Message):
    """Chapter mod_tokens, Token."""

    country_code: CountryCode
    party_id: PartyId
    uid: Id36
    type: CiString
    contract_id: Id36
    visual_number: Annotated[str, Field(max_length=64)] | None = None
    issuer: Annotated[str, Field(max_length=64)]
    group_id: Id36 | None = None
    valid: bool
    whitelist: CiString
    language: str | None = None
    last_updated: Instant

    def to_internal(self) -> internal.Token:
        return internal.Token(
            party=internal.Party.of(self.country_code, self.party_id),
            uid=self.uid,
            type=self.type,
            contract_id=self.contract_id,
            visual_number=self.visual_number,
            issuer=self.issuer,
            group_id=self.group_id,
            valid=self.valid,
            whitelist=self.whitelist,
            language=self.language,
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, token: internal.Token) -> Self:
        return cls(
            country_code=token.party.country_code,
            party_id=token.party.party_id,
            uid=token.uid,
            type=token.type if token.type in TOKEN_TYPES else "OTHER",
            contract_id=token.contract_id,
            visual_number=token.visual_number,
            issuer=token.issuer,
            group_id=token.group_id,
            valid=token.valid,
            whitelist=token.whitelist,
            language=token.language,
            last_updated=token.last_updated,
        )


class LocationReferences(Message):
    """Where the driver wants to charge."""

    location_id: Id36
    evse_uids: tuple[Id36, ...] | None = None


class AuthorizationInfo(Message):
    """The answer to a real-time authorisation; ``token`` is required from 2.2.1 on."""

    allowed: CiString
    token: Token | None = None
    location: LocationReferences | None = None
    authorization_reference: Id36 | None = None
    info: DisplayText | None = None


# Module sessions


class SessionPeriod(Message):
    """A charging period of a session: other than in a CDR any dimension may occur."""

    start_date_time: Instant
    dimensions: tuple[SessionDimension, ...] = ()
    tariff_id: Id36 | None = None


class SessionDimension(Message):
    """Kind and volume; kinds that are new are read too."""

    type: CiString
    volume: Number


class Session(Message):
    """Chapter mod_sessions, Session."""

    country_code: CountryCode
    party_id: PartyId
    id: Id36
    start_date_time: Instant
    end_date_time: Instant | None = None
    kwh: Number
    cdr_token: CdrToken
    auth_method: CiString
    authorization_reference: Id36 | None = None
    location_id: Id36
    evse_uid: Id36
    connector_id: Id36
    meter_id: Annotated[str, Field(max_length=255)] | None = None
    currency: Currency
    charging_periods: tuple[SessionPeriod, ...] | None = None
    total_cost: Price | None = None
    status: CiString
    last_updated: Instant

    def _total(self) -> internal.Money | None:
        return self.total_cost.to_internal() if self.total_cost else None

    @staticmethod
    def _price(total: internal.Money | None) -> Any:
        return None if total is None else Price(excl_vat=total.net, incl_vat=total.gross)

    def to_internal(self) -> internal.Session:
        return internal.Session(
            party=internal.Party.of(self.country_code, self.party_id),
            id=self.id,
            start=self.start_date_time,
            end=self.end_date_time,
            kwh=self.kwh,
            token=self.cdr_token.to_internal(),
            auth_method=self.auth_method,
            authorization_reference=self.authorization_reference,
            location_id=self.location_id,
            evse_uid=self.evse_uid,
            connector_id=self.connector_id,
            meter_id=self.meter_id,
            currency=self.currency,
            periods=periods_to_internal(self.charging_periods or ()),
            total=self._total(),
            status=self.status,
            last_updated=self.last_updated,
        )

    @classmethod
    def of(cls, session: internal.Session) -> Self:
        return cls(
            country_code=session.party.country_code,
            party_id=session.party.party_id,
            id=session.id,
            start_date_time=session.start,
            end_date_time=session.end,
            kwh=session.kwh,
            cdr_token=CdrToken.of(session.token),
            auth_method=session.auth_method,
            authorization_reference=session.authorization_reference,
            location_id=session.location_id,
            evse_uid=session.evse_uid,
            connector_id=session.connector_id,
            meter_id=session.meter_id,
            currency=session.currency,
            charging_periods=tuple(
                SessionPeriod(
                    start_date_time=period.start,
                    dimensions=tuple(SessionDimension(type=kind, volume=volume) for kind, volume in period.volumes),
                    tariff_id=period.tariff_id,
                )
                for period in session.periods
            )
            or None,
            total_cost=cls._price(session.total),
            status=session.status,
            last_updated=session.last_updated,
        )


def periods_to_internal(periods: Sequence[ChargingPeriod | SessionPeriod]) -> tuple[internal.Period, ...]:
    """Charging periods of a session or CDR."""
    return tuple(
        internal.Period(
            start=period.start_date_time,
            volumes=tuple((str(one.type), one.volume) for one in period.dimensions),
            tariff_id=period.tariff_id,
        )
        for period in periods
    )


class ReceivedCdr(Message):
    """A CDR as a partner sends it: read so that nothing a person has to judge is refused.

    :class:`Cdr` is the strict shape of what we send ourselves. Here a CDR without periods, with a dimension, token
    type or connector that is new, or with a long text is taken, kept, and judged later.
    """

    country_code: CountryCode
    party_id: PartyId
    id: Id39
    start_date_time: Instant
    end_date_time: Instant
    session_id: Id36 | None = None
    cdr_token: CdrToken
    auth_method: CiString
    authorization_reference: Id36 | None = None
    cdr_location: ReceivedCdrLocation
    meter_id: str | None = None
    currency: Currency
    tariffs: tuple[dict[str, Any], ...] | None = None
    charging_periods: tuple[SessionPeriod, ...] | None = None
    total_cost: Price
    total_energy: Number
    total_time: Number
    total_parking_time: Number | None = None
    remark: str | None = None
    invoice_reference_id: Id39 | None = None
    credit: bool | None = None
    credit_reference_id: Id39 | None = None
    last_updated: Instant

    def _total(self) -> internal.Money:
        return self.total_cost.to_internal()

    def to_internal(self) -> internal.Cdr:
        party = internal.Party.of(self.country_code, self.party_id)
        return internal.Cdr(
            party=party,
            id=self.id,
            start=self.start_date_time,
            end=self.end_date_time,
            session_id=self.session_id,
            token=self.cdr_token.to_internal(),
            auth_method=self.auth_method,
            authorization_reference=self.authorization_reference,
            location=self.cdr_location.to_internal(party, self.last_updated),
            meter_id=self.meter_id,
            currency=self.currency,
            tariffs=self.tariffs or (),
            periods=periods_to_internal(self.charging_periods or ()),
            total=self._total(),
            energy=self.total_energy,
            hours=self.total_time,
            parking_hours=self.total_parking_time,
            remark=self.remark,
            invoice_reference_id=self.invoice_reference_id,
            credit=bool(self.credit),
            credit_reference_id=self.credit_reference_id,
            last_updated=self.last_updated,
        )


class ReceivedCdrLocation(Message):
    """The place in a CDR, flat, with the one connector that was used."""

    id: Id36
    name: str | None = None
    address: str
    city: str
    postal_code: str | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    coordinates: Coordinates
    # One of them has to be there (mod_cdrs wants both); who leaves one out means the same by the other.
    evse_uid: Id36 | None = None
    evse_id: str | None = None
    connector_id: Id36
    connector_standard: CiString
    connector_format: CiString
    connector_power_type: CiString

    @model_validator(mode="after")
    def _check_evse(self) -> Self:
        if not (self.evse_uid or self.evse_id):
            raise ValueError("A CDR names its EVSE.")
        return self

    def to_internal(self, party: internal.Party, at: datetime) -> internal.Location:
        connector = internal.Connector(
            id=self.connector_id,
            standard=self.connector_standard,
            format=self.connector_format,
            power_type=self.connector_power_type,
            voltage=0,
            amperage=0,
            last_updated=at,
        )
        evse = internal.Evse(
            uid=self.evse_uid or self.evse_id or "",
            evse_id=self.evse_id,
            status="UNKNOWN",
            connectors=(connector,),
            last_updated=at,
        )
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
            evses=(evse,),
            last_updated=at,
        )


# Credentials and versions


class CredentialsRole(Message):
    """A party behind the credentials, and what it does."""

    role: CiString
    business_details: BusinessDetails
    party_id: PartyId
    country_code: CountryCode


class Credentials(Message):
    """Chapter credentials."""

    token: Annotated[str, Field(min_length=1, max_length=64)]
    url: Annotated[str, Field(max_length=255)]
    roles: Annotated[tuple[CredentialsRole, ...], Field(min_length=1)]

    def to_internal(self) -> internal.Credentials:
        return internal.Credentials(
            token=self.token,
            url=self.url,
            roles=tuple(
                internal.Role(
                    internal.Party.of(role.country_code, role.party_id),
                    role.role.upper(),
                    role.business_details.name,
                )
                for role in self.roles
            ),
        )

    @classmethod
    def of(cls, credentials: internal.Credentials) -> Self:
        return cls(
            token=credentials.token,
            url=credentials.url,
            roles=tuple(
                CredentialsRole(
                    role=role.role,
                    business_details=BusinessDetails(name=role.name),
                    party_id=role.party.party_id,
                    country_code=role.party.country_code,
                )
                for role in credentials.roles
            ),
        )


class Version(Message):
    """One line of the list of versions."""

    version: str
    url: str


class Endpoint(Message):
    """Where a module is."""

    identifier: str
    role: CiString
    url: str

    def to_internal(self) -> internal.Endpoint:
        return internal.Endpoint(self.identifier, self.url, self.role.upper())


class VersionDetails(Message):
    """The modules of one version."""

    version: str
    endpoints: tuple[Endpoint, ...]


# Module commands


class StartSession(Message):
    """Start a session for the token."""

    response_url: str
    token: Token
    location_id: Id36
    evse_uid: Id36 | None = None
    connector_id: Id36 | None = None
    authorization_reference: Id36 | None = None


class StopSession(Message):
    """Stop the session."""

    response_url: str
    session_id: Id36


class ReserveNow(Message):
    """Keep an EVSE free for the token."""

    response_url: str
    token: Token
    expiry_date: Instant
    reservation_id: Id36
    location_id: Id36
    evse_uid: Id36 | None = None
    authorization_reference: Id36 | None = None


class CancelReservation(Message):
    """Give the EVSE free again."""

    response_url: str
    reservation_id: Id36


class UnlockConnector(Message):
    """Unlock a cable that is stuck."""

    response_url: str
    location_id: Id36
    evse_uid: Id36
    connector_id: Id36


COMMANDS: dict[str, type[Message]] = {
    "START_SESSION": StartSession,
    "STOP_SESSION": StopSession,
    "RESERVE_NOW": ReserveNow,
    "CANCEL_RESERVATION": CancelReservation,
    "UNLOCK_CONNECTOR": UnlockConnector,
}


class CommandResponse(Message):
    """The answer at once: whether the command is passed on."""

    result: CiString
    timeout: int = 30
    message: tuple[DisplayText, ...] | None = None


class CommandResult(Message):
    """What became of the command at the station."""

    result: CiString
    message: tuple[DisplayText, ...] | None = None


# Module hubclientinfo


class ClientInfo(Message):
    """A party behind the hub and whether it can be reached."""

    party_id: PartyId
    country_code: CountryCode
    role: CiString
    status: CiString
    last_updated: Instant


# Module chargingprofiles


class ChargingProfilePeriod(Message):
    """The limit from ``start_period`` seconds on."""

    start_period: Annotated[int, Field(ge=0, le=_INT32_MAX)]
    limit: Annotated[Number, Field(ge=0)]


class ChargingProfile(Message):
    """A limit over time, in watts or amperes; without a start it begins when the car charges."""

    start_date_time: Instant | None = None
    duration: Annotated[int, Field(ge=0)] | None = None
    charging_rate_unit: CiString
    min_charging_rate: Number | None = None
    charging_profile_period: tuple[ChargingProfilePeriod, ...] | None = None


class ActiveChargingProfile(Message):
    """What the EVSE has planned; the times in it count from ``start_date_time``."""

    start_date_time: Instant
    charging_profile: ChargingProfile


class SetChargingProfile(Message):
    """Ask for a limit on a session."""

    charging_profile: ChargingProfile
    response_url: str


class ChargingProfileResponse(Message):
    """The answer at once."""

    result: CiString
    timeout: int = 30


class ChargingProfileResult(Message):
    """What became of it at the EVSE: of a limit, of its end, and with ``profile`` of the question for the plan."""

    result: CiString
    profile: ActiveChargingProfile | None = None
