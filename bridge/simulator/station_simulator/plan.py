"""What a simulated session looks like over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

SAMPLE_EVERY = timedelta(minutes=5)
TAPER_FROM = 0.7  # share of the time after which the power sinks, to a fifth at the end
TAPER_SLOPE = 0.8 / (1 - TAPER_FROM)
TAPERED_AREA = TAPER_FROM + (1 - TAPER_FROM) * 0.6
LIVE_SAMPLE_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Sample:
    """One meter reading of the plan."""

    at: datetime
    register_wh: int
    power_w: int


@dataclass(frozen=True)
class SessionPlan:
    """A session that charges from `start` for `minutes`; the cable stays in for `idle_minutes`.

    It charges evenly, or with `taper` as batteries do: at full power at first, then with less and less.
    """

    start: datetime
    minutes: float
    energy_kwh: float
    meter_start_wh: int = 0
    idle_minutes: float = 0.0
    sample_every: timedelta = SAMPLE_EVERY
    taper: bool = False

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
        return self.meter_start_wh + round(self.energy_kwh * 1000 * self._charged(share))

    def power_at(self, at: datetime) -> int:
        """The power in W at a time."""
        full = self.energy_kwh * 1000 * 60 / self.minutes
        if not self.taper:
            return round(full)
        beyond = max((at - self.start) / (self.end - self.start) - TAPER_FROM, 0.0)
        return round(full / TAPERED_AREA * (1 - TAPER_SLOPE * beyond))

    def samples(self) -> Iterator[Sample]:
        """Readings strictly between start and end."""
        at = self.start + self.sample_every
        while at < self.end:
            yield Sample(at, self.register_at(at), self.power_at(at))
            at += self.sample_every

    def _charged(self, share: float) -> float:
        """The share of the energy after a share of the time."""
        if not self.taper:
            return share
        beyond = max(share - TAPER_FROM, 0.0)
        return (min(share, TAPER_FROM) + beyond - TAPER_SLOPE * beyond**2 / 2) / TAPERED_AREA
