"""A tariff in the form in which charging periods are priced: integers, bounds without None, one list per price.

All numbers are multiples of ``10 ** -digits`` of the scale that the tariff was read with; instants, times of
day and durations are microseconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .scale import Scale

FOREVER = 1 << 62
EVERY_DAY = 0b1111111


class Checks:
    """The restrictions of an element. A bound that is not set is one that always holds.

    :ivar words: the restrictions as they were written
    :ivar local: whether anything depends on a wall clock
    :ivar weekdays: bit 0 is Monday
    :ivar night_day: the hours after midnight of a window over midnight count to the day before
    """

    # Defaults are those of the class: most restrictions set two or three, and a tariff is read for each CDR.
    local = False
    start_time = 0
    end_time = FOREVER
    start_day = -FOREVER
    end_day = FOREVER
    weekdays = EVERY_DAY
    night_day = False
    min_energy = -FOREVER
    max_energy = FOREVER
    min_elapsed = -FOREVER
    max_elapsed = FOREVER
    measured = False
    min_power: int | None = None
    max_power: int | None = None
    min_current: int | None = None
    max_current: int | None = None

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.words = words
        self._text = ""

    @property
    def text(self) -> str:
        """The restrictions in one line."""
        if not self._text:
            self._text = ", ".join([f"{name} {_word(value)}" for name, value in self.words.items()])
        return self._text

    def hold(self, clock: int, day: int, energy: int, elapsed: int) -> bool:
        """Whether all restrictions hold that do not depend on power or current.

        :param clock, day: time of day and date (days since 1970) as a wall clock shows them
        :param energy: since the start of the session
        :param elapsed: since the start of the session
        """
        if not self.min_energy <= energy < self.max_energy or not self.min_elapsed <= elapsed < self.max_elapsed:
            return False
        if not self.local:
            return True
        start, end = self.start_time, self.end_time
        if start < end:
            if not start <= clock < end:
                return False
        elif end <= clock < start or start == end:
            return False
        elif self.night_day and clock < end:
            day -= 1
        # 1 January 1970 was a Thursday, and Monday is bit 0.
        return self.start_day <= day < self.end_day and bool(self.weekdays >> (day + 3) % 7 & 1)


def _word(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(slots=True, eq=False)
class Component:
    """A price per kWh, per hour or per session.

    :param kind: ENERGY, TIME, PARKING_TIME, FLAT, RESERVATION_TIME or RESERVATION_FLAT
    :param element: index of its element in the tariff
    :param step: Wh or seconds; 0 is none
    :param vat: percentage; None when the tariff names none
    """

    kind: str
    element: int
    price: int
    step: int
    vat: int | None
    checks: Checks | None


@dataclass(slots=True)
class Compiled:
    """A tariff. Each list holds the components of one dimension in the order of their elements.

    ``energy_limits``, ``elapsed_limits`` and ``clock_limits`` are where a price may change: energy and time since
    the start of the session, and time of day besides midnight.
    """

    scale: Scale
    version: str
    tariff_id: str
    currency: str
    tax_included: str
    energy: list[Component]
    time: list[Component]
    parking: list[Component]
    flat: list[Component]
    reservation_time: list[Component]
    reservation_flat: list[Component]
    expiry_time: list[Component]
    expiry_flat: list[Component]
    min_price: tuple[int | None, int | None]
    max_price: tuple[int | None, int | None]
    valid_from: int
    valid_until: int
    local: bool
    measured: bool
    names_vat: bool
    without_vat: list[Component]
    flags: list[str]
    energy_limits: list[int]
    elapsed_limits: list[int]
    clock_limits: list[int]

    def components(self) -> Iterator[Component]:
        """All prices, reservations last."""
        yield from self.energy
        yield from self.time
        yield from self.parking
        yield from self.flat
        yield from self.reservation_time
        yield from self.reservation_flat
        yield from self.expiry_time
        yield from self.expiry_flat
