"""OCPI 2.2.1: the CDR object with everything in it (tag v2.2.1-d2, chapters mod_cdrs, mod_tariffs, types).

Energies are in kWh, durations in hours, money in the currency of the object. Numbers are ``Decimal`` and are
written as JSON numbers with at most four decimals (chapter types, number). Instants are aware and are written in
UTC with ``Z``.

A receiver must not refuse an object because of a field that it does not know, so unknown fields are ignored; one
that is missing or wrong raises ``pydantic.ValidationError``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

_NUMBER_DECIMALS = Decimal("0.0001")


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
