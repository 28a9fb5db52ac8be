"""Limits of the power of a session over time, between what knows stations and what knows partners. No ORM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ChargingSchedule:
    """``periods`` are (seconds after the start, limit), in order; ``unit`` is W or A.

    ``start`` is an aware instant; None: when the session begins to charge. ``duration`` in seconds; None: without end.
    """

    unit: str
    periods: tuple[tuple[int, float], ...]
    start: datetime | None = None
    duration: int | None = None
    minimum: float | None = None
