"""Random tariffs and CDRs, valid and often on the edges: DST days, midnight, thresholds, steps."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.rating.ocpi_messages import LIMITS, instant

ZONES = ("Europe/Berlin", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
STARTS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 4, 4, 10, tzinfo=UTC),
    datetime(2026, 3, 8, 0, tzinfo=UTC), datetime(2026, 6, 30, 18, tzinfo=UTC), datetime(2026, 12, 31, 20, tzinfo=UTC),
)  # fmt: skip
TIMES = ("00:00", "01:00", "02:00", "02:30", "03:00", "06:00", "08:00", "17:00", "20:00", "22:00", "23:59")
DATES = ("2026-03-28", "2026-03-29", "2026-10-25", "2026-07-01", "2027-01-01")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
STEPS = (0, 1, 1, 1, 60, 100, 300, 900, 1000)


class Chance(random.Random):
    def maybe(self, odds: float = 0.5) -> bool:
        return self.random() < odds


def message(seed: int) -> dict[str, Any]:
    chance = Chance(seed)
    version = chance.choice(("2.1.1", "2.2.1", "2.2.1", "2.3.0"))
    return {
        "id": seed, "timezone": chance.choice(ZONES), "version": version, "tariff": tariff(chance, version),
        "cdr": cdr(chance, version),
    }  # fmt: skip


def tariff(chance: Chance, version: str) -> dict[str, Any]:
    rates = chance.choice(((), (19,), (7, 19, 5.2), (None, 21)))
    data: dict[str, Any] = {
        "id": "T", "currency": "EUR",
        "elements": [element(chance, version, rates) for _ in range(chance.randint(1, 4))],
    }  # fmt: skip
    if version == "2.3.0":
        data["tax_included"] = chance.choice(("NO", "NO", "YES", "N/A"))
    if version != "2.1.1" and chance.maybe(0.3):
        # Both bounds on both sides, and so far from each other that no rate of tax crosses them.
        data["min_price"] = dict(zip(LIMITS[version], (chance.randint(0, 3), 4), strict=True))
        data["max_price"] = dict(zip(LIMITS[version], (chance.randint(5, 30), 40), strict=True))
    return data


def element(chance: Chance, version: str, rates: tuple[float | None, ...]) -> dict[str, Any]:
    restrictions = restricted(chance) if chance.maybe(0.6) else {}
    dimensions = ["ENERGY", "TIME", "PARKING_TIME", "FLAT"]
    if version != "2.1.1" and chance.maybe(0.2):
        restrictions["reservation"] = chance.choice(("RESERVATION", "RESERVATION_EXPIRES"))
        dimensions = ["TIME", "FLAT"]
    chosen = chance.sample(dimensions, chance.randint(1, len(dimensions)))
    data: dict[str, Any] = {"price_components": [component(chance, dimension, rates) for dimension in chosen]}
    return data | ({"restrictions": restrictions} if restrictions else {})


def component(chance: Chance, dimension: str, rates: tuple[float | None, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "type": dimension, "price": round(chance.choice((0, 0.25, chance.uniform(0, 9))), chance.randint(0, 4)),
        "step_size": chance.choice(STEPS),
    }  # fmt: skip
    vat = chance.choice(rates) if rates else None
    return data if vat is None else data | {"vat": vat}


def restricted(chance: Chance) -> dict[str, Any]:
    """One or two restrictions."""
    kinds = (
        lambda: {"start_time": chance.choice(TIMES), "end_time": chance.choice(TIMES)},
        lambda: {"start_time": chance.choice(TIMES)},
        lambda: {"end_time": chance.choice(TIMES)},
        lambda: {"start_date": chance.choice(DATES)},
        lambda: {"end_date": chance.choice(DATES)},
        lambda: {"day_of_week": chance.sample(DAYS, chance.randint(1, 6))},
        lambda: {"min_kwh": chance.randint(0, 20)},
        lambda: {"max_kwh": chance.choice((2, 5.5, 10))},
        lambda: {"min_duration": chance.choice((0, 900, 1800, 3600))},
        lambda: {"max_duration": chance.choice((900, 1800, 7200))},
        lambda: {"min_power": chance.choice((4, 11, 22))},
        lambda: {"max_power": chance.choice((4, 11, 22))},
        lambda: {"min_current": chance.choice((16, 32))},
        lambda: {"max_current": chance.choice((16, 32))},
    )
    found: dict[str, Any] = {}
    for kind in chance.sample(kinds, chance.randint(1, 2)):
        found |= kind()
    return found


def cdr(chance: Chance, version: str) -> dict[str, Any]:
    start = at = chance.choice(STARTS) + timedelta(minutes=chance.randrange(0, 720, 15))
    periods = []
    phases = chance.choice((
        ["charge"], ["charge", "park"], ["charge"] * 5, ["charge", "park", "charge", "park"], ["both"],
    ))  # fmt: skip
    if version != "2.1.1" and chance.maybe(0.25):
        phases = chance.choice((["reserve", *phases], ["reserve"], ["reserve and charge", *phases]))
    for phase in phases:
        minutes = chance.choice((0, 6, 12, 15, 30, 45, 60, 180))
        periods.append({"start_date_time": instant(at), "dimensions": dimensions(chance, phase, minutes)})
        at += timedelta(minutes=minutes)
    return {
        "start_date_time": instant(start), "end_date_time": instant(at), "currency": "EUR", "charging_periods": periods,
    }  # fmt: skip


def dimensions(chance: Chance, phase: str, minutes: int) -> list[dict[str, Any]]:
    hours = round(minutes / 60, 4)
    volumes: dict[str, float] = {}
    if phase.startswith("reserve"):
        volumes["RESERVATION_TIME"] = hours
    if phase.endswith("charge") or phase == "both":
        volumes |= {"ENERGY": round(chance.choice((0, 1, 2.5, chance.uniform(0, 12))), 4), "TIME": hours}
        current = chance.choice((10, 16, 32, 40))
        volumes |= chance.choice((
            {"MAX_CURRENT": current}, {"MIN_CURRENT": current}, {"MIN_CURRENT": current, "MAX_CURRENT": current + 5},
        ))  # fmt: skip
        power = chance.choice((3.7, 11, 22, 50))
        nothing = {} if minutes else {"MIN_POWER": power}
        volumes |= chance.choice((nothing, {"MAX_POWER": power}, {"MIN_POWER": power / 2, "MAX_POWER": power}))
    if phase in ("park", "both"):
        volumes["PARKING_TIME"] = hours
    return [{"type": kind, "volume": value} for kind, value in volumes.items()]
