"""What a simulated session looks like over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

SAMPLE_EVERY = timedelta(minutes=5)
LIVE_SAMPLE_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Sample:
    """One meter reading of the plan."""

    at: datetime
    register_wh: int
    power_w: int


@dataclass(frozen=True)
class SessionPlan:
    """A session that charges evenly from `start` for `minutes`; the cable stays in for `idle_minutes`."""

    start: datetime
    minutes: float
    energy_kwh: float
    meter_start_wh: int = 0
    idle_minutes: float = 0.0
    sample_every: timedelta = SAMPLE_EVERY

    @property
    def end(self) -> datetime:
        """When charging ends."""
        return self.start + timedelta(minutes=self.minutes)

    @property
    def cable_out(self) -> datetime:
        """When the cable is pulled."""
        return self.end + timedelta(minutes=self.idle_minutes)

    def register_at(self, at: datetime) -> int:
        """The register in Wh at a time."""
        share = min(max((at - self.start) / (self.end - self.start), 0.0), 1.0)
        return self.meter_start_wh + round(self.energy_kwh * 1000 * share)

    def samples(self) -> Iterator[Sample]:
        """Readings strictly between start and end."""
        power = round(self.energy_kwh * 1000 * 60 / self.minutes)
        at = self.start + self.sample_every
        while at < self.end:
            yield Sample(at, self.register_at(at), power)
            at += self.sample_every
