"""What a session has cost at any moment, and a picture of it: pure Python, no Odoo.

Every point is a rating of the session as it would be if it ended then, by the same engine that makes the invoice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from html import escape
from zoneinfo import ZoneInfo

from .rating import SessionFacts, Tariff, build_periods
from .rating.curve import EnergyCurve

SAMPLES = 60
_MICROSECOND = timedelta(microseconds=1)
_KWH_DIGITS = Decimal("0.000001")

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 96, 16, 16, 40
GRID_LINES = 4


def cost_over_time(
    price: Callable[[SessionFacts], Decimal], tariff: Tariff, facts: SessionFacts
) -> list[tuple[datetime, Decimal]]:
    """(instant, cost so far) from the start until the cable is out, denser where prices change.

    :param price: what a session costs; ``tariff`` tells where prices change
    :raises RatingError: when the engine cannot price the session
    """
    curve = EnergyCurve(facts)
    length = facts.released - facts.start
    instants = {facts.start + length * index / SAMPLES for index in range(SAMPLES + 1)}
    for period in build_periods(facts, tariff):
        instants |= {period.start, period.end}
    return [(at, price(_until(facts, curve, at))) for at in sorted(instants)]


def _until(facts: SessionFacts, curve: EnergyCurve, at: datetime) -> SessionFacts:
    """The facts as they are known at an instant."""
    if at >= facts.end:
        return SessionFacts(
            start=facts.start, end=facts.end, unplugged=at, energy_kwh=facts.energy_kwh,
            readings=facts.readings, states=tuple(s for s in facts.states if s.at <= at), time_zone=facts.time_zone,
        )  # fmt: skip
    energy = curve.at(Fraction((at - facts.start) // _MICROSECOND))
    return SessionFacts(
        start=facts.start,
        end=at,
        unplugged=None,
        energy_kwh=_kwh(energy),
        readings=tuple(reading for reading in facts.readings if reading.at <= at),
        states=tuple(state for state in facts.states if state.at <= at),
        time_zone=facts.time_zone,
    )


def energy_over_time(facts: SessionFacts) -> list[tuple[datetime, Decimal]]:
    """(instant, kWh so far), at the readings and evenly in between."""
    curve = EnergyCurve(facts)
    length = facts.released - facts.start
    instants = {facts.start + length * index / SAMPLES for index in range(SAMPLES + 1)}
    instants |= {reading.at for reading in facts.readings if facts.start <= reading.at <= facts.released}
    return [(at, _kwh(curve.at(Fraction((at - facts.start) // _MICROSECOND)))) for at in sorted(instants)]


def _kwh(energy: Fraction) -> Decimal:
    return (Decimal(energy.numerator) / Decimal(energy.denominator)).quantize(_KWH_DIGITS)


def chart(points: list[tuple[datetime, Decimal]], zone: ZoneInfo, charging_end: datetime, unit: str) -> str:
    """The points as an SVG picture: money or energy over local time, with a mark where charging ends."""
    first, last = points[0][0], points[-1][0]
    highest = max(amount for _at, amount in points) or Decimal(1)
    seconds = (last - first).total_seconds() or 1.0
    # In a session that has just begun, minutes would be the same five times.
    clock = "%H:%M:%S" if seconds < 60 * GRID_LINES else "%H:%M"

    def x(at: datetime) -> float:
        return LEFT + (at - first).total_seconds() / seconds * (WIDTH - LEFT - RIGHT)

    def y(amount: Decimal) -> float:
        return HEIGHT - BOTTOM - float(amount / highest) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'style="width:100%;max-width:{WIDTH}px;font:16px sans-serif" '
        f'aria-label="{escape(f"Over time, {points[-1][1]:.2f} {unit} in the end")}">'
    ]
    for index in range(GRID_LINES + 1):
        amount = highest * index / GRID_LINES
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(amount):.1f}" y2="{y(amount):.1f}" stroke="#d5dbe1"/>'
            f'<text x="{LEFT - 6}" y="{y(amount) + 5:.1f}" text-anchor="end" fill="#5b6672">'
            f"{amount:.2f} {escape(unit)}</text>"
        )
        at = first + (last - first) * index / GRID_LINES
        anchor = "start" if index == 0 else "end" if index == GRID_LINES else "middle"
        parts.append(
            f'<text x="{x(at):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="{anchor}" fill="#5b6672">'
            f"{at.astimezone(zone):{clock}}</text>"
        )
    if charging_end < last:
        end = x(charging_end)
        parts.append(
            f'<line x1="{end:.1f}" x2="{end:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#9a6700" '
            f'stroke-dasharray="4 3"/><text x="{end + 4:.1f}" y="{TOP + 14}" fill="#9a6700">'
            f"{charging_end.astimezone(zone):%H:%M}</text>"
        )
    line = " ".join(f"{x(at):.1f},{y(amount):.1f}" for at, amount in points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#0f766e" stroke-width="2"/></svg>')
    return "".join(parts)
