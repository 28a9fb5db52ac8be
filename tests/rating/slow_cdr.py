"""A second evaluator of OCPI CDRs: slow, with fractions and datetimes, written from the text of the specification.

It shares no code with the engine. It knows valid input only, and the default policy.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

SESSION_DIMENSIONS = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")
STEPS_PER_UNIT = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600}


@dataclass
class Used:
    """A volume at a price."""

    dimension: str
    reservation: bool
    component: dict[str, Any]
    volume: Fraction


@dataclass
class Moment:
    local: datetime
    energy: Fraction
    elapsed: Fraction
    least_power: Fraction
    most_power: Fraction
    least_current: Fraction
    most_current: Fraction


def number(value: Any) -> Fraction:
    return Fraction(str(value))


def total_cost(message: dict[str, Any]) -> tuple[Fraction | None, Fraction | None]:
    """Before and after taxes."""
    used = volumes(message["tariff"], message["cdr"], ZoneInfo(message["timezone"]))
    add_steps(used)
    before, after = costs(used, message["tariff"], message["version"])
    return limited(before, after, message["tariff"])


# Volumes


def volumes(tariff: dict[str, Any], cdr: dict[str, Any], zone: ZoneInfo) -> list[Used]:
    periods = [(instant(p["start_date_time"]), by_type(p)) for p in cdr["charging_periods"]]
    ends = [start for start, _ in periods[1:]] + [instant(cdr["end_date_time"])]
    charging = [start for start, v in periods if any(v.get(d, 0) for d in ("ENERGY", "TIME", "PARKING_TIME"))]
    reserved = [start for start, v in periods if v.get("RESERVATION_TIME", 0)]
    expired = bool(reserved) and not charging
    origin = charging[0] if reserved and charging else instant(cdr["start_date_time"])
    used: list[Used] = []
    flats: set[str] = set()
    energy = Fraction(0)
    for (start, measured), end in zip(periods, ends, strict=True):
        local = start.astimezone(zone)
        if measured.get("RESERVATION_TIME", 0):
            moment = at(local, Fraction(0), start - instant(cdr["start_date_time"]), measured, end - start)
            kinds = ["RESERVATION_EXPIRES", "RESERVATION"] if expired else ["RESERVATION"]
            found = [find(tariff, "TIME", kind, moment) for kind in kinds]
            component = next((each for each in found if each is not None), None)
            if component is not None:
                used.append(Used("TIME", True, component, measured["RESERVATION_TIME"]))
            for kind in kinds:
                fee = find(tariff, "FLAT", kind, moment)
                if fee is not None and kind not in flats:
                    flats.add(kind)
                    used.append(Used("FLAT", True, fee, Fraction(1)))
        if not expired and start >= origin:
            moment = at(local, energy, start - origin, measured, end - start)
            for dimension in SESSION_DIMENSIONS:
                volume = Fraction(1) if dimension == "FLAT" else measured.get(dimension, Fraction(0))
                if not volume or dimension == "FLAT" and "session" in flats:
                    continue
                component = find(tariff, dimension, None, moment)
                if component is not None:
                    used.append(Used(dimension, False, component, volume))
                    if dimension == "FLAT":
                        flats.add("session")
        energy += measured.get("ENERGY", Fraction(0))
    return used


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def by_type(period: dict[str, Any]) -> dict[str, Fraction]:
    return {each["type"]: number(each["volume"]) for each in period["dimensions"]}


def seconds(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def at(local: datetime, energy: Fraction, elapsed: timedelta, v: dict[str, Fraction], span: timedelta) -> Moment:
    power = Fraction(0)
    if v.get("ENERGY"):
        hours = v.get("TIME") or seconds(span) / 3600
        power = v["ENERGY"] / hours if hours else Fraction(0)
    zero = Fraction(0)
    return Moment(
        local, energy, seconds(elapsed),
        v.get("MIN_POWER", v.get("MAX_POWER", power)), v.get("MAX_POWER", v.get("MIN_POWER", power)),
        v.get("MIN_CURRENT", v.get("MAX_CURRENT", zero)), v.get("MAX_CURRENT", v.get("MIN_CURRENT", zero)),
    )  # fmt: skip


def find(tariff: dict[str, Any], dimension: str, reservation: str | None, moment: Moment) -> dict[str, Any] | None:
    """The component of the first element for the dimension whose restrictions match."""
    for element in tariff["elements"]:
        restrictions = element.get("restrictions") or {}
        if restrictions.get("reservation") != reservation or not match(restrictions, moment):
            continue
        for component in element["price_components"]:
            if component["type"] == dimension:
                return dict(component)
    return None


def match(r: dict[str, Any], m: Moment) -> bool:
    lower = (
        ("min_kwh", m.energy), ("min_duration", m.elapsed), ("min_power", m.least_power),
        ("min_current", m.least_current),
    )  # fmt: skip
    upper = (
        ("max_kwh", m.energy), ("max_duration", m.elapsed), ("max_power", m.most_power),
        ("max_current", m.most_current),
    )  # fmt: skip
    if any(name in r and value < number(r[name]) for name, value in lower):
        return False
    if any(name in r and value >= number(r[name]) for name, value in upper):
        return False
    if "start_date" in r and m.local.date() < date.fromisoformat(r["start_date"]):
        return False
    if "end_date" in r and m.local.date() >= date.fromisoformat(r["end_date"]):
        return False
    if r.get("day_of_week") and m.local.strftime("%A").upper() not in r["day_of_week"]:
        return False
    return in_window(m.local.strftime("%H:%M"), r.get("start_time", "00:00"), r.get("end_time", "00:00"))


def in_window(clock: str, start: str, end: str) -> bool:
    """Texts with leading zeros are in the order of time; seconds do not matter because bounds are minutes."""
    if start == end:
        return True
    if end == "00:00":
        return clock >= start
    return start <= clock < end if start < end else clock >= start or clock < end


# Steps and money


def add_steps(used: list[Used]) -> None:
    parks = any(each.dimension == "PARKING_TIME" for each in used)
    for dimension, reservation in (
        ("ENERGY", False), ("PARKING_TIME" if parks else "TIME", False), ("TIME", True),
    ):  # fmt: skip
        relevant = [each for each in used if each.dimension == dimension and each.reservation == reservation]
        if not relevant or not relevant[-1].component["step_size"]:
            continue
        step = Fraction(relevant[-1].component["step_size"], STEPS_PER_UNIT[dimension])
        total = sum((each.volume for each in relevant), Fraction(0))
        relevant[-1].volume += -total % step


def costs(used: list[Used], tariff: dict[str, Any], version: str) -> tuple[Fraction | None, Fraction | None]:
    before: Fraction | None = Fraction(0)
    after: Fraction | None = Fraction(0)
    if version == "2.1.1":
        used = [Used(u.dimension, u.reservation, {**u.component, "vat": None}, u.volume) for u in used]
    names_vat = any("vat" in c for element in tariff["elements"] for c in element["price_components"])
    included = tariff.get("tax_included", "NO")
    for each in used:
        cost = number(each.component["price"]) * each.volume
        vat: Fraction | None = number(each.component.get("vat") or 0) / 100
        if included == "N/A":
            vat = Fraction(0)
        elif each.component.get("vat") is None and cost and (
            version == "2.1.1" or version == "2.3.0" and not names_vat
        ):
            vat = None
        if included == "YES":
            net, gross = cost / (1 + vat) if vat is not None else None, cost
        else:
            net, gross = cost, cost * (1 + vat) if vat is not None else None
        before = before + net if before is not None and net is not None else None
        after = after + gross if after is not None and gross is not None else None
    return before, after


def limited(
    before: Fraction | None, after: Fraction | None, tariff: dict[str, Any]
) -> tuple[Fraction | None, Fraction | None]:
    return clamped(before, "before_taxes", "excl_vat", tariff), clamped(after, "after_taxes", "incl_vat", tariff)


def clamped(total: Fraction | None, name: str, older: str, tariff: dict[str, Any]) -> Fraction | None:
    for field, better in (("min_price", max), ("max_price", min)):
        limit = tariff.get(field, {})
        value = limit.get(name, limit.get(older))
        if total is not None and value is not None:
            total = better(total, number(value))
    return total
