"""The baseline of the rating benchmark: the rules of OCPI written down plainly, with Decimal and datetime.

It prices as the engine does by default, without looking for mistakes in its input, without a trace and without
power, current and reservations: what somebody would write first.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any
from zoneinfo import ZoneInfo

STEPS_PER_UNIT = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600}


def total(tariff: dict[str, Any], cdr: dict[str, Any], time_zone: str) -> tuple[Decimal, Decimal]:
    """Before and after taxes."""
    zone = ZoneInfo(time_zone)
    start = datetime.fromisoformat(cdr["start_date_time"])
    used: list[list[Any]] = []
    flat = False
    energy = Decimal(0)
    for period in cdr["charging_periods"]:
        at = datetime.fromisoformat(period["start_date_time"])
        local, elapsed = at.astimezone(zone), (at - start).total_seconds()
        volumes = {each["type"]: Decimal(str(each["volume"])) for each in period["dimensions"]}
        for dimension in ("FLAT", "ENERGY", "TIME", "PARKING_TIME"):
            volume = Decimal(1) if dimension == "FLAT" else volumes.get(dimension)
            if not volume or dimension == "FLAT" and flat:
                continue
            component = find(tariff, dimension, local, energy, elapsed)
            if component is not None:
                used.append([dimension, component, volume])
                flat = flat or dimension == "FLAT"
        energy += volumes.get("ENERGY", Decimal(0))
    add_steps(used)
    before = after = Decimal(0)
    for _dimension, component, volume in used:
        cost = Decimal(str(component["price"])) * volume
        before += cost
        after += cost * (1 + Decimal(str(component.get("vat", 0))) / 100)
    return before, after


def find(tariff: dict[str, Any], dimension: str, local: datetime, energy: Decimal, elapsed: float) -> Any:
    for element in tariff["elements"]:
        if matches(element.get("restrictions") or {}, local, energy, elapsed):
            for component in element["price_components"]:
                if component["type"] == dimension:
                    return component
    return None


def matches(r: dict[str, Any], local: datetime, energy: Decimal, elapsed: float) -> bool:
    clock = local.strftime("%H:%M")
    start, end = r.get("start_time", "00:00"), r.get("end_time", "00:00")
    if start < end and not start <= clock < end:
        return False
    if start > end and not (clock >= start or clock < end) and end != "00:00":
        return False
    if end == "00:00" and clock < start:
        return False
    if "start_date" in r and local.date() < date.fromisoformat(r["start_date"]):
        return False
    if "end_date" in r and local.date() >= date.fromisoformat(r["end_date"]):
        return False
    if r.get("day_of_week") and local.strftime("%A").upper() not in r["day_of_week"]:
        return False
    if energy < Decimal(str(r.get("min_kwh", 0))) or "max_kwh" in r and energy >= Decimal(str(r["max_kwh"])):
        return False
    return elapsed >= r.get("min_duration", 0) and ("max_duration" not in r or elapsed < r["max_duration"])


def add_steps(used: list[list[Any]]) -> None:
    parks = any(each[0] == "PARKING_TIME" for each in used)
    for dimension in ("ENERGY", "PARKING_TIME" if parks else "TIME"):
        relevant = [each for each in used if each[0] == dimension]
        if relevant and relevant[-1][1]["step_size"]:
            step = Decimal(relevant[-1][1]["step_size"]) / STEPS_PER_UNIT[dimension]
            volume = sum(each[2] for each in relevant)
            relevant[-1][2] += (volume / step).to_integral_value(ROUND_CEILING) * step - volume
