"""What holds for every OCPI tariff and CDR. The random ones are those of the second evaluator, by their seed."""

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rating.ocpi_rating import rate_ocpi
from rating.settlement import Priced

from tests.rating.ocpi_messages import instant
from tests.rating.random_messages import message

seeds = st.integers(0, 10**9)
EXACT = Decimal("1e-8")
EQUAL_ZONES = {"Europe/Berlin": "Europe/Rome", "Europe/London": "Europe/Guernsey", "UTC": "Etc/GMT"}


def totals(priced: Priced) -> tuple[Decimal | None, Decimal | None]:
    return priced.total_before_taxes, priced.total_after_taxes


def close(one: Priced, other: Priced) -> bool:
    pairs = zip(totals(one), totals(other), strict=True)
    return all(a is b is None or a is not None and b is not None and abs(a - b) < EXACT for a, b in pairs)


@settings(max_examples=200, deadline=None)
@given(seeds, st.sampled_from((None, 0, 2, 3)))
def test_lines_and_taxes_add_up_and_nothing_is_negative(seed: int, digits: int | None) -> None:
    priced = rate_ocpi(message(seed), digits=digits)
    for name in ("before_taxes", "after_taxes"):
        total = getattr(priced, name)
        if total is not None:
            assert sum(getattr(line, name) for line in priced.lines) == total >= 0
    if priced.before_taxes is not None and priced.after_taxes is not None:
        assert priced.before_taxes + sum(tax.amount for tax in priced.taxes) == priced.after_taxes
        for line in priced.lines:
            assert line.before_taxes is not None and line.after_taxes is not None
            assert line.before_taxes + sum(tax.amount for tax in line.taxes) == line.after_taxes


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_the_total_is_within_the_limits_of_the_tariff(seed: int) -> None:
    data = message(seed)
    priced = rate_ocpi(data)
    for names, total in zip((("before_taxes", "excl_vat"), ("after_taxes", "incl_vat")), totals(priced), strict=True):
        for name in names:
            lowest = data["tariff"].get("min_price", {}).get(name)
            highest = data["tariff"].get("max_price", {}).get(name)
            assert total is None or lowest is None or total >= lowest
            assert total is None or highest is None or total <= highest


@settings(max_examples=200, deadline=None)
@given(seeds, st.data())
def test_a_period_that_is_split_where_nothing_changes_costs_the_same(seed: int, data: st.DataObject) -> None:
    whole = message(seed)
    tariff = whole["tariff"]
    # Thresholds of energy and time may lie between the halves, and so may a price that begins within the hour.
    for element in tariff["elements"]:
        for name in ("min_kwh", "max_kwh", "min_duration", "max_duration", "start_time", "end_time"):
            element.get("restrictions", {}).pop(name, None)
    split = deepcopy(whole)
    periods = split["cdr"]["charging_periods"]
    ends = [period["start_date_time"] for period in periods[1:]] + [split["cdr"]["end_date_time"]]
    index = data.draw(st.integers(0, len(periods) - 1))
    first, end = periods[index], ends[index]
    start, finish = datetime.fromisoformat(first["start_date_time"]), datetime.fromisoformat(end)
    names = {name for element in tariff["elements"] for name in element.get("restrictions", ())}
    if names & {"start_date", "end_date", "day_of_week"}:
        return
    second = deepcopy(first)
    second["start_date_time"] = instant(start + (finish - start) / 2)
    for period in (first, second):
        for dimension in period["dimensions"]:
            if dimension["type"] in ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"):
                dimension["volume"] = str(Decimal(str(dimension["volume"])) / 2)
    periods.insert(index + 1, second)
    assert close(rate_ocpi(whole), rate_ocpi(split))


@settings(max_examples=200, deadline=None)
@given(seeds, st.data())
def test_more_energy_in_the_last_period_never_costs_less(seed: int, data: st.DataObject) -> None:
    """In an earlier period it may: it moves the thresholds of what follows."""
    less = message(seed)
    more = deepcopy(less)
    dimensions = more["cdr"]["charging_periods"][-1]["dimensions"]
    energy = next((each for each in dimensions if each["type"] == "ENERGY" and each["volume"]), None)
    if energy is None or not any(each["type"].endswith("POWER") for each in dimensions):
        return
    energy["volume"] = round(energy["volume"] + data.draw(st.integers(0, 20_000)) / 1000, 4)
    for one, other in zip(totals(rate_ocpi(less)), totals(rate_ocpi(more)), strict=True):
        assert one is None and other is None or one is not None and other is not None and other >= one - EXACT


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_elements_for_different_dimensions_may_change_places(seed: int) -> None:
    data = message(seed)
    elements: list[dict[str, Any]] = data["tariff"]["elements"]
    alone = [each | {"price_components": [part]} for each in elements for part in each["price_components"]]
    by_dimension = deepcopy(data)
    by_dimension["tariff"]["elements"] = sorted(alone, key=lambda element: str(element["price_components"][0]["type"]))
    assert close(rate_ocpi(data), rate_ocpi(by_dimension))


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_the_name_of_the_zone_does_not_matter(seed: int) -> None:
    data = message(seed)
    renamed = data | {"timezone": EQUAL_ZONES.get(data["timezone"], data["timezone"])}
    assert rate_ocpi(data).to_json() == rate_ocpi(renamed).to_json()


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_numbers_with_more_digits_than_usual_give_the_same(seed: int) -> None:
    """A finer scale is another way through the same calculation."""
    data = message(seed)
    usual = rate_ocpi(data).to_json()
    data["tariff"]["a_field_nobody_knows"] = 0
    data["cdr"]["charging_periods"][0]["dimensions"].append({"type": "STATE_OF_CHARGE", "volume": "0.123456789012"})
    assert rate_ocpi(data).to_json() == usual


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_rounded_amounts_are_near_the_exact_ones(seed: int) -> None:
    exact, rounded = rate_ocpi(message(seed)), rate_ocpi(message(seed), digits=2)
    for one, other in zip(totals(exact), totals(rounded), strict=True):
        assert one is other is None or one is not None and other is not None
        # Half a cent per line, and half a cent per rate of tax.
        assert one is None or other is None or abs(one - other) <= Decimal("0.005") * (2 * len(exact.lines) + 1)
