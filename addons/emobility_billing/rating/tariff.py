"""A tariff in OCPI's shape: elements in order, each with restrictions and price components."""

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from .errors import TariffError


class Dimension(StrEnum):
    """What a price is for. MIN_PRICE and MAX_PRICE only occur on lines, never in a tariff element."""

    FLAT = "FLAT"
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    MIN_PRICE = "MIN_PRICE"
    MAX_PRICE = "MAX_PRICE"


METERED = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME)
ADJUSTMENTS = (Dimension.MIN_PRICE, Dimension.MAX_PRICE)


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
    """

    dimension: Dimension
    price: Decimal
    step_size: int = 1

    def __post_init__(self) -> None:
        if self.dimension in ADJUSTMENTS:
            raise TariffError(f"{self.dimension.value} is not the dimension of a price component.")
        if not self.price.is_finite() or self.price < 0:
            raise TariffError(f"The price {self.price} is not allowed: a price is 0 or more.")
        if self.step_size < 0:
            raise TariffError("A step size is 0 or more.")


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When a tariff element applies: all given restrictions must hold at the same instant.

    Times of day, dates and weekdays are local to the location. Lower bounds are inclusive, upper bounds are
    exclusive, as in OCPI. ``end_time`` before ``start_time`` goes over midnight, 00:00 as ``end_time`` is the
    end of the day, and equal times are the whole day.

    :param min_kwh, max_kwh: energy since the start of the session, kWh
    :param min_power, max_power: power at that moment (between two readings), kW
    :param min_duration, max_duration: seconds since the start of the session
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
    """

    id: str
    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: bool = True
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    digits: int = 2

    def __post_init__(self) -> None:
        if not any(element.components for element in self.elements):
            raise TariffError(f"The tariff {self.id} has no prices.")
        for limit in (self.min_price, self.max_price):
            if limit is not None and (not limit.is_finite() or limit < 0):
                raise TariffError("The lowest and the highest price of a session are 0 or more.")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise TariffError("The lowest price of a session is above its highest price.")

    def has_price_for(self, dimension: Dimension) -> bool:
        """Whether any element prices the dimension, at whatever time."""
        return any(element.component(dimension) is not None for element in self.elements)
