"""Energy as a function of time: the register of the meter, linear between two readings."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from .exact import HOUR, microseconds
from .facts import SessionFacts

TOLERANCE_KWH = Fraction(1, 1000)
"""Readings and total are the same when they differ by no more than the resolution of a billing meter."""


class EnergyCurve:
    """Energy since the start of the session (exact, kWh) at any offset from its start (microseconds).

    Readings only distribute the energy of the session over time, they never change it. A reading at or
    before the start counts as the reading at the start, one at or after the end as the reading at the end.
    Energy that falls before the first or after the last reading is spread linearly over that time.
    Otherwise, when the readings disagree with the total, they are scaled to it.

    ``flags`` says what had to be assumed: ``linear_energy`` (energy spread over time that no readings cover),
    ``readings_disagree`` (readings scaled by more than 1 Wh).
    """

    __slots__ = ("flags", "offsets", "total", "values")

    def __init__(self, facts: SessionFacts) -> None:
        self.total = Fraction(facts.energy_kwh)
        self.flags: tuple[str, ...] = ()
        duration = microseconds(facts.end - facts.start)
        readings = _clamped_readings(facts, duration)
        if not any(0 < offset < duration for offset in readings):
            self._spread_evenly(duration)
            return
        self._follow(readings, duration)

    def _spread_evenly(self, duration: int) -> None:
        self.offsets: list[int] = [0, duration]
        self.values: list[Fraction] = [Fraction(0), self.total]
        if self.total:
            self.flags += ("linear_energy",)

    def _follow(self, readings: dict[int, Decimal], duration: int) -> None:
        offsets = list(readings)
        base = readings[offsets[0]]
        rises = [Fraction(register - base) for register in readings.values()]
        before, after = offsets[0], duration - offsets[-1]
        missing = self.total - rises[-1]
        head = Fraction(0)
        if missing > 0 and before + after:
            head = missing * before / (before + after)
            if missing > TOLERANCE_KWH:
                self.flags += ("linear_energy",)
        elif missing:
            if abs(missing) > TOLERANCE_KWH:
                self.flags += ("readings_disagree",)
            if not rises[-1]:
                self._spread_evenly(duration)
                return
            scale = self.total / rises[-1]
            rises = [rise * scale for rise in rises]
        self.offsets = offsets
        self.values = [head + rise for rise in rises] if head else rises
        if before:
            self.offsets.insert(0, 0)
            self.values.insert(0, Fraction(0))
        if after:
            self.offsets.append(duration)
            self.values.append(self.total)

    def at(self, offset: Fraction) -> Fraction:
        """Energy from the start to ``offset``, kWh."""
        right = bisect_right(self.offsets, offset)
        if right == len(self.offsets):
            return self.total
        return _interpolate(offset, self.offsets, self.values, right)

    def reaches(self, energy: Fraction) -> Fraction | None:
        """The first offset at which ``energy`` has been delivered, None when that much never is."""
        if energy > self.total:
            return None
        right = bisect_left(self.values, energy)
        if right == 0:
            return Fraction(0)
        return _interpolate(energy, self.values, self.offsets, right)

    def power(self, offset: Fraction) -> Fraction:
        """Mean power in kW between the readings around ``offset``; 0 after the end."""
        right = bisect_right(self.offsets, offset)
        if right == len(self.offsets):
            return Fraction(0)
        rise = self.values[right] - self.values[right - 1]
        return rise * HOUR / (self.offsets[right] - self.offsets[right - 1])


def _clamped_readings(facts: SessionFacts, duration: int) -> dict[int, Decimal]:
    """Register by offset, in order. What lies outside of the session is moved to its edge.

    Of several readings at one offset the last counts, but of those after the end the first does: later
    ones may already belong to somebody else.
    """
    readings: dict[int, Decimal] = {}
    for reading in facts.readings:
        offset = microseconds(reading.at - facts.start)
        if offset <= duration:
            readings[max(offset, 0)] = reading.energy_kwh
        elif duration not in readings:
            readings[duration] = reading.energy_kwh
    return readings


def _interpolate(
    x: Fraction, xs: Sequence[int | Fraction], ys: Sequence[int | Fraction], right: int
) -> Fraction:
    x0, x1, y0, y1 = xs[right - 1], xs[right], ys[right - 1], ys[right]
    return y0 + Fraction(x - x0) * (y1 - y0) / (x1 - x0)
