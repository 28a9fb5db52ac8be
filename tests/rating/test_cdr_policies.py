"""The questions that OCPI leaves open, one by one, with the section or issue where they come up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rating import cdr_sentences
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


def test_a_change_to_no_price_at_all_needs_a_split() -> None:
    until_ten = [prices("ENERGY 1 - 1", end_time="10:00")]
    assert rated(until_ten, [[120, {"ENERGY": 4}]]).flags == ["unsplit_period"]
    from_ten = [prices("ENERGY 0 - 0", start_time="10:00")]
    assert rated(from_ten, [[120, {"ENERGY": 4}]]).flags == ["unpriced_energy", "unsplit_period"]


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


def test_a_limit_after_taxes_alone_moves_the_other_side_in_proportion() -> None:
    nothing, something = [prices("ENERGY 1 10 1")], [prices("FLAT 1 10 1")]
    for elements in (nothing, something):
        periods = [[60, {"PARKING_TIME": 1}]]
        data = message({"elements": elements, "periods": periods, "start": MONDAY}, "2.3.0")
        data["tariff"]["min_price"] = {"after_taxes": 5.5}
        priced = rate_ocpi(data)
        assert (priced.total_before_taxes, priced.total_after_taxes) == (5, Decimal("5.5"))


def test_a_limit_after_taxes_below_the_total_before_them_leaves_no_negative_tax() -> None:
    priced = rated([prices("ENERGY 1 10 1")], [[60, {"ENERGY": 10}]], max_price=[20, 8])
    assert (priced.total_before_taxes, priced.total_after_taxes) == (8, 8)


def test_limits_of_a_tariff_without_taxes() -> None:
    data = message({"elements": [prices("ENERGY 1 19 1")], "periods": [[60, {}]], "start": MONDAY}, "2.3.0")
    data["tariff"] |= {"min_price": {"before_taxes": 2}, "tax_included": "N/A"}
    priced = rate_ocpi(data)
    assert (priced.total_before_taxes, priced.total_after_taxes) == (2, 2)


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


def test_a_session_of_many_days_is_priced() -> None:
    assert cost([prices("ENERGY 1 - 1")], [[60 * 24 * 300, {"ENERGY": 1}]]) == 1


def test_a_step_may_be_written_as_a_float() -> None:
    data = message({"elements": [prices("ENERGY 1 - 1")], "periods": [[60, {"ENERGY": 1.2}]], "start": MONDAY}, "2.2.1")
    for step, expected in ((0.0, "1.2"), (1000.0, "2"), (Decimal("1000.0"), "2")):
        data["tariff"]["elements"][0]["price_components"][0]["step_size"] = step
        assert rate_ocpi(data).total_before_taxes == Decimal(expected)


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


def test_f26_more_time_than_the_session_lasted_is_flagged() -> None:
    elements = [prices("TIME 1 - 1")]
    assert rated(elements, [[60, {"TIME": 0.5, "PARKING_TIME": 0.6}]]).flags == ["overlong_periods"]
    assert rated(elements, [[60, {"TIME": 0.5, "PARKING_TIME": 0.5002}]]).flags == []


def test_lines_are_told_in_english_and_german() -> None:
    elements = [
        prices("ENERGY 0.25 10 1", "TIME 6 7.7 600", start_time="09:00", max_kwh=50),
        prices("FLAT 2 20 1", reservation="RESERVATION"),
    ]
    priced = rated(elements, [[15, {"RESERVATION_TIME": 0.25}], [60, {"ENERGY": 20, "TIME": 0.9}]], min_price=[20])
    assert cdr_sentences(priced) == (
        "Reservation fee: 2.00 EUR, plus 20 % VAT 0.40 EUR",
        "Energy: 20 kWh at 0.25 EUR per kWh = 5.00 EUR, plus 10 % VAT 0.50 EUR (from 09:00, below 50 kWh)",
        "Charging time: 1 h at 6.00 EUR per hour = 6.00 EUR, plus 7.7 % VAT 0.462 EUR "
        "(from 09:00, below 50 kWh, including 6 min rounded up)",
        "Surcharge up to the lowest price of a session: 7.00 EUR, plus 7.7 % VAT 0.2487692308 EUR, "
        "plus 10 % VAT 0.2692307692 EUR, plus 20 % VAT 0.2153846154 EUR",
    )
    assert cdr_sentences(priced, "de_DE")[2] == (
        "Ladezeit: 1 h zu 6,00 EUR je Stunde = 6,00 EUR, zuzüglich 7,7 % MwSt. 0,462 EUR "
        "(ab 09:00, unter 50 kWh, davon 6 min aufgerundet)"
    )


def test_an_amount_after_taxes_at_an_unknown_rate_is_told() -> None:
    priced = rated([prices("ENERGY 1 - 1")], [[60, {"ENERGY": 1}]], min_price=[2, 3])
    assert cdr_sentences(priced)[1].endswith("plus VAT 1.00 EUR")


def test_a_tariff_that_is_changed_in_place_is_compiled_again() -> None:
    data = message({"elements": [prices("ENERGY 1 - 1")], "periods": [[60, {"ENERGY": 1}]], "start": MONDAY}, "2.2.1")
    component = data["tariff"]["elements"][0]["price_components"][0]
    for price in (1, 1, 1, 2, 2, 3, 1):
        component["price"] = price
        assert rate_ocpi(data).total_before_taxes == price


def test_a_tariff_that_only_seems_the_same_is_compiled_again() -> None:
    """For Python 1 == True."""
    data = message({"elements": [prices("ENERGY 1 - 1")], "periods": [[60, {"ENERGY": 1}]], "start": MONDAY}, "2.2.1")
    for _ in range(3):
        rate_ocpi(data)
    data["tariff"]["elements"][0]["price_components"][0]["step_size"] = True
    with pytest.raises(InputError, match="integer"):
        rate_ocpi(data)


def test_a_tariff_that_is_kept_is_kept_for_its_policy() -> None:
    elements = [prices("ENERGY 1 - 1", start_time="07:00", end_time="07:00"), prices("ENERGY 2 - 1")]
    data = message({"elements": elements, "periods": [[60, {"ENERGY": 1}]], "start": MONDAY}, "2.2.1")
    for _ in range(3):
        assert rate_ocpi(data).total_before_taxes == 1
        assert rate_ocpi(data, policy=replace(Policy(), equal_times=EqualTimes.NEVER)).total_before_taxes == 2


@pytest.mark.parametrize("written", ["2024-03-04T09:00:00", "2024-03-04T09:00:00.000Z", "2024-03-04T10:00:00+01:00"])
def test_f28_times_are_utc_and_the_zone_of_the_place_is_told_apart(written: str) -> None:
    """The designator is optional in OCPI; local rules go by the zone that is handed in, never by that of a text."""
    elements = [prices("ENERGY 1 - 1", start_time="10:00", end_time="11:00"), prices("ENERGY 2 - 1")]
    case = {"elements": elements, "periods": [[60, {"ENERGY": 1}]], "start": MONDAY, "timezone": "Europe/Berlin"}
    data = message(case, "2.2.1")
    for place in (data["cdr"], data["cdr"]["charging_periods"][0]):
        place["start_date_time"] = written
    assert rate_ocpi(data).total_before_taxes == 1


QUEBEC = [{"name": "GST", "percentage": 5, "account_number": "123 RT"}, {"name": "QST", "percentage": 9.975}]


@pytest.mark.parametrize(
    ("included", "price", "before", "after"), [("NO", "2.00", "5", "5.74875"), ("YES", "2.2995", "5", "5.74875")]
)
def test_several_taxes_of_the_place_are_told_each_for_itself(
    included: str, price: str, before: str, after: str
) -> None:
    case = {"elements": [prices(f"TIME {price} - 1")], "periods": [[150, {"TIME": 2.5}]], "start": MONDAY}
    data = message(case | {"tax_included": included}, "2.3.0") | {"taxes": QUEBEC}
    priced = rate_ocpi(data)
    assert (priced.total_before_taxes, priced.total_after_taxes) == (Decimal(before), Decimal(after))
    assert priced.to_json()["taxes"] == [
        {"name": "GST", "percentage": "5", "amount": "0.25", "account_number": "123 RT"},
        {"name": "QST", "percentage": "9.975", "amount": "0.49875"},
    ]
    data["tariff"]["min_price"] = {"before_taxes": 10}
    raised = rate_ocpi(data)
    assert (raised.total_before_taxes, raised.total_after_taxes) == (10, Decimal("11.4975"))
    assert [tax.amount for tax in raised.taxes] == [5 * 10**9, 9_975_000_000]


def test_taxes_of_the_place_are_for_prices_without_a_rate_only() -> None:
    case = {"elements": [prices("TIME 2 10 1")], "periods": [[60, {"TIME": 1}]], "start": MONDAY}
    assert rate_ocpi(message(case, "2.3.0") | {"taxes": QUEBEC}).total_after_taxes == Decimal("2.2")
    parked = [[60, {"PARKING_TIME": 1}]]
    free = {"elements": [prices("TIME 2 - 1")], "periods": parked, "start": MONDAY, "min_price": [10]}
    assert rate_ocpi(message(free, "2.3.0") | {"taxes": QUEBEC}).total_after_taxes == Decimal("11.4975")


@pytest.mark.parametrize(
    ("taxes", "path"),
    [([], "taxes"), ({}, "taxes"), ([1], "taxes[0]"), ([{"name": "A"}], "taxes[0].percentage"),
     ([QUEBEC[0], {"name": "A", "percentage": -1}], "taxes[1].percentage"), ([{"percentage": 1}], "taxes[0].name"),
     ([{"name": "A", "percentage": 101}], "taxes[0].percentage"), ([{"name": 1, "percentage": 1}], "taxes[0]")],
)  # fmt: skip
def test_taxes_that_cannot_be_read_are_refused(taxes: object, path: str) -> None:
    case = {"elements": [prices("TIME 2 - 1")], "periods": [[60, {"TIME": 1}]], "start": MONDAY}
    with pytest.raises(InputError) as caught:
        rate_ocpi(message(case, "2.3.0") | {"taxes": taxes})
    assert caught.value.path == path
