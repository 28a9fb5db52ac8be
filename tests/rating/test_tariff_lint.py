"""What the lint finds, and that it finds nothing in a good tariff."""

import json
import subprocess
import sys
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rating
from rating import (
    Context,
    Dimension,
    IdleFee,
    PriceComponent,
    Reservation,
    Severity,
    Tariff,
    TariffElement,
    Weekday,
    lint,
)

from tests.rating.builders import element, price, tariff

FOLDER = str(Path(rating.__file__).parent.parent)
ENERGY = price("ENERGY", "0.5")
ADHOC = Context(adhoc=True)


def found(checked: Tariff, context: Context | None = None) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in lint(checked, context)]


def test_a_good_tariff_has_no_findings() -> None:
    good = tariff(
        element(price("ENERGY", "0.39"), start_time=time(22), end_time=time(6)),
        element(price("ENERGY", "0.49"), price("PARKING_TIME", "6")),
    )
    context = Context(power_kw=Decimal(150), adhoc=True, country="DE", clock_certified=True)
    assert found(good, context) == []


@pytest.mark.parametrize(
    "when",
    [{"start_date": date(2026, 2, 1), "end_date": date(2026, 2, 1)}, {"min_kwh": Decimal(5), "max_kwh": Decimal(4)},
     {"min_power": Decimal(5), "max_power": Decimal(5)}, {"min_current": Decimal(5), "max_current": Decimal(1)},
     {"min_duration": 5, "max_duration": 4}, {"min_parking": 5, "max_parking": 4}],
)  # fmt: skip
def test_an_end_before_its_start_never_applies(when: dict[str, Any]) -> None:
    assert found(tariff(element(ENERGY, **when), element(ENERGY))) == [("never_applies", "elements[0].restrictions")]


def test_f29_equal_times_mean_different_things_to_partners() -> None:
    odd = tariff(element(ENERGY, start_time=time(7), end_time=time(7)), element(ENERGY))
    assert ("equal_times", "elements[0].restrictions") in found(odd)


@pytest.mark.parametrize(
    ("first", "second", "unreachable"),
    [
        ({}, {"min_kwh": Decimal(5)}, True),
        ({"min_kwh": Decimal(5)}, {}, False),
        ({"min_kwh": Decimal(5)}, {"min_kwh": Decimal(10)}, True),
        ({"min_kwh": Decimal(10)}, {"min_kwh": Decimal(5)}, False),
        ({"max_kwh": Decimal(5)}, {"max_kwh": Decimal(5)}, True),
        ({"max_kwh": Decimal(5)}, {"max_kwh": Decimal(6)}, False),
        ({"day_of_week": frozenset(Weekday)}, {"day_of_week": frozenset({Weekday.SUNDAY})}, True),
        ({"day_of_week": frozenset({Weekday.MONDAY})}, {"day_of_week": frozenset({Weekday.SUNDAY})}, False),
        ({"start_time": time(8), "end_time": time(9)}, {"start_time": time(8), "end_time": time(9)}, True),
        ({"start_time": time(8), "end_time": time(9)}, {"start_time": time(8), "end_time": time(10)}, False),
        ({"min_kwh": Decimal(0)}, {}, True),
    ],
)
def test_an_element_after_one_that_covers_it_is_unreachable(
    first: dict[str, Any], second: dict[str, Any], unreachable: bool
) -> None:
    codes = found(tariff(element(ENERGY, **first), element(ENERGY, **second)))
    assert (("unreachable", "elements[1].price_components[0]") in codes) is unreachable


def test_prices_of_reservations_and_sessions_do_not_hide_each_other() -> None:
    both = tariff(
        element(price("TIME", "1")), element(price("TIME", "2"), reservation=Reservation.RESERVATION), element(ENERGY)
    )
    assert "unreachable" not in [code for code, _place in found(both)]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"end_time": time(17)}, "at 17:00"),
        ({"day_of_week": frozenset(Weekday) - {Weekday.SUNDAY}}, "Sunday"),
        ({"max_kwh": Decimal(20)}, "from 20 kWh"),
        ({"min_kwh": Decimal(2)}, "on"),
        ({"min_power": Decimal(11)}, "on"),
        ({"max_duration": 3600}, "from 3600 s of the session"),
        ({"end_date": date(2027, 1, 1)}, "2027-01-01"),
    ],
)
def test_f36_a_gap_in_which_energy_is_free_is_found(when: dict[str, Any], words: str) -> None:
    (finding,) = lint(tariff(element(ENERGY, **when)))
    assert (finding.code, finding.severity) == ("gap", Severity.WARNING)
    assert words in finding.message and "ENERGY is free" in finding.message and finding.remedy


def test_f36_windows_that_complete_each_other_leave_no_gap() -> None:
    day = tariff(
        element(ENERGY, start_time=time(6), end_time=time(22)), element(ENERGY, start_time=time(22), end_time=time(6))
    )
    assert found(day) == []


def test_f41_prices_of_0_and_implausible_ones_are_found() -> None:
    assert found(tariff(element(price("ENERGY", "0")))) == [("free_of_charge", "elements")]
    assert found(tariff(element(ENERGY, price("FLAT", "0")))) == [
        ("zero_price", "elements[0].price_components[1].price")
    ]
    assert found(tariff(element(price("ENERGY", "49")))) == [
        ("implausible_price", "elements[0].price_components[0].price")
    ]


def with_rates(*rates: str | None) -> Tariff:
    dimensions = (Dimension.ENERGY, Dimension.PARKING_TIME)
    return tariff(
        TariffElement(tuple(
            PriceComponent(dimension, Decimal(1), vat=Decimal(rate) if rate else None)
            for dimension, rate in zip(dimensions, rates, strict=True)
        ))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "code"), [(("19", None), "tax_mixture"), (("19", "7"), "several_rates"), (("19", "19"), None)]
)
def test_mixtures_of_taxes_are_found(rates: tuple[str | None, str | None], code: str | None) -> None:
    assert [each for each, _place in found(with_rates(*rates))] == ([code] if code else [])


def test_f32_steps_that_surprise_are_found() -> None:
    assert found(tariff(element(ENERGY, price("TIME", "1", 60), price("PARKING_TIME", "1", 300)))) == [
        ("unused_step", "elements[0].price_components[1].step_size"),
        ("large_step", "elements[0].price_components[2].step_size"),
    ]


def test_afir_wants_a_price_per_kwh_and_from_50_kw_only_an_occupancy_fee_besides() -> None:
    fees = tariff(element(ENERGY, price("TIME", "1"), price("PARKING_TIME", "6"), price("FLAT", "1")))
    strong = Context(power_kw=Decimal(50), adhoc=True)
    assert found(fees, strong) == [
        ("afir_components", "elements[0].price_components[3]"), ("afir_components", "elements[0].price_components[1]"),
    ]  # fmt: skip
    assert {finding.severity for finding in lint(fees, strong)} == {Severity.ERROR}
    assert found(fees, Context(power_kw=Decimal("49.9"), adhoc=True)) == []
    assert found(fees, Context(power_kw=Decimal(50), adhoc=False)) == []


def test_pangv_and_afir_want_a_price_per_kwh() -> None:
    (finding,) = lint(tariff(element(price("TIME", "6"))), Context(adhoc=True, country="DE"))
    assert (finding.code, finding.severity) == ("no_kwh_price", Severity.ERROR)
    assert "PAngV" in finding.message
    assert found(tariff(element(price("TIME", "6"))), Context(adhoc=False)) == []


def test_components_are_shown_in_the_order_of_afir() -> None:
    assert found(tariff(element(price("FLAT", "1"), ENERGY)), ADHOC) == [
        ("component_order", "elements[0].price_components")
    ]


def test_f30_prices_by_a_clock_that_is_not_certified_are_errors() -> None:
    timed = tariff(
        element(ENERGY, start_time=time(6), end_time=time(22)), element(ENERGY, price("PARKING_TIME", "6")),
        idle=IdleFee(Decimal(6)),
    )  # fmt: skip
    uncertified = Context(clock_certified=False)
    assert found(timed, uncertified) == [
        ("clock_not_certified", "elements[1].price_components[1]"), ("clock_not_certified", "idle"),
        ("clock_not_certified", "elements[0].restrictions"),
    ]  # fmt: skip
    assert found(timed, Context(clock_certified=True)) == found(timed) == []
    assert found(tariff(element(ENERGY)), uncertified) == []


# The command


def run(text: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "rating.cli", "lint-tariff", "-", *options]
    done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=FOLDER, check=False)
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def ocpi(dimension: str, **more: Any) -> dict[str, Any]:
    component = {"type": dimension, "price": 6.0, "step_size": 1}
    return {"id": dimension, "currency": "EUR", "elements": [{"price_components": [component]}]} | more


def test_the_command_answers_one_line_per_tariff() -> None:
    bad = ocpi("TIME", currency="euro")
    code, answers = run("\n".join(json.dumps(each) for each in (ocpi("TIME"), bad)) + "\n{")
    assert code == 1
    assert [finding["code"] for finding in answers[0]["findings"]] == ["no_kwh_price"]
    assert (answers[1]["id"], answers[1]["error"]["path"]) == ("TIME", "currency")
    assert answers[2]["error"]["code"] == "invalid_json"


def test_the_command_returns_0_without_errors_and_takes_a_context() -> None:
    line = json.dumps({"version": "2.2.1", "tariff": ocpi("TIME"), "cdr": {}})
    assert run(line)[0] == 0
    assert run(line, "--context", '{"adhoc": true}')[0] == 1
    assert run(json.dumps([ocpi("TIME"), ocpi("TIME")]))[1][1]["id"] == "TIME"
    assert run(json.dumps({"version": "9", "tariff": ocpi("TIME")}))[1][0]["error"]["path"] == "version"
    command = [sys.executable, "-m", "rating.cli", "lint-tariff", "no-such-file"]
    done = subprocess.run(command, capture_output=True, cwd=FOLDER, check=False)
    assert done.returncode == 2 and b"no-such-file" in done.stderr
