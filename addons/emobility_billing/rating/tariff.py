"""A tariff in OCPI's shape: elements in order, each with restrictions and price components."""

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from .errors import TariffError
from .terms import IdleFee, SpotPrice


class Dimension(StrEnum):
    """What a price is for. The first four are those of a tariff's components, the others occur only on lines.

    RESERVATION_* are the TIME and FLAT of elements that price a reservation. IDLE is the fee after charging. CAP
    is what a cap of a component or of the idle fee takes away again, MONTH_CAP what a cap of the month does.
    """

    FLAT = "FLAT"
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    RESERVATION_FLAT = "RESERVATION_FLAT"
    RESERVATION_TIME = "RESERVATION_TIME"
    IDLE = "IDLE"
    CAP = "CAP"
    MIN_PRICE = "MIN_PRICE"
    MAX_PRICE = "MAX_PRICE"
    MONTH_CAP = "MONTH_CAP"


PRICED = (Dimension.FLAT, Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME)
METERED = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME)
ADJUSTMENTS = (Dimension.CAP, Dimension.MIN_PRICE, Dimension.MAX_PRICE, Dimension.MONTH_CAP)


class Reservation(StrEnum):
    """Which costs of a reservation an element describes (OCPI's ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class Weekday(StrEnum):
    """OCPI's DayOfWeek; the order of the members is that of ``date.weekday()``."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


WEEKDAYS = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """A price per kWh (ENERGY), hour (TIME, PARKING_TIME) or session (FLAT).

    :param step_size: Wh (ENERGY) or seconds (TIME, PARKING_TIME); 0 and 1 do not round up what is billed
        by more than the resolution of the meter and the clock
    :param vat: percentage, for OCPI; retail ratings leave taxes to the invoice
    :param cap: the most that a session pays for this price. Not in OCPI
    :param spot: the price follows a market, and ``price`` is the fallback; ENERGY only. Not in OCPI
    :param needs_energy: due only in a session in which energy flowed; FLAT only. Not in OCPI
    """

    dimension: Dimension
    price: Decimal
    step_size: int = 1
    vat: Decimal | None = None
    cap: Decimal | None = None
    spot: SpotPrice | None = None
    needs_energy: bool = False

    def __post_init__(self) -> None:
        if self.dimension not in PRICED:
            raise TariffError(f"{self.dimension.value} is not the dimension of a price component.")
        if not self.price.is_finite() or self.price < 0:
            raise TariffError(f"The price {self.price} is not allowed: a price is 0 or more.")
        if self.step_size < 0:
            raise TariffError("A step size is 0 or more.")
        if self.vat is not None and not 0 <= self.vat <= 100:
            raise TariffError("A VAT percentage is 0 to 100.")
        if self.cap is not None and (not self.cap.is_finite() or self.cap < 0):
            raise TariffError("The cap of a price is 0 or more.")
        if self.spot is not None and self.dimension is not Dimension.ENERGY:
            raise TariffError("Only the price of energy can follow a market.")
        if self.needs_energy and self.dimension is not Dimension.FLAT:
            raise TariffError("Only a fee per session can depend on whether energy flowed.")


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When a tariff element applies: all given restrictions must hold at the same instant.

    Times of day, dates and weekdays are local to the location. Lower bounds are inclusive, upper bounds are
    exclusive, as in OCPI. ``end_time`` before ``start_time`` goes over midnight, 00:00 as ``end_time`` is the
    end of the day, and equal times are the whole day.

    :param min_kwh, max_kwh: energy since the start of the session, kWh
    :param min_power, max_power: power at that moment (between two readings), kW
    :param min_current, max_current: sum over the phases at that moment (of the last reading that tells it), A
    :param min_duration, max_duration: seconds since the start of the session
    :param reservation: the element prices a reservation, and nothing else; TIME and FLAT only
    :param min_parking, max_parking: seconds that the car has already parked in this session. Not in OCPI: a
        grace time or a cap on the overstay fee cannot be expressed there
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_parking: int | None = None
    max_parking: int | None = None
    day_of_week: frozenset[Weekday] = frozenset()
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    reservation: Reservation | None = None

    @property
    def wall_times(self) -> frozenset[time]:
        """The local times of day at which this restriction may begin or cease to hold."""
        limits = {limit for limit in (self.start_time, self.end_time) if limit is not None}
        if limits or self.day_of_week or self.start_date or self.end_date:
            limits.add(time(0))
        return frozenset(limits)

    @property
    def wraps_midnight(self) -> bool:
        if self.start_time is None or self.end_time is None:
            return False
        return time(0) < self.end_time < self.start_time


@dataclass(frozen=True, slots=True)
class TariffElement:
    """Price components that apply while the restrictions hold."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions = Restrictions()

    def __post_init__(self) -> None:
        dimensions = [component.dimension for component in self.components]
        if len(dimensions) != len(set(dimensions)):
            raise TariffError("A tariff element has at most one price for each dimension.")
        if self.restrictions.reservation is not None and not set(dimensions) <= {Dimension.TIME, Dimension.FLAT}:
            raise TariffError("A reservation has only a price for its time and a fee.")

    def component(self, dimension: Dimension) -> PriceComponent | None:
        return next((c for c in self.components if c.dimension is dimension), None)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff version, ready to price sessions.

    :param id: any name of the version; it is copied to the trace
    :param currency: ISO 4217 code
    :param elements: in order: for each dimension the first element that matches gives the price
    :param tax_included: whether prices are gross (true) or net (false); the total is in the same mode
    :param min_price, max_price: bounds of the total of a session, same mode
    :param digits: decimals of the currency's minor unit
    :param idle: fee for blocking the connector after charging
    :param free_kwh: energy at the begin of each session that costs nothing
    :param free_seconds: charging time at the begin of each session that costs nothing
    :param quota_kwh: energy of each month that costs nothing, over all sessions; what is over has its price
    :param month_caps: the most that a month costs: for a dimension, or (None) for everything
    :param free_below_kwh, free_below_seconds: a session with less energy, or less time from start to end, is free
        (F42)
    :param alt_text: texts for people by language, for OCPI
    """

    id: str
    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: bool = True
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    digits: int = 2
    idle: IdleFee | None = None
    free_kwh: Decimal = Decimal(0)
    free_seconds: int = 0
    quota_kwh: Decimal = Decimal(0)
    month_caps: tuple[tuple[Dimension | None, Decimal], ...] = ()
    free_below_kwh: Decimal = Decimal(0)
    free_below_seconds: int = 0
    alt_text: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for amount in (self.free_kwh, self.quota_kwh, self.free_below_kwh, *(cap for _, cap in self.month_caps)):
            if not amount.is_finite() or amount < 0:
                raise TariffError("Free energy, quotas and caps are 0 or more.")
        if self.free_seconds < 0 or self.free_below_seconds < 0:
            raise TariffError("Free time is 0 or more.")
        if not any(element.components for element in self.elements):
            raise TariffError(f"The tariff {self.id} has no prices.")
        for limit in (self.min_price, self.max_price):
            if limit is not None and (not limit.is_finite() or limit < 0):
                raise TariffError("The lowest and the highest price of a session are 0 or more.")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise TariffError("The lowest price of a session is above its highest price.")

    def has_price_for(self, dimension: Dimension) -> bool:
        """Whether any element prices the dimension of a session, at whatever time."""
        return any(
            element.component(dimension) is not None and element.restrictions.reservation is None
            for element in self.elements
        )
