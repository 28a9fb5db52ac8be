"""What the engine must get right, case by case (FAILURES F25 to F43)."""

import subprocess
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import rating as engine
from rating import (
    Activity,
    ChargingState,
    Dimension,
    FactsError,
    InputError,
    OvernightDay,
    Policy,
    PriceComponent,
    Rating,
    Reading,
    SessionFacts,
    StateChange,
    Tariff,
    TariffError,
    Weekday,
    build_periods,
    facts_from_json,
    facts_to_json,
    rate,
    tariff_sentences,
)
from rating.scale import LARGEST, USUAL

from tests.rating.builders import element, price, session, tariff, utc

BERLIN = "Europe/Berlin"
MONDAY = utc("2026-03-02 10:00")


def amounts(rating: Rating) -> dict[tuple[str, int], tuple[str, str]]:
    """(dimension, element) -> (quantity, amount)"""
    return {
        (line.dimension.value, line.element): (str(line.quantity), str(line.amount)) for line in rating.lines
    }


def parking_hours(rating: Rating) -> Decimal:
    return sum(
        (line.quantity for line in rating.lines if line.dimension is Dimension.PARKING_TIME), Decimal(0)
    )


# Activities

BY_THE_HOUR = tariff(element(price("ENERGY", "0.40"), price("TIME", "1"), price("PARKING_TIME", "6")))


def test_f25_a_pause_by_the_station_is_neither_parking_nor_charging_time() -> None:
    facts = session(MONDAY, 3, "10", states={0: "CHARGING", 1: "SUSPENDED_EVSE", 2: "CHARGING"})
    assert amounts(rate(BY_THE_HOUR, facts)) == {
        ("ENERGY", 0): ("10.000", "4.00"),
        ("TIME", 0): ("2.000000", "2.00"),
    }


def test_f25_a_pause_by_the_car_is_parking() -> None:
    facts = session(MONDAY, 3, "10", states={0: "CHARGING", 2: "SUSPENDED_EV"})
    assert amounts(rate(BY_THE_HOUR, facts))["PARKING_TIME", 0] == ("1.000000", "6.00")


def test_f25_readings_without_a_rise_are_not_parking() -> None:
    facts = session(MONDAY, 3, "10", readings={0: "0", 1: "10", 2: "10", 3: "10"})
    assert amounts(rate(BY_THE_HOUR, facts)) == {
        ("ENERGY", 0): ("10.000", "4.00"),
        ("TIME", 0): ("3.000000", "3.00"),
    }


def test_f25_policies_of_pauses() -> None:
    facts = session(MONDAY, 3, "10", states={0: "CHARGING", 1: "SUSPENDED_EVSE", 2: "SUSPENDED_EV"})
    generous = Policy(suspended_ev_is_parking=False)
    assert "PARKING_TIME" not in str(amounts(rate(BY_THE_HOUR, facts, policy=generous)))
    strict = Policy(suspended_evse_is_charging=True)
    assert amounts(rate(BY_THE_HOUR, facts, policy=strict))["TIME", 0] == ("2.000000", "2.00")


def test_a_cable_that_waits_for_its_first_charging_is_not_parking() -> None:
    facts = session(MONDAY, 2, "10", states={0: "IDLE", 1: "CHARGING"})
    assert [period.activity for period in build_periods(facts, BY_THE_HOUR)] == [
        Activity.WAITING,
        Activity.CHARGING,
    ]


def test_a_cable_that_stays_after_charging_is_parking() -> None:
    facts = session(MONDAY, 2, "10", parked=1, states={0: "CHARGING", 1: "IDLE"})
    assert parking_hours(rate(BY_THE_HOUR, facts)) == 2


def test_idle_is_parking_when_charging_before_it_was_never_reported() -> None:
    facts = session(MONDAY, 2, "10", states={1.5: "IDLE"})
    assert parking_hours(rate(BY_THE_HOUR, facts)) == Decimal("0.5")


def test_after_the_end_the_state_does_not_matter() -> None:
    facts = session(MONDAY, 1, "10", parked=1, states={0: "CHARGING", 1: "SUSPENDED_EVSE", 1.5: "CHARGING"})
    assert parking_hours(rate(BY_THE_HOUR, facts)) == 1


def test_f34_time_is_charging_time_and_not_the_time_until_unplugged() -> None:
    only_time = tariff(element(price("TIME", "6")))
    facts = session(MONDAY, 1, "10", parked=9)
    assert rate(only_time, facts).total == Decimal("6.00")


# Local time

NIGHT = tariff(
    element(price("ENERGY", "0.30"), price("TIME", "1"), start_time=time(2), end_time=time(3)),
    element(price("ENERGY", "0.50"), price("TIME", "10")),
)


def test_f27_an_hour_that_happens_twice_is_priced_twice() -> None:
    # Clocks go back from 03:00 to 02:00 on 25 October 2026: the local day has 25 hours.
    start = datetime(2026, 10, 25, 0, 0, tzinfo=ZoneInfo(BERLIN))
    facts = session(utc("2026-10-24 22:00"), 25, "25", time_zone=BERLIN)
    assert facts.start == start and facts.end == datetime(2026, 10, 26, 0, 0, tzinfo=ZoneInfo(BERLIN))
    assert amounts(rate(NIGHT, facts)) == {
        ("ENERGY", 0): ("2.000", "0.60"),
        ("ENERGY", 1): ("23.000", "11.50"),
        ("TIME", 0): ("2.000000", "2.00"),
        ("TIME", 1): ("23.000000", "230.00"),
    }


def test_f27_a_window_inside_the_missing_hour_does_not_apply() -> None:
    # Clocks go forward from 02:00 to 03:00 on 29 March 2026: the local day has 23 hours.
    facts = session(utc("2026-03-28 23:00"), 23, "23", time_zone=BERLIN)
    assert amounts(rate(NIGHT, facts)) == {
        ("ENERGY", 1): ("23.000", "11.50"),
        ("TIME", 1): ("23.000000", "230.00"),
    }


def test_f27_a_window_that_begins_in_the_missing_hour_begins_after_it() -> None:
    half_past = tariff(
        element(price("TIME", "1"), start_time=time(2, 30), end_time=time(4)), NIGHT.elements[1]
    )
    facts = session(utc("2026-03-29 00:00"), 3, "3", time_zone=BERLIN)
    cut = [(period.start, period.end) for period in build_periods(facts, half_past)]
    assert cut == [
        (utc("2026-03-29 00:00"), utc("2026-03-29 01:00")),
        (utc("2026-03-29 01:00"), utc("2026-03-29 02:00")),
        (utc("2026-03-29 02:00"), utc("2026-03-29 03:00")),
    ]


def test_f27_a_window_that_ends_in_the_double_hour_comes_back() -> None:
    # 02:00 to 02:30 happens at 00:00 and again at 01:00 UTC.
    half_hour = tariff(
        element(price("TIME", "1"), start_time=time(2), end_time=time(2, 30)), NIGHT.elements[1]
    )
    facts = session(utc("2026-10-25 00:00"), 2, "2", time_zone=BERLIN)
    assert [period.start.strftime("%H:%M") for period in build_periods(facts, half_hour)] == [
        "00:00", "00:30", "01:00", "01:30",
    ]  # fmt: skip
    assert amounts(rate(half_hour, facts))["TIME", 0] == ("1.000000", "1.00")


def test_f27_zones_that_shift_by_half_an_hour() -> None:
    # Lord Howe Island sets its clocks back by 30 minutes, from 02:00 to 01:30, on 5 April 2026: 15:00 UTC on
    # the 4th.
    window = tariff(element(price("TIME", "1"), start_time=time(1, 30), end_time=time(2)), NIGHT.elements[1])
    facts = session(utc("2026-04-04 14:00"), 3, "3", time_zone="Australia/Lord_Howe")
    assert amounts(rate(window, facts))["TIME", 0] == ("1.000000", "1.00")


def test_f29_an_overnight_window_covers_both_sides_of_midnight() -> None:
    night = tariff(
        element(price("TIME", "1"), start_time=time(22), end_time=time(6)), element(price("TIME", "10"))
    )
    facts = session(utc("2026-03-02 20:00"), 12, "0")
    assert amounts(rate(night, facts)) == {
        ("TIME", 0): ("8.000000", "8.00"),
        ("TIME", 1): ("4.000000", "40.00"),
    }


FRIDAY_NIGHT = tariff(
    element(
        price("TIME", "1"), start_time=time(22), end_time=time(6), day_of_week=frozenset({Weekday.FRIDAY})
    ),
    element(price("TIME", "10")),
)


def test_f29_the_hours_after_midnight_have_their_own_weekday() -> None:
    friday_to_saturday = session(utc("2026-03-06 20:00"), 12, "0")
    assert amounts(rate(FRIDAY_NIGHT, friday_to_saturday))["TIME", 0] == ("2.000000", "2.00")
    thursday_to_friday = session(utc("2026-03-05 20:00"), 12, "0")
    assert amounts(rate(FRIDAY_NIGHT, thursday_to_friday))["TIME", 0] == ("6.000000", "6.00")


def test_f29_the_night_may_belong_to_the_day_on_which_it_begins() -> None:
    policy = Policy(overnight_day=OvernightDay.START)
    friday_to_saturday = session(utc("2026-03-06 20:00"), 12, "0")
    assert amounts(rate(FRIDAY_NIGHT, friday_to_saturday, policy=policy))["TIME", 0] == ("8.000000", "8.00")
    thursday_to_friday = session(utc("2026-03-05 20:00"), 12, "0")
    assert ("TIME", 0) not in amounts(rate(FRIDAY_NIGHT, thursday_to_friday, policy=policy))


@pytest.mark.parametrize(
    ("begin", "finish", "hours"),
    [
        (time(18), None, 6),
        (None, time(6), 6),
        (time(18), time(0), 6),
        (time(0), time(0), 24),
        (time(7), time(7), 24),
    ],
)
def test_f29_windows_with_an_open_side(begin: time | None, finish: time | None, hours: int) -> None:
    facts = session(utc("2026-03-02 00:00"), 24, "0")
    rating = rate(tariff(element(price("TIME", "1"), start_time=begin, end_time=finish)), facts)
    assert rating.total == hours
    assert rating.flags == (() if hours == 24 else ("unpriced_time",))


def test_dates_are_local_days() -> None:
    new_year = tariff(
        element(price("TIME", "1"), start_date=date(2026, 1, 1), end_date=date(2026, 1, 2)),
        element(price("TIME", "10")),
    )
    facts = session(utc("2025-12-31 22:00"), 26, "0", time_zone=BERLIN)
    assert amounts(rate(new_year, facts)) == {
        ("TIME", 0): ("24.000000", "24.00"),
        ("TIME", 1): ("2.000000", "20.00"),
    }


def test_f39_a_lower_bound_of_power_is_inclusive_and_an_upper_bound_is_not() -> None:
    facts = session(MONDAY, 2, "22", readings={0: "0", 1: "11", 2: "22"})
    at_least = tariff(element(price("ENERGY", "1"), min_power=Decimal(11)), element(price("ENERGY", "2")))
    below = tariff(element(price("ENERGY", "1"), max_power=Decimal(11)), element(price("ENERGY", "2")))
    assert amounts(rate(at_least, facts)) == {("ENERGY", 0): ("22.000", "22.00")}
    assert amounts(rate(below, facts)) == {("ENERGY", 1): ("22.000", "44.00")}


def test_a_line_tells_when_its_price_was_first_and_last_in_force() -> None:
    night = tariff(
        element(price("ENERGY", "1"), start_time=time(22), end_time=time(6)), element(price("ENERGY", "2"))
    )
    rating = rate(night, session(utc("2026-03-02 04:00"), 20, "20"))
    assert [(line.element, line.start, line.end) for line in rating.lines] == [
        (0, utc("2026-03-02 04:00"), utc("2026-03-03 00:00")),
        (1, utc("2026-03-02 06:00"), utc("2026-03-02 22:00")),
    ]


# Step size, rounding, bounds


def test_f32_without_a_step_size_nothing_is_rounded_up() -> None:
    facts = session(MONDAY, 1, "1.234", parked=0.5)
    assert all(line.rounded_up == 0 for line in rate(BY_THE_HOUR, facts).lines)
    assert PriceComponent(Dimension.ENERGY, Decimal(1)).step_size == 1


def test_f32_the_step_is_applied_once_although_the_price_comes_and_goes() -> None:
    quarters = tariff(
        element(price("TIME", "6", 900), start_time=time(10), end_time=time(11)),
        element(price("TIME", "12", 900)),
    )
    facts = session(utc("2026-03-02 09:50"), 1 + 1 / 3 + 1 / 60, "0")
    rating = rate(quarters, facts)
    assert sum(line.quantity for line in rating.lines) == Decimal("1.5")
    assert [line.rounded_up for line in rating.lines if line.element == 1] == [Decimal("0.15")]


def test_f32_a_line_says_what_was_rounded_up() -> None:
    rating = rate(tariff(element(price("ENERGY", "1", 1000))), session(MONDAY, 1, "1.2"))
    assert (
        rating.lines[0].sentence("en")
        == "Energy: 2.000 kWh at 1.00 EUR per kWh = 2.00 EUR (including 0.800 kWh rounded up)"
    )
    assert "step_size 1000" in rating.lines[0].reason


@pytest.mark.parametrize(
    ("kwh", "amount"),
    [("0.009", "0.00"), ("0.010", "0.01"), ("0.029", "0.01"), ("0.030", "0.02"), ("0.050", "0.03")],
)
def test_f40_a_half_cent_is_rounded_up_and_less_is_not(kwh: str, amount: str) -> None:
    rating = rate(tariff(element(price("ENERGY", "0.5"))), session(MONDAY, 1, kwh))
    assert rating.total == Decimal(amount)


def test_f40_time_is_not_rounded_before_it_is_priced() -> None:
    # A third of an hour at 0.015 is exactly half a cent, which the six decimals of the quantity do not show.
    rating = rate(tariff(element(price("TIME", "0.015"))), session(MONDAY, 1 / 3, "0"))
    assert rating.total == Decimal("0.01")


def test_amounts_have_the_digits_of_the_currency() -> None:
    facts = session(MONDAY, 1, "1.5")
    yen = Tariff("yen", "JPY", (element(price("ENERGY", "51")),), digits=0)
    dinar = Tariff("dinar", "KWD", (element(price("ENERGY", "0.0123")),), digits=3)
    assert str(rate(yen, facts).total) == "77"
    assert str(rate(dinar, facts).total) == "0.018"
    nothing = session(MONDAY, 0, "0")
    assert str(rate(tariff(element(price("ENERGY", "1"))), nothing).total) == "0.00"


def test_a_lowest_price_is_due_even_when_nothing_else_is() -> None:
    rating = rate(tariff(element(price("ENERGY", "1")), min_price=Decimal("2")), session(MONDAY, 1, "0"))
    assert [(line.dimension, line.posts_to, line.amount) for line in rating.lines] == [
        (Dimension.MIN_PRICE, Dimension.ENERGY, Decimal("2.00"))
    ]


def test_a_reduction_posts_where_the_largest_line_posts() -> None:
    rating = rate(
        tariff(element(price("FLAT", "1"), price("TIME", "6"), price("ENERGY", "1")), max_price=Decimal("5")),
        session(MONDAY, 1, "2"),
    )
    assert rating.lines[-1].posts_to is Dimension.TIME
    assert rating.total == Decimal("5.00")


# Facts


def test_f38_the_price_depends_on_when_the_energy_flowed_not_on_when_the_record_came() -> None:
    facts = session(utc("2025-06-01 10:00"), 1, "10")
    seasonal = tariff(
        element(price("ENERGY", "0.40"), end_date=date(2025, 7, 1)), element(price("ENERGY", "0.60"))
    )
    assert rate(seasonal, facts_from_json(facts_to_json(facts))).total == Decimal("4.00")


def test_f09_only_start_and_stop_known_spreads_energy_over_time_and_says_so() -> None:
    evening = tariff(element(price("ENERGY", "1"), end_time=time(11)), element(price("ENERGY", "2")))
    rating = rate(evening, session(MONDAY, 4, "8"))
    assert amounts(rating) == {("ENERGY", 0): ("2.000", "2.00"), ("ENERGY", 1): ("6.000", "12.00")}
    assert rating.flags == ("linear_energy",)


def test_readings_decide_when_energy_flowed() -> None:
    evening = tariff(element(price("ENERGY", "1"), end_time=time(11)), element(price("ENERGY", "2")))
    rating = rate(evening, session(MONDAY, 4, "8", readings={0: "100", 0.5: "103", 1.5: "107", 4: "108"}))
    assert amounts(rating) == {("ENERGY", 0): ("5.000", "5.00"), ("ENERGY", 1): ("3.000", "6.00")}
    assert rating.flags == ()


def test_readings_of_others_do_not_count() -> None:
    # The reading after the end already belongs to the next customer's session.
    late = session(MONDAY, 1, "8", readings={-1: "0", 0: "100", 0.5: "106", 1: "108", 2: "140"})
    exact = session(MONDAY, 1, "8", readings={0: "100", 0.5: "106", 1: "108"})
    halves = tariff(element(price("ENERGY", "1"), max_duration=1800), element(price("ENERGY", "2")))
    assert rate(halves, late).lines == rate(halves, exact).lines


def test_f36_a_tariff_without_prices_is_refused() -> None:
    with pytest.raises(TariffError, match="no prices"):
        tariff(element())


def test_f36_time_without_a_price_is_flagged_only_when_the_tariff_prices_it_elsewhere() -> None:
    facts = session(MONDAY, 2, "10", parked=1)
    assert rate(tariff(element(price("ENERGY", "1"))), facts).flags == ("linear_energy",)
    gap = tariff(element(price("ENERGY", "1"), price("PARKING_TIME", "1"), end_time=time(11)))
    assert rate(gap, facts).flags == ("linear_energy", "unpriced_energy", "unpriced_parking_time")


def test_f02_energy_is_never_negative() -> None:
    with pytest.raises(FactsError, match="energy"):
        session(MONDAY, 1, "-0.001")
    with pytest.raises(FactsError, match="register falls"):
        session(MONDAY, 1, "1", readings={0: "5", 1: "4.999"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": datetime(2026, 3, 2, 10)}, "time zone"),
        ({"end": utc("2026-03-02 09:00")}, "ends before"),
        ({"unplugged": utc("2026-03-02 10:30")}, "unplugged before"),
        ({"energy_kwh": Decimal("-1")}, "energy"),
        ({"energy_kwh": Decimal("NaN")}, "energy"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        (
            {"readings": (Reading(MONDAY, Decimal(2)), Reading(MONDAY + timedelta(hours=1), Decimal(1)))},
            "register falls",
        ),
        (
            {"readings": (Reading(MONDAY + timedelta(hours=1), Decimal(1)), Reading(MONDAY, Decimal(2)))},
            "order of time",
        ),
        (
            {
                "states": (
                    StateChange(MONDAY + timedelta(hours=1), ChargingState.IDLE),
                    StateChange(MONDAY, ChargingState.IDLE),
                )
            },
            "order of time",
        ),
    ],
)
def test_facts_that_contradict_themselves_are_refused(change: dict[str, object], message: str) -> None:
    values = {
        "start": MONDAY,
        "end": MONDAY + timedelta(hours=1),
        "unplugged": None,
        "energy_kwh": Decimal(1),
    } | change
    with pytest.raises(FactsError, match=message):
        SessionFacts(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"start": "yesterday", "end": "today", "energy_kwh": "1"},
        {"start": "2026-03-02T10:00:00", "end": "2026-03-02T11:00:00Z", "energy_kwh": "1"},
        {"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z", "energy_kwh": "much"},
        {
            "start": "2026-03-02T10:00:00Z",
            "end": "2026-03-02T11:00:00Z",
            "energy_kwh": "1",
            "states": [{"at": "2026-03-02T10:00:00Z", "state": "BORED"}],
        },
    ],
)
def test_facts_that_cannot_be_read_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(FactsError):
        facts_from_json(broken)


@pytest.mark.parametrize("dimension", ["MIN_PRICE", "MAX_PRICE"])
def test_bounds_are_not_price_components(dimension: str) -> None:
    with pytest.raises(TariffError):
        price(dimension, "1")


@pytest.mark.parametrize(("amount", "step"), [("-0.01", 1), ("NaN", 1), ("1", -1)])
def test_prices_and_steps_are_not_negative(amount: str, step: int) -> None:
    with pytest.raises(TariffError):
        price("ENERGY", amount, step)


def test_bounds_of_the_price_have_an_order() -> None:
    with pytest.raises(TariffError, match="above"):
        tariff(element(price("ENERGY", "1")), min_price=Decimal(2), max_price=Decimal(1))


def test_an_element_has_one_price_per_dimension() -> None:
    with pytest.raises(TariffError, match="at most one"):
        element(price("ENERGY", "1"), price("ENERGY", "2"))


def test_the_engine_does_not_need_odoo() -> None:
    program = "import sys, rating; sys.exit(any(name.split('.')[0] == 'odoo' for name in sys.modules))"
    path = str(Path(engine.__file__).parent.parent)
    assert subprocess.run([sys.executable, "-c", program], cwd=path, check=False).returncode == 0


# Words

WORDY = tariff(
    element(
        price("ENERGY", "0.395"),
        start_time=time(22),
        end_time=time(6),
        day_of_week=frozenset({Weekday.SATURDAY, Weekday.SUNDAY}),
        max_kwh=Decimal("50.000"),
    ),
    element(price("FLAT", "1"), price("ENERGY", "0.5"), price("PARKING_TIME", "6")),
    max_price=Decimal("70"),
)


def test_a_tariff_is_told_in_english_and_german() -> None:
    assert tariff_sentences(WORDY) == (
        "Sat Sun, 22:00 to 06:00, below 50 kWh: Energy 0.395 EUR per kWh",
        "otherwise: Start fee 1.00 EUR, Energy 0.50 EUR per kWh, "
        "Parking time after charging 6.00 EUR per hour",
        "at most 70.00 EUR per session",
    )
    assert tariff_sentences(WORDY, "de_DE") == (
        "Sa So, 22:00 bis 06:00, unter 50 kWh: Energie 0,395 EUR je kWh",
        "sonst: Startgebühr 1,00 EUR, Energie 0,50 EUR je kWh, Standzeit nach dem Laden 6,00 EUR je Stunde",
        "höchstens 70,00 EUR je Ladevorgang",
    )


def test_lines_are_told_in_english_and_german() -> None:
    rating = rate(WORDY, session(MONDAY, 1, "12.345", parked=1.5))
    assert [line.sentence("en") for line in rating.lines] == [
        "Start fee: 1.00 EUR",
        "Energy: 12.345 kWh at 0.50 EUR per kWh = 6.17 EUR",
        "Parking time after charging: 1 h 30 min at 6.00 EUR per hour = 9.00 EUR",
    ]
    assert [line.sentence("de") for line in rating.lines] == [
        "Startgebühr: 1,00 EUR",
        "Energie: 12,345 kWh zu 0,50 EUR je kWh = 6,17 EUR",
        "Standzeit nach dem Laden: 1 h 30 min zu 6,00 EUR je Stunde = 9,00 EUR",
    ]


def test_the_trace_holds_every_period_and_price() -> None:
    trace = rate(WORDY, session(utc("2026-03-07 21:00"), 2, "10")).to_json()
    assert [(period["start"], period["energy_kwh"]) for period in trace["periods"]] == [
        ("2026-03-07T21:00:00Z", "5.000"),
        ("2026-03-07T22:00:00Z", "5.000"),
    ]
    assert trace["periods"][1]["prices"][1] == {
        "dimension": "ENERGY", "element": 0, "price": "0.395", "step_size": 1,
    }  # fmt: skip
    assert trace["total"] == "5.48"
    assert trace["lines"][2]["reason"] == "element 1 (Sat Sun, 22:00 to 06:00, below 50 kWh)"


def test_energy_that_only_the_last_reading_tells_is_where_that_reading_is() -> None:
    readings = {0: "0", 1: "0", 2: "5"}
    facts = session(MONDAY, 2, "4", readings=readings)
    first_hour = element(price("ENERGY", "1"), end_time=time(11))
    periods = build_periods(facts, tariff(first_hour, element(price("ENERGY", "2"))))
    assert [period.energy_kwh for period in periods] == [Decimal(0), Decimal(4)]


def test_readings_at_start_and_end_tell_nothing_of_the_time_between() -> None:
    rating = rate(tariff(element(price("ENERGY", "1"))), session(MONDAY, 1, "10", readings={0: "0", 1: "10"}))
    assert rating.flags == ("linear_energy",)


def test_a_number_may_be_as_large_as_the_largest_and_no_larger() -> None:
    largest = float(LARGEST)
    assert [USUAL.number(value) for value in (largest, -largest)] == [LARGEST * USUAL.unit, -LARGEST * USUAL.unit]
    for value in (largest + 1, -largest - 1):
        with pytest.raises(InputError):
            USUAL.number(value)
