"""Exact arithmetic and the two roundings that the engine does."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

SECOND = 1_000_000
"""Offsets are counted in microseconds, the resolution of ``datetime``."""
HOUR = 3600 * SECOND
HALF = Fraction(1, 2)


def round_half_up(value: Fraction, digits: int) -> Decimal:
    """The decimal nearest to ``value`` (0 or more) with that many digits; a half goes up."""
    scaled = value * 10**digits + HALF
    return Decimal(scaled.numerator // scaled.denominator).scaleb(-digits)


def microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def instant_after(start: datetime, offset: Fraction) -> datetime:
    """The UTC instant ``offset`` microseconds after ``start``, to the nearest microsecond."""
    return start.astimezone(UTC) + timedelta(microseconds=int(offset + HALF))
