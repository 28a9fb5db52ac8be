"""The questions that OCPI leaves open, one by one, with the section or issue where they come up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rating.errors import InputError
from rating.ocpi_rating import rate_ocpi
from rating.policy import (
    AbsentVat,
    ClockStep,
    EqualTimes,
    ExpiredFlat,
    FlatFees,
    OvernightDay,
    Policy,
    PowerBounds,
    ReservationStep,
    StepSize,
    Unmeasured,
    Unsplit,
    Validity,
)
from rating.settlement import Priced

from tests.rating.ocpi_messages import message

MONDAY = "2024-03-04T09:00:00Z"


def rated(elements: list[Any], periods: list[Any], policy: Policy | None = None, **more: Any) -> Priced:
    case = {"elements": elements, "periods": periods, "start": MONDAY} | more
    return rate_ocpi(message(case, more.get("version", "2.2.1")), policy=policy or Policy())


def cost(*args: Any, **more: Any) -> Decimal | None:
    return rated(*args, **more).total_before_taxes


def prices(*texts: str, **when: Any) -> dict[str, Any]:
    return {"prices": list(texts)} | ({"when": when} if when else {})


def both(elements: list[Any], periods: list[Any], other: dict[str, Any], **more: Any) -> list[str]:
    """The cost by default and by another choice."""
    default = cost(elements, periods, **more)
    chosen = cost(elements, periods, replace(Policy(), **other), **more)
    return [str(total and total.normalize()) for total in (default, chosen)]


def test_f32_step_size_may_be_ignored() -> None:
    assert both([prices("ENERGY 1 - 1000")], [[60, {"ENERGY": 1.2}]], {"step_size": StepSize.IGNORE}) == ["2", "1.2"]


def test_f32_parking_takes_the_step_whenever_it_is_priced_ocpi_386_396() -> None:
    elements = [prices("TIME 6 - 600", "PARKING_TIME 60 - 600")]
    parks_first = [[5, {"PARKING_TIME": "5 min"}], [5, {"TIME": "5 min"}]]
    assert both(elements, parks_first, {"clock_step": ClockStep.LAST}) == ["10.5", "6"]
    parks_last = [[5, {"TIME": "5 min"}], [5, {"PARKING_TIME": "5 min"}]]
    assert both(elements, parks_last, {"clock_step": ClockStep.LAST}) == ["10.5", "10.5"]


def test_f32_only_priced_volume_is_rounded_up() -> None:
    free_at_first = [prices("TIME 6 - 600", min_duration=600)]
    assert str(cost(free_at_first, [[10, {"TIME": "10 min"}], [5, {"TIME": "5 min"}]])) == "1.0000000000"


def test_f32_a_step_of_0_is_none_and_1_is_the_resolution_of_the_meter() -> None:
    assert cost([prices("ENERGY 1 - 0")], [[60, {"ENERGY": 0.1152}]]) == Decimal("0.1152")
    assert cost([prices("ENERGY 1 - 1")], [[60, {"ENERGY": 0.1152}]]) == Decimal("0.116")


@pytest.mark.parametrize("hours", [0.23333333333333334, 0.233333, 0.2333333333])
def test_f32_minutes_that_hours_cannot_write_start_no_step(hours: float) -> None:
    """14 minutes are 840 s, and not a little more that would be billed as 900."""
    (line,) = rated([prices("TIME 1 - 60")], [[14, {"TIME": hours}]]).lines
    assert line.billed_quantity[:8] == "0.233333"


def test_f29_equal_times_are_the_whole_day() -> None:
    elements = [prices("ENERGY 1 - 1", start_time="07:00", end_time="07:00"), prices("ENERGY 2 - 1")]
    assert both(elements, [[60, {"ENERGY": 1}]], {"equal_times": EqualTimes.NEVER}) == ["1", "2"]
    midnight = [prices("ENERGY 1 - 1", start_time="00:00", end_time="00:00"), prices("ENERGY 2 - 1")]
    assert both(midnight, [[60, {"ENERGY": 1}]], {"equal_times": EqualTimes.NEVER}) == ["1", "2"]


def test_f29_the_night_after_friday_is_saturday_ocpi_502() -> None:
    night = prices("ENERGY 1 - 1", start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"])
    elements = [night, prices("ENERGY 2 - 1")]
    saturday = "2024-03-09T02:00:00Z"
    choice = {"overnight_day": OvernightDay.START}
    assert both(elements, [[60, {"ENERGY": 1}]], choice, start=saturday) == ["2", "1"]


def test_flat_is_due_once_ocpi_176() -> None:
    elements = [prices("FLAT 1 - 1", max_duration=1800), prices("FLAT 2 - 1", min_duration=1800)]
    periods = [[30, {"ENERGY": 1}], [30, {"ENERGY": 1}], [30, {"ENERGY": 1}]]
    assert both(elements, periods, {"flat_fees": FlatFees.EACH}) == ["1", "3"]


def test_f39_power_is_compared_throughout_the_period() -> None:
    elements = [prices("ENERGY 1 - 1", min_power=11), prices("ENERGY 2 - 1")]
    wide = [[60, {"ENERGY": 1, "MIN_POWER": 4, "MAX_POWER": 20}]]
    assert both(elements, wide, {"power_bounds": PowerBounds.REACHED}) == ["2", "1"]
    upper = [prices("ENERGY 1 - 1", max_power=11), prices("ENERGY 2 - 1")]
    assert both(upper, wide, {"power_bounds": PowerBounds.REACHED}) == ["2", "1"]


@pytest.mark.parametrize(
    ("name", "power", "expected"), [("MAX_POWER", 11, 1), ("MIN_POWER", 11, 1), ("POWER", 10.9, 2)]
)
def test_f39_one_extreme_stands_for_both(name: str, power: float, expected: int) -> None:
    elements = [prices("ENERGY 1 - 1", min_power=11), prices("ENERGY 2 - 1")]
    assert cost(elements, [[60, {"ENERGY": 1, name: power}]]) == expected


def test_f39_the_mean_power_decides_when_none_is_told() -> None:
    elements = [prices("ENERGY 1 - 1", min_power=11), prices("ENERGY 2 - 1")]
    assert cost(elements, [[60, {"ENERGY": 11}]]) == 11
    assert cost(elements, [[60, {"ENERGY": 5, "TIME": 0.5}]]) == 10


def test_f39_a_current_that_is_not_told_is_not_guessed() -> None:
    elements = [prices("TIME 1 - 1", max_current=32), prices("TIME 2 - 1")]
    periods = [[60, {"TIME": 1}]]
    with pytest.raises(InputError) as caught:
        cost(elements, periods)
    assert (caught.value.code, caught.value.path) == ("unmeasured", "cdr.charging_periods[0].dimensions")
    assert cost(elements, periods, replace(Policy(), unmeasured=Unmeasured.HOLDS)) == 1
    assert cost(elements, periods, replace(Policy(), unmeasured=Unmeasured.FAILS)) == 2


def test_a_car_that_only_parks_draws_no_current() -> None:
    assert cost([prices("PARKING_TIME 1 - 1", max_current=32)], [[60, {"PARKING_TIME": 1}]]) == 1


def test_a_period_that_should_have_been_split_is_flagged_mod_cdrs_charging_period() -> None:
    elements = [prices("ENERGY 1 - 1", end_time="10:00"), prices("ENERGY 2 - 1")]
    periods = [[120, {"ENERGY": 4}]]
    priced = rated(elements, periods)
    assert (priced.total_before_taxes, priced.flags) == (4, ["unsplit_period"])
    with pytest.raises(InputError, match="split"):
        rated(elements, periods, replace(Policy(), unsplit=Unsplit.REFUSE))


@pytest.mark.parametrize(
    ("when", "minutes", "flagged"),
    [
        ({"end_time": "10:00"}, 60, False),
        ({"end_time": "10:00"}, 61, True),
        ({"max_kwh": 5}, 60, False),
        ({"max_kwh": 4.9}, 60, True),
        ({"max_duration": 3600}, 60, False),
        ({"max_duration": 3599}, 60, True),
        ({"day_of_week": ["MONDAY"]}, 15 * 60, False),
        ({"day_of_week": ["MONDAY"]}, 15 * 60 + 1, True),
    ],
)
def test_a_period_up_to_the_change_of_a_price_is_not_flagged(when: dict[str, Any], minutes: int, flagged: bool) -> None:
    elements = [prices("ENERGY 1 - 1", **when), prices("ENERGY 2 - 1")]
    assert rated(elements, [[minutes, {"ENERGY": 5}]]).flags == (["unsplit_period"] if flagged else [])


def test_a_change_to_the_same_price_needs_no_split() -> None:
    elements = [prices("ENERGY 1 - 1", end_time="10:00"), prices("ENERGY 1 - 1")]
    assert rated(elements, [[120, {"ENERGY": 4}]]).flags == []


RESERVED = [
    prices("FLAT 4 - 1", "TIME 6 - 1", reservation="RESERVATION_EXPIRES"),
    prices("FLAT 2 - 1", "TIME 3 - 1", reservation="RESERVATION"),
    prices("FLAT 1 - 1", "TIME 10 - 600"),
]


def test_an_expired_reservation_pays_both_fees_and_the_time_of_the_expiry() -> None:
    choice = {"expired_flat": ExpiredFlat.REPLACE}
    assert both(RESERVED, [[60, {"RESERVATION_TIME": 1}]], choice) == ["12", "1E+1"]


def test_a_used_reservation_pays_its_own_fee_and_that_of_the_session() -> None:
    priced = rated(RESERVED, [[60, {"RESERVATION_TIME": 1}], [60, {"TIME": 1}]])
    assert [(line.kind, line.element) for line in priced.lines] == [
        ("RESERVATION_FLAT", 1), ("RESERVATION_TIME", 1), ("FLAT", 2), ("TIME", 2),
    ]  # fmt: skip
    assert priced.total_before_taxes == 16


def test_the_step_of_a_reservation_is_its_own() -> None:
    elements = [prices("TIME 60 - 600", reservation="RESERVATION"), prices("TIME 60 - 600")]
    periods = [[6, {"RESERVATION_TIME": 0.1}], [6, {"TIME": 0.1}]]
    assert both(elements, periods, {"reservation_step": ReservationStep.SHARED}) == ["2E+1", "2E+1"]
    longer = [[6, {"RESERVATION_TIME": 0.1}], [3, {"TIME": 0.05}]]
    assert both(elements, longer, {"reservation_step": ReservationStep.SHARED}) == ["2E+1", "1E+1"]


def test_durations_count_from_the_start_of_charging_after_a_reservation() -> None:
    elements = [prices("ENERGY 1 - 1", max_duration=1800), prices("ENERGY 2 - 1")]
    assert cost(elements, [[60, {"RESERVATION_TIME": 1}], [30, {"ENERGY": 1}]]) == 1


def test_reserved_time_and_charging_in_one_period_have_each_their_price() -> None:
    assert cost(RESERVED, [[60, {"RESERVATION_TIME": 0.5, "TIME": 0.5}]]) == Decimal("9.5")


@pytest.mark.parametrize(
    ("version", "policy", "after"),
    [
        ("2.1.1", AbsentVat.VERSION, None), ("2.2.1", AbsentVat.VERSION, 5), ("2.3.0", AbsentVat.VERSION, None),
        ("2.1.1", AbsentVat.NONE, 5), ("2.2.1", AbsentVat.UNKNOWN, None), ("2.3.0", AbsentVat.NONE, 5),
    ],
)  # fmt: skip
def test_what_a_missing_rate_means(version: str, policy: AbsentVat, after: int | None) -> None:
    choice = replace(Policy(), absent_vat=policy)
    priced = rated([prices("ENERGY 1 - 1")], [[60, {"ENERGY": 5}]], choice, version=version)
    assert (priced.total_before_taxes, priced.total_after_taxes) == (5, after)


def test_a_missing_rate_beside_others_means_that_no_tax_applies() -> None:
    elements = [prices("ENERGY 1 10 1", "FLAT 2 - 1")]
    priced = rated(elements, [[60, {"ENERGY": 5}]], version="2.3.0")
    assert (priced.total_before_taxes, priced.total_after_taxes) == (7, Decimal("7.5"))


def test_tax_that_is_included_is_taken_out_per_component() -> None:
    elements = [prices("ENERGY 1.10 10 1", "FLAT 1.20 20 1")]
    priced = rated(elements, [[60, {"ENERGY": 10}]], version="2.3.0", tax_included="YES")
    assert (priced.total_before_taxes, priced.total_after_taxes) == (11, Decimal("12.2"))
    assert [(tax.percentage, tax.amount) for tax in priced.taxes] == [("10", 10**10), ("20", 2 * 10**9)]


def test_no_tax_is_applicable() -> None:
    priced = rated([prices("ENERGY 1 19 1")], [[60, {"ENERGY": 10}]], version="2.3.0", tax_included="N/A")
    assert (priced.total_before_taxes, priced.total_after_taxes, priced.taxes) == (10, 10, [])


def test_a_limit_before_taxes_alone_moves_the_taxes_in_proportion() -> None:
    elements = [prices("ENERGY 1 10 1", "FLAT 1 20 1")]
    priced = rated(elements, [[60, {"ENERGY": 1}]], min_price=[4])
    assert (priced.total_before_taxes, priced.total_after_taxes) == (4, Decimal("4.6"))
    (added,) = (line for line in priced.lines if line.kind == "MIN_PRICE")
    assert [(tax.percentage, tax.amount) for tax in added.taxes] == [("10", 10**9), ("20", 2 * 10**9)]


def test_a_lowest_price_of_nothing_has_the_tax_of_the_tariff_when_that_is_one() -> None:
    nothing = [[60, {"PARKING_TIME": 1}]]
    priced = rated([prices("ENERGY 1 10 1")], nothing, min_price=[4])
    assert (priced.total_before_taxes, priced.total_after_taxes) == (4, Decimal("4.4"))
    priced = rated([prices("ENERGY 1 10 1", "TIME 1 20 1")], nothing, min_price=[4])
    assert (priced.total_before_taxes, priced.total_after_taxes) == (4, None)


def test_a_limit_after_taxes_is_not_compared_with_what_is_unknown() -> None:
    priced = rated([prices("ENERGY 1 - 1")], [[60, {"ENERGY": 1}]], version="2.3.0", min_price=[4, 5])
    assert (priced.total_before_taxes, priced.total_after_taxes) == (4, None)
    assert priced.flags == ["limit_not_comparable"]


def test_f37_a_tariff_that_was_not_valid_at_the_start_is_flagged() -> None:
    data = message({"elements": [prices("ENERGY 1 - 1")], "periods": [[60, {"ENERGY": 1}]], "start": MONDAY}, "2.2.1")
    data["tariff"]["end_date_time"] = MONDAY
    assert rate_ocpi(data).flags == ["tariff_not_valid"]
    with pytest.raises(InputError, match="valid"):
        rate_ocpi(data, policy=replace(Policy(), validity=Validity.REFUSE))
    data["tariff"]["end_date_time"] = "2024-03-04T09:00:01Z"
    data["tariff"]["start_date_time"] = MONDAY
    assert rate_ocpi(data).flags == []


def test_f27_an_hour_that_happens_twice_is_two_hours() -> None:
    elements = [prices("ENERGY 1 - 1", start_time="02:00", end_time="03:00"), prices("ENERGY 2 - 1")]
    periods = [[60, {"ENERGY": 1}]] * 4
    priced = rated(elements, periods, start="2026-10-24T23:00:00Z", timezone="Europe/Berlin")
    assert (priced.total_before_taxes, priced.flags) == (6, [])


def test_f27_the_hour_that_is_missing_has_no_price() -> None:
    elements = [prices("ENERGY 1 - 1", start_time="02:00", end_time="03:00"), prices("ENERGY 2 - 1")]
    priced = rated(elements, [[60, {"ENERGY": 1}]] * 3, start="2026-03-29T00:00:00Z", timezone="Europe/Berlin")
    assert (priced.total_before_taxes, priced.flags) == (6, [])


def test_f41_a_free_session_has_a_line_for_what_is_free() -> None:
    priced = rated([prices("ENERGY 0 - 1")], [[60, {"ENERGY": 5}]])
    assert [(line.kind, line.before_taxes) for line in priced.lines] == [("ENERGY", 0)]


def test_an_invoice_rounds_lines_and_each_rate_once() -> None:
    elements = [prices("FLAT 0.004 19 1", "ENERGY 0.125 19 1", "TIME 0.333 7 1")]
    data = message({"elements": elements, "periods": [[60, {"ENERGY": 1, "TIME": 1}]], "start": MONDAY}, "2.2.1")
    priced = rate_ocpi(data, digits=2).to_json()
    assert [line["before_taxes"] for line in priced["lines"]] == ["0.00", "0.13", "0.33"]
    assert [tax["amount"] for tax in priced["taxes"]] == ["0.02", "0.02"]
    assert (priced["before_taxes"], priced["after_taxes"]) == ("0.46", "0.50")


def test_currencies_without_decimals_show_none() -> None:
    case = {"elements": [prices("ENERGY 51 - 1")], "periods": [[60, {"ENERGY": 1.5}]], "start": MONDAY}
    assert rate_ocpi(message(case, "2.2.1"), digits=0).to_json()["before_taxes"] == "77"
