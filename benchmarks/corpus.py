"""Lines for `./run rate` like those of a roaming hub: another tariff on each, 2-3 elements, 7 periods on average."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

ZONES = ("Europe/Berlin", "Europe/Amsterdam", "Europe/London", "America/Toronto")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def lines(count: int, seed: int = 1) -> Iterator[bytes]:
    chance = random.Random(seed)
    for number in range(count):
        yield json.dumps(line(number, chance)).encode() + b"\n"


def line(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "id": f"line-{number}",
        "timezone": chance.choice(ZONES),
        "version": "2.2.1",
        "tariff": tariff(number, chance),
        "cdr": cdr(chance),
    }


def tariff(number: int, chance: random.Random) -> dict[str, Any]:
    def component(kind: str, step: int) -> dict[str, Any]:
        price, vat = round(chance.uniform(0.1, 9), 4), chance.choice((19.0, 21.0))
        return {"type": kind, "price": price, "vat": vat, "step_size": step}

    elements: list[dict[str, Any]] = [{
        "price_components": [component("ENERGY", 1), component("PARKING_TIME", 300)],
        "restrictions": {"start_time": "08:00", "end_time": "20:00",
                         "day_of_week": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]},
    }]
    if chance.random() < 0.5:
        limit = {"min_kwh": chance.randint(5, 20)}
        elements.append({"price_components": [component("ENERGY", 1)], "restrictions": limit})
    elements.append({"price_components": [component("FLAT", 1), component("ENERGY", 1), component("TIME", 60)]})
    return {
        "country_code": "DE", "party_id": "ABC", "id": f"tariff-{number}", "currency": "EUR", "type": "REGULAR",
        "elements": elements, "last_updated": "2026-01-01T00:00:00Z",
    }


def cdr(chance: random.Random) -> dict[str, Any]:
    at = START + timedelta(seconds=chance.randrange(300 * 86_400))
    periods = []
    start = at
    count = chance.randint(5, 9)
    for index in range(count):
        seconds = chance.randrange(300, 2400)
        hours = round(seconds / 3600, 4)
        if index < count - 1:
            energy, power = round(chance.uniform(0.5, 9), 3), round(chance.uniform(5, 50), 1)
            dimensions = [{"type": "ENERGY", "volume": energy}, {"type": "TIME", "volume": hours},
                          {"type": "MAX_POWER", "volume": power}]
        else:
            dimensions = [{"type": "PARKING_TIME", "volume": hours}]
        periods.append({"start_date_time": _text(at), "dimensions": dimensions})
        at += timedelta(seconds=seconds)
    return {"start_date_time": _text(start), "end_date_time": _text(at), "currency": "EUR", "charging_periods": periods}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
