"""What a rating costs, against the cost of only decoding the same session's facts from JSON (both in this run)."""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal

import rating

START = datetime(2026, 3, 1, 18, 30, tzinfo=timezone.utc)
REPEAT = 5


def facts(readings: int) -> rating.SessionFacts:
    """A session with that many readings, five minutes apart, that crosses a change of price."""
    step = timedelta(minutes=5)
    end = START + step * readings
    return rating.SessionFacts(
        start=START, end=end, unplugged=end + timedelta(minutes=20), energy_kwh=Decimal(readings),
        readings=tuple(rating.Reading(START + step * n, Decimal(n)) for n in range(readings + 1)),
        states=(), time_zone="Europe/Berlin",
    )  # fmt: skip


def tariff() -> rating.Tariff:
    def element(*components: rating.PriceComponent, **restrictions: time) -> rating.TariffElement:
        return rating.TariffElement(components=components, restrictions=rating.Restrictions(**restrictions))

    def price(dimension: rating.Dimension, amount: str) -> rating.PriceComponent:
        return rating.PriceComponent(dimension=dimension, price=Decimal(amount))

    energy = rating.Dimension.ENERGY
    return rating.Tariff(id="bench", currency="EUR", elements=(
        element(price(energy, "0.59"), start_time=time(8), end_time=time(20)),
        element(price(energy, "0.49"), price(rating.Dimension.TIME, "0.60"),
                price(rating.Dimension.PARKING_TIME, "6.00")),
    ))  # fmt: skip


def microseconds(call: Callable[[], object]) -> float:
    timer = timeit.Timer(call)
    number, _ = timer.autorange()
    return min(timer.repeat(REPEAT, number)) / number * 1e6


def main() -> None:
    measures = []
    for readings in (0, 12, 120):
        session = facts(readings or 12) if readings else replace(facts(12), readings=())
        text = json.dumps(rating.facts_to_json(session))
        measures.append({
            "name": f"one rating, {readings} meter readings",
            "value": microseconds(lambda session=session: rating.rate(tariff(), session)),
            "unit": "us",
            "baseline": microseconds(lambda text=text: rating.facts_from_json(json.loads(text))),
        })
    print(json.dumps(measures))


if __name__ == "__main__":
    main()
