"""What pricing costs, each against a straightforward evaluation of the same input in the same run.

Values and baselines are CDRs (or lines, or sessions) per second and core: more is better. Times are those of the
processor, the best of several rounds, because other work on the machine only adds.
`growth` rows are the time for ten times as many periods or elements, divided by ten: 1 is linear.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import corpus
import orjson
import rating
from rating import cli
from rating.cdr_pricing import collect
from rating.instants import local_clock
from rating.ocpi_cdr import read_cdr
from rating.ocpi_tariff import read_tariff
from rating.policy import DEFAULT_POLICY
from rating.settlement import settle
from straightforward import total

ZONE = "Europe/Berlin"
START = datetime(2026, 3, 2, 6, 0, tzinfo=timezone.utc)
ROUNDS = 5
LINES = 4000


def component(kind: str, price: float, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": price, "vat": 19.0, "step_size": step}


def flat_tariff() -> dict[str, Any]:
    return {"id": "flat", "currency": "EUR", "elements": [{"price_components": [component("ENERGY", 0.49)]}]}


def time_of_use() -> dict[str, Any]:
    day = {"start_time": "08:00", "end_time": "20:00", "day_of_week": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY"]}
    return {"id": "tou", "currency": "EUR", "elements": [
        {"price_components": [component("ENERGY", 0.59)], "restrictions": day},
        {"price_components": [component("FLAT", 1), component("ENERGY", 0.39), component("PARKING_TIME", 6, 300)]},
    ]}  # fmt: skip


def many_elements(count: int) -> dict[str, Any]:
    """Tiers of energy, so that late periods have to look at nearly all elements."""
    tiers = [
        {"price_components": [component("ENERGY", round(0.3 + index / 100, 2))],
         "restrictions": {"max_kwh": 3 * index + 3}}
        for index in range(count - 1)
    ]  # fmt: skip
    return {"id": "many", "currency": "EUR", "elements": [*tiers, {"price_components": [component("ENERGY", 0.9)]}]}


def cdr(periods: int) -> dict[str, Any]:
    step = timedelta(minutes=15) if periods <= 100 else timedelta(minutes=5)
    written = []
    for index in range(periods):
        last = periods > 1 and index == periods - 1
        dimensions = [{"type": "PARKING_TIME", "volume": 0.25}] if last else [
            {"type": "ENERGY", "volume": 2.347}, {"type": "TIME", "volume": 0.25},
        ]  # fmt: skip
        written.append({"start_date_time": text(START + index * step), "dimensions": dimensions})
    return {
        "start_date_time": text(START), "end_date_time": text(START + periods * step), "currency": "EUR",
        "charging_periods": written,
    }  # fmt: skip


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def microseconds(call: Callable[[], object], number: int) -> float:
    """Processor time of one call."""
    best = float("inf")
    gc.disable()
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(number):
            call()
        best = min(best, time.process_time() - begin)
        gc.collect()
    gc.enable()
    return best / number * 1e6


def row(name: str, unit: str, value: float, baseline: float) -> dict[str, Any]:
    """A measure from microseconds for each."""
    return {"name": name, "value": 1e6 / value, "unit": f"{unit}/s", "baseline": 1e6 / baseline}


def price(tariff: dict[str, Any], data: dict[str, Any], number: int) -> float:
    """A CDR as JSON data, priced by a tariff that is compiled once."""
    compiled, clock = read_tariff(tariff), local_clock(ZONE)

    def once() -> object:
        session = read_cdr(data)
        return settle(collect(compiled, session, clock, DEFAULT_POLICY), compiled, session)

    return microseconds(once, number)


def cdrs() -> Iterator[dict[str, Any]]:
    tariffs = (("flat", flat_tariff()), ("time of use", time_of_use()), ("20 elements", many_elements(20)))
    for name, tariff in tariffs:
        for periods in (1, 10, 100):
            data, number = cdr(periods), max(3000 // (periods + 2), 20)
            baseline = microseconds(lambda data=data, tariff=tariff: total(tariff, data, ZONE), max(number // 10, 3))
            yield row(f"{name}, {periods} periods", "CDRs", price(tariff, data, number), baseline)


def growth() -> Iterator[dict[str, Any]]:
    """Time for ten times as much, per piece, relative to before. Unit: times."""
    for name, small, large in (
        ("periods, 10 to 100", (time_of_use(), cdr(10)), (time_of_use(), cdr(100))),
        ("periods, 100 to 1000", (time_of_use(), cdr(100)), (time_of_use(), cdr(1000))),
        ("elements, 10 to 100", (many_elements(10), cdr(100)), (many_elements(100), cdr(100))),
    ):
        before, after = price(*small, 50), price(*large, 10)
        yield {"name": f"growth per {name}", "value": after / before / 10, "unit": "x", "baseline": 1.0}


def command() -> Iterator[dict[str, Any]]:
    """Lines of `./run rate`, from bytes to bytes, with another tariff on each line, of which none comes again."""
    lines = list(corpus.lines(LINES * ROUNDS))
    pending = iter(lines)

    def engine() -> object:
        return orjson.dumps(cli.answer(next(pending), DEFAULT_POLICY, None))

    def plainly() -> object:
        data = json.loads(next(plain))
        return json.dumps([str(each) for each in total(data["tariff"], data["cdr"], data["timezone"])])

    value = microseconds(engine, LINES)
    plain = iter(lines)
    yield row("./run rate, 7 periods, new tariff per line", "lines", value, microseconds(plainly, LINES // 4))


def retail() -> Iterator[dict[str, Any]]:
    """The engine of the invoice, which cuts the periods itself, against decoding the facts of the session."""
    energy, parking = rating.Dimension.ENERGY, rating.Dimension.PARKING_TIME
    day = rating.Restrictions(start_time=datetime(2026, 1, 1, 8).time(), end_time=datetime(2026, 1, 1, 20).time())
    tariff = rating.Tariff("bench", "EUR", (
        rating.TariffElement((rating.PriceComponent(energy, Decimal("0.59")),), day),
        rating.TariffElement((
            rating.PriceComponent(energy, Decimal("0.49")), rating.PriceComponent(parking, Decimal(6)),
        )),
    ))  # fmt: skip
    for readings in (0, 12, 120):
        step = timedelta(minutes=5)
        end = START + timedelta(hours=1) + step * readings
        facts = rating.SessionFacts(
            START, end, end + timedelta(minutes=20), Decimal(readings or 12),
            tuple(rating.Reading(START + step * n, Decimal(n)) for n in range(readings + 1)) if readings else (),
            (), ZONE,
        )  # fmt: skip
        written = json.dumps(rating.facts_to_json(facts))
        value = microseconds(lambda facts=facts: rating.rate(tariff, facts), 200)
        baseline = microseconds(lambda written=written: rating.facts_from_json(json.loads(written)), 200)
        yield row(f"retail, {readings} meter readings", "sessions", value, baseline)


def main() -> None:
    measures = [*cdrs(), *growth(), *command(), *retail()]
    print(json.dumps(measures))


if __name__ == "__main__":
    main()
