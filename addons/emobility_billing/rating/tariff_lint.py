"""Finds what is legal but wrong in a tariff, or against the law for the place where it applies.

Each finding says where it is and what to do. What can be decided exactly is; gaps in time are looked for on a
grid of all moments at which a restriction begins or ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import product

from .clock import local_restrictions_hold
from .policy import DEFAULT_POLICY
from .tariff import METERED, PRICED, Dimension, Restrictions, Tariff

AFIR_POWER = Decimal(50)
"""kW from which Regulation (EU) 2023/1804 Art. 5(4) wants a price per kWh and besides only an occupancy fee."""
AFIR_ORDER = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
"""Below that, the components are shown in the order per kWh, per minute, per session, any other."""
IMPLAUSIBLE_PRICES = {
    Dimension.ENERGY: Decimal(5), Dimension.TIME: Decimal(100), Dimension.PARKING_TIME: Decimal(100),
    Dimension.FLAT: Decimal(100),
}  # fmt: skip
ANY_WEEK = date(2024, 1, 1)
"""A Monday."""


class Severity(StrEnum):
    ERROR = "error"
    """Against the law, or it cannot mean what it says."""
    WARNING = "warning"
    """Probably not meant."""
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Finding:
    """:ivar place: such as ``elements[1].price_components[0].price``"""

    code: str
    severity: Severity
    place: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of where the tariff applies; None is not known, and then not looked at.

    :param adhoc: whether it is shown to drivers without a contract at a public charging point (AFIR, PAngV)
    :param country: ISO 3166 alpha-2 code
    :param clock_certified: whether the clock of the EVSE may be used for prices (MessEG; FAILURES F30)
    """

    power_kw: Decimal | None = None
    adhoc: bool | None = None
    country: str | None = None
    clock_certified: bool | None = None


def lint(tariff: Tariff, context: Context | None = None) -> tuple[Finding, ...]:
    """All findings, in the order of the tariff; the law comes last."""
    context = context or Context()
    return (
        *_empty_restrictions(tariff),
        *_unreachable(tariff),
        *_gaps(tariff),
        *_prices(tariff),
        *_taxes(tariff),
        *_steps(tariff),
        *_afir(tariff, context),
        *_clock(tariff, context),
    )


# --- restrictions ---------------------------------------------------------------------------------


def _empty_restrictions(tariff: Tariff) -> Iterator[Finding]:
    """Restrictions that never hold, because they end before they begin."""
    for index, element in enumerate(tariff.elements):
        r = element.restrictions
        pairs: tuple[tuple[str, Decimal | int | date | None, Decimal | int | date | None], ...] = (
            ("date", r.start_date, r.end_date), ("kwh", r.min_kwh, r.max_kwh), ("power", r.min_power, r.max_power),
            ("current", r.min_current, r.max_current), ("duration", r.min_duration, r.max_duration),
            ("parking", r.min_parking, r.max_parking),
        )  # fmt: skip
        for name, lower, upper in pairs:
            if lower is not None and upper is not None and lower >= upper:  # type: ignore[operator]
                yield Finding(
                    "never_applies", Severity.ERROR, f"elements[{index}].restrictions",
                    f"The lower bound of {name} ({lower}) is not below the upper one ({upper}), which is exclusive.",
                    "Exchange the bounds, or delete the element.",
                )  # fmt: skip
        if r.start_time is not None and r.start_time == r.end_time:
            yield Finding(
                "equal_times", Severity.WARNING, f"elements[{index}].restrictions",
                "OCPI does not say what equal times mean; here it is the whole day, for a partner it may be never.",
                "Leave out both times for the whole day.",
            )  # fmt: skip


def _unreachable(tariff: Tariff) -> Iterator[Finding]:
    """Prices that never apply, because an element before them always does when they would."""
    for index, element in enumerate(tariff.elements):
        for position, component in enumerate(element.components):
            earlier = next(
                (
                    before
                    for before, other in enumerate(tariff.elements[:index])
                    if other.component(component.dimension) is not None
                    and _covers(other.restrictions, element.restrictions)
                ),
                None,
            )
            if earlier is not None:
                yield Finding(
                    "unreachable", Severity.ERROR, f"elements[{index}].price_components[{position}]",
                    f"Element {earlier + 1} prices {component.dimension.value} whenever this element would.",
                    "Move the element with more restrictions before the other one.",
                )  # fmt: skip


def _covers(wide: Restrictions, narrow: Restrictions) -> bool:
    """Whether ``wide`` holds whenever ``narrow`` does, as far as single bounds tell."""
    if wide.reservation is not narrow.reservation:
        return False
    lower = ("min_kwh", "min_power", "min_current", "min_duration", "min_parking", "start_date")
    upper = ("max_kwh", "max_power", "max_current", "max_duration", "max_parking", "end_date")
    for name in lower:
        limit, other = getattr(wide, name), getattr(narrow, name)
        if limit is not None and limit != 0 and (other is None or other < limit):
            return False
    for name in upper:
        limit, other = getattr(wide, name), getattr(narrow, name)
        if limit is not None and (other is None or other > limit):
            return False
    if wide.day_of_week and not (narrow.day_of_week and narrow.day_of_week <= wide.day_of_week):
        return False
    if wide.start_time is None and wide.end_time is None:
        return True
    return (wide.start_time, wide.end_time) == (narrow.start_time, narrow.end_time)


def _gaps(tariff: Tariff) -> Iterator[Finding]:
    """Moments at which a dimension that the tariff prices is free (FAILURES F36)."""
    for dimension in METERED:
        if not tariff.has_price_for(dimension):
            continue
        gap = _first_gap(tariff, dimension)
        if gap is not None:
            yield Finding(
                "gap", Severity.WARNING, "elements", f"{dimension.value} is free {gap}.",
                f"Add a last element without restrictions that prices {dimension.value}, if need be at 0.",
            )  # fmt: skip


def _first_gap(tariff: Tariff, dimension: Dimension) -> str | None:
    elements = [
        element.restrictions
        for element in tariff.elements
        if element.component(dimension) is not None and element.restrictions.reservation is None
    ]
    if any(restrictions == Restrictions() for restrictions in elements):
        return None
    names = (
        ("kwh", "kWh"), ("power", "kW"), ("current", "A"), ("duration", "s of the session"),
        ("parking", "s of parking"),
    )  # fmt: skip
    grids = [_grid(elements, name) for name, _unit in names]
    for local in _local_moments(elements):
        there = [r for r in elements if local_restrictions_hold(r, local, DEFAULT_POLICY)]
        for values in product(*grids):
            if not any(_numbers_hold(r, values) for r in there):
                place = [f"from {value} {unit}" for value, (_name, unit) in zip(values, names, strict=True) if value]
                return f"on {local:%A, %Y-%m-%d at %H:%M}" + (f", {', '.join(place)}" if place else "")
    return None


def _grid(elements: list[Restrictions], name: str) -> list[Decimal | int]:
    limits = {getattr(r, f"{side}_{name}") for r in elements for side in ("min", "max")}
    return sorted({0, *(limit for limit in limits if limit is not None)})


def _numbers_hold(r: Restrictions, values: tuple[Decimal | int, ...]) -> bool:
    for name, value in zip(("kwh", "power", "current", "duration", "parking"), values, strict=True):
        lower, upper = getattr(r, f"min_{name}"), getattr(r, f"max_{name}")
        if lower is not None and value < lower or upper is not None and value >= upper:
            return False
    return True


def _local_moments(elements: list[Restrictions]) -> Iterator[datetime]:
    """A week of wall clock times at which a window may begin or end, around each date that occurs."""
    times = sorted({time(0), *(at for r in elements for at in r.wall_times)})
    days = {ANY_WEEK, *(day for r in elements for day in (r.start_date, r.end_date) if day is not None)}
    dates = sorted({day + timedelta(days=offset) for day in days for offset in range(-1, 7)})
    return (datetime.combine(day, at) for day in dates for at in times)


# --- prices, taxes, steps -------------------------------------------------------------------------


def _prices(tariff: Tariff) -> Iterator[Finding]:
    components = [c for element in tariff.elements for c in element.components]
    if components and not any(component.price for component in components):
        yield Finding(
            "free_of_charge", Severity.WARNING, "elements", "All prices are 0.",
            "If this is meant, nothing; a price of 0 by mistake can hardly be billed later (ocpi#399).",
        )  # fmt: skip
        return
    for index, element in enumerate(tariff.elements):
        for position, component in enumerate(element.components):
            place = f"elements[{index}].price_components[{position}].price"
            if not component.price and element.restrictions == Restrictions():
                yield Finding(
                    "zero_price", Severity.HINT, place, f"{component.dimension.value} costs nothing.",
                    "Leave the component out, unless it says on purpose that this is free.",
                )  # fmt: skip
            limit = IMPLAUSIBLE_PRICES[component.dimension]
            if component.price > limit:
                yield Finding(
                    "implausible_price", Severity.WARNING, place,
                    f"{component.price} {tariff.currency} is more than {limit}: cents instead of euros?",
                    "Check the unit: prices are per kWh, per hour and per session.",
                )  # fmt: skip


def _taxes(tariff: Tariff) -> Iterator[Finding]:
    rates = {c.vat for element in tariff.elements for c in element.components if c.price}
    if None in rates and len(rates) > 1:
        yield Finding(
            "tax_mixture", Severity.WARNING, "elements", "Some prices name a VAT rate and others do not.",
            "Name it for all: a missing rate means that no VAT applies, which is not the same as 0 %.",
        )  # fmt: skip
    elif len(rates) > 1:
        yield Finding(
            "several_rates", Severity.HINT, "elements",
            f"There are several VAT rates: {', '.join(sorted(f'{rate} %' for rate in rates))}.",
            "Charging with its parking is one supply of goods (CJEU C-282/22): check that this is meant.",
        )  # fmt: skip


def _steps(tariff: Tariff) -> Iterator[Finding]:
    parks = tariff.has_price_for(Dimension.PARKING_TIME)
    for index, element in enumerate(tariff.elements):
        for position, component in enumerate(element.components):
            place = f"elements[{index}].price_components[{position}].step_size"
            if component.dimension is Dimension.TIME and parks and component.step_size > 1:
                yield Finding(
                    "unused_step", Severity.HINT, place,
                    "Sessions that end with priced parking never use this step: only the parking is rounded up.",
                    "Use a step size of 1 for both, as OCPI recommends.",
                )  # fmt: skip
            elif component.step_size > 1 and component.dimension is not Dimension.FLAT:
                yield Finding(
                    "large_step", Severity.HINT, place,
                    f"Blocks of {component.step_size} surprise drivers, and OCPI 3.0 has none.",
                    "Use a step size of 1.",
                )  # fmt: skip


# --- law ------------------------------------------------------------------------------------------


def _afir(tariff: Tariff, context: Context) -> Iterator[Finding]:
    """What a driver without a contract may be shown (AFIR Art. 5(4); in Germany PAngV § 14)."""
    if context.adhoc is False:
        return
    charged = {c.dimension for element in tariff.elements for c in element.components if c.price}
    if charged and Dimension.ENERGY not in charged:
        law = "PAngV § 14 and " if context.country == "DE" else ""
        yield Finding(
            "no_kwh_price", Severity.ERROR if context.adhoc else Severity.WARNING, "elements",
            f"There is no price per kWh, which {law}AFIR Art. 5(4) want for charging without a contract.",
            "Price the energy.",
        )  # fmt: skip
    if context.power_kw is not None and context.power_kw >= AFIR_POWER:
        for dimension in (Dimension.FLAT, Dimension.TIME):
            for place in _places(tariff, dimension):
                yield Finding(
                    "afir_components", Severity.ERROR if context.adhoc else Severity.WARNING, place,
                    f"From 50 kW on there may be no {dimension.value} besides the price per kWh (AFIR Art. 5(4)), "
                    "only a fee for occupancy per minute.",
                    "Put it into the price per kWh, or use PARKING_TIME or the idle fee.",
                )  # fmt: skip
    yield from _order(tariff)


def _places(tariff: Tariff, dimension: Dimension) -> Iterator[str]:
    for index, element in enumerate(tariff.elements):
        for position, component in enumerate(element.components):
            if component.dimension is dimension and component.price:
                yield f"elements[{index}].price_components[{position}]"


def _order(tariff: Tariff) -> Iterator[Finding]:
    for index, element in enumerate(tariff.elements):
        dimensions = [component.dimension for component in element.components]
        ordered = sorted(dimensions, key=AFIR_ORDER.index)
        if dimensions != ordered:
            yield Finding(
                "component_order", Severity.HINT, f"elements[{index}].price_components",
                "Prices are shown in the order per kWh, per minute, per session (AFIR Art. 5(4)).",
                f"Sort them: {', '.join(dimension.value for dimension in ordered)}.",
            )  # fmt: skip


def _clock(tariff: Tariff, context: Context) -> Iterator[Finding]:
    """Prices that need a clock, on an EVSE whose clock is not certified for that (F30)."""
    if context.clock_certified is not False:
        return
    for dimension in PRICED:
        if dimension in (Dimension.TIME, Dimension.PARKING_TIME):
            for place in _places(tariff, dimension):
                yield _uncertified(place, f"{dimension.value} is priced by the clock of the EVSE")
    if tariff.idle is not None and tariff.idle.price:
        yield _uncertified("idle", "The idle fee is measured by the clock of the EVSE")
    for index, element in enumerate(tariff.elements):
        r = element.restrictions
        if r.start_time or r.end_time or r.min_duration is not None or r.max_duration is not None:
            yield _uncertified(f"elements[{index}].restrictions", "The price depends on the clock of the EVSE")


def _uncertified(place: str, what: str) -> Finding:
    return Finding(
        "clock_not_certified", Severity.ERROR, place, f"{what}, which is not certified for that (MessEG § 33).",
        "Use another tariff for this EVSE, or prices per kWh only.",
    )  # fmt: skip
