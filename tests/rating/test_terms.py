"""What our tariffs can say beyond OCPI (`rating.terms`)."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rating import (
    Dimension,
    FactsError,
    Grace,
    IdleFee,
    Month,
    Policy,
    PriceComponent,
    Rating,
    Reading,
    Reservation,
    SessionFacts,
    SpotPrice,
    SpotSeries,
    TariffError,
    facts_from_json,
    facts_to_json,
    rate,
    tariff_sentences,
)
from rating.policy import EqualTimes, ExpiredFlat, FlatFees, Unmeasured

from tests.rating.builders import element, price, session, tariff, utc

BERLIN = "Europe/Berlin"
MONDAY = utc("2026-03-02 10:00")
ENERGY = price("ENERGY", "0.50")


def lines(rating: Rating) -> list[tuple[str, str, str]]:
    assert sum(line.amount for line in rating.lines) == rating.total
    return [(line.dimension.value, str(line.quantity), str(line.amount)) for line in rating.lines]


def euro(**fields: Any) -> PriceComponent:
    return PriceComponent(Dimension(fields.pop("dimension", "ENERGY")), Decimal(fields.pop("price", "0.50")), **fields)


# Idle fee


def idle(fee: IdleFee, **facts: Any) -> Rating:
    return rate(tariff(element(ENERGY), idle=fee), session(MONDAY, 1, "0", **facts))


def test_f33_grace_is_deducted_or_retroactive() -> None:
    deducted = IdleFee(Decimal(6), grace=1800)
    retroactive = replace(deducted, grace_mode=Grace.RETROACTIVE)
    assert lines(idle(deducted, parked=2)) == [("IDLE", "1.500000", "9.00")]
    assert lines(idle(retroactive, parked=2)) == [("IDLE", "2.000000", "12.00")]
    assert lines(idle(deducted, parked=0.5)) == lines(idle(retroactive, parked=0.5)) == []


def test_f43_the_idle_fee_has_a_cap_that_is_a_line_of_its_own() -> None:
    assert lines(idle(IdleFee(Decimal(6), cap=Decimal(10)), parked=4)) == [
        ("IDLE", "4.000000", "24.00"),
        ("CAP", "1", "-14.00"),
    ]


def test_f43_the_idle_fee_does_not_count_at_night() -> None:
    fee = IdleFee(Decimal(6), free_from=time(22), free_until=time(6))
    facts = session(utc("2026-03-02 18:00"), 1, "1", parked=14)
    (line,) = rate(tariff(element(price("ENERGY", "0")), idle=fee), facts).lines[1:]
    assert (line.quantity, line.amount) == (Decimal("6"), Decimal("36.00"))
    assert "not from 22:00 to 06:00" in line.reason


def test_f27_the_night_before_the_change_of_clocks_is_an_hour_shorter() -> None:
    fee = IdleFee(Decimal(6), free_from=time(22), free_until=time(6))
    facts = session(utc("2026-03-28 18:00"), 1, "1", parked=14, time_zone=BERLIN)
    # From 20:00 to 10:00 on the wall clock, of which the 23-hour day takes one: 13 hours, 7 at night.
    (line,) = rate(tariff(element(price("ENERGY", "0")), idle=fee), facts).lines[1:]
    assert line.quantity == Decimal("7")


def test_f25_idle_starts_after_the_last_charging() -> None:
    fee = IdleFee(Decimal(6))
    pauses = {0: "CHARGING", 1: "SUSPENDED_EV", 2: "CHARGING", 3: "SUSPENDED_EV"}
    rating = rate(tariff(element(ENERGY), idle=fee), session(MONDAY, 4, "0", parked=1, states=pauses))
    assert lines(rating) == [("IDLE", "2.000000", "12.00")]


def test_f25_a_pause_by_the_station_is_not_idle() -> None:
    fee = IdleFee(Decimal(6))
    facts = session(MONDAY, 4, "0", states={0: "CHARGING", 1: "SUSPENDED_EVSE"})
    assert lines(rate(tariff(element(ENERGY), idle=fee), facts)) == []


@pytest.mark.parametrize(
    "fields", [{"price": "-1"}, {"price": "1", "grace": -1}, {"price": "1", "cap": Decimal(-1)}, {"price": "NaN"},
               {"price": "1", "free_from": time(22)}],
)  # fmt: skip
def test_an_idle_fee_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TariffError):
        IdleFee(Decimal(fields.pop("price")), **fields)


# Caps, allowances, thresholds


def test_a_price_has_a_cap_per_session() -> None:
    capped = tariff(element(euro(cap=Decimal(4)), price("FLAT", "1")))
    assert lines(rate(capped, session(MONDAY, 1, "10"))) == [
        ("FLAT", "1", "1.00"), ("ENERGY", "10.000", "5.00"), ("CAP", "1", "-1.00"),
    ]  # fmt: skip
    assert lines(rate(capped, session(MONDAY, 1, "8")))[-1] == ("ENERGY", "8.000", "4.00")


def test_the_first_kwh_and_minutes_are_free_in_order_of_time() -> None:
    free = tariff(
        element(ENERGY, price("TIME", "6"), max_duration=1800), element(price("ENERGY", "1"), price("TIME", "12")),
        free_kwh=Decimal(6), free_seconds=2400,
    )  # fmt: skip
    rating = rate(free, session(MONDAY, 1, "10"))
    assert lines(rating) == [
        ("ENERGY", "0.000", "0.00"), ("ENERGY", "4.000", "4.00"),
        ("TIME", "0.000000", "0.00"), ("TIME", "0.333333", "4.00"),
    ]  # fmt: skip
    assert [str(line.free) for line in rating.lines] == ["5.000", "1.000", "0.500000", "0.166667"]
    assert rating.lines[1].sentence("de") == "Energie: 4,000 kWh zu 1,00 EUR je kWh = 4,00 EUR (1,000 kWh frei)"


def test_a_step_rounds_up_what_is_not_free() -> None:
    free = tariff(element(price("ENERGY", "1", 1000)), free_kwh=Decimal(2))
    assert lines(rate(free, session(MONDAY, 1, "3.2"))) == [("ENERGY", "2.000", "2.00")]
    assert lines(rate(free, session(MONDAY, 1, "1.2"))) == [("ENERGY", "0.000", "0.00")]


def test_a_monthly_quota_is_used_up_over_sessions() -> None:
    flatrate = tariff(element(ENERGY), quota_kwh=Decimal(30))
    first = rate(flatrate, session(MONDAY, 1, "20"))
    second = rate(flatrate, session(MONDAY, 1, "20"), month=first.month)
    third = rate(flatrate, session(MONDAY, 1, "20"), month=second.month)
    assert [rating.total for rating in (first, second, third)] == [0, 5, 10]
    assert third.month == Month(Decimal(60), {"ENERGY": Decimal("15.00")})


def test_a_month_costs_at_most_its_caps() -> None:
    capped = tariff(
        element(ENERGY), idle=IdleFee(Decimal(6)), month_caps=((Dimension.IDLE, Decimal(8)), (None, Decimal(25)))
    )
    facts = session(MONDAY, 1, "20", parked=1)
    first = rate(capped, facts)
    second = rate(capped, facts, month=first.month)
    third = rate(capped, facts, month=second.month)
    assert lines(first) == [("ENERGY", "20.000", "10.00"), ("IDLE", "1.000000", "6.00")]
    assert lines(second)[2:] == [("MONTH_CAP", "1", "-4.00"), ("MONTH_CAP", "1", "-3.00")]
    assert lines(third)[2:] == [("MONTH_CAP", "1", "-6.00"), ("MONTH_CAP", "1", "-10.00")]
    assert [rating.total for rating in (first, second, third)] == [16, 9, 0]
    assert sum(third.month.charged.values()) == 25 and third.month.charged["IDLE"] == 8


def test_caps_come_before_the_lowest_price_of_a_session() -> None:
    both = tariff(element(euro(cap=Decimal(1))), min_price=Decimal(2))
    assert [name for name, _quantity, _amount in lines(rate(both, session(MONDAY, 1, "10")))] == [
        "ENERGY", "CAP", "MIN_PRICE",
    ]  # fmt: skip


def test_f42_a_session_under_a_threshold_is_free_and_flagged() -> None:
    small = tariff(element(ENERGY, price("FLAT", "1")), free_below_kwh=Decimal("0.5"), free_below_seconds=120)
    too_little = rate(small, session(MONDAY, 1, "0.499"))
    assert (lines(too_little), too_little.flags) == ([], ("linear_energy", "below_threshold"))
    assert rate(small, session(MONDAY, 1, "0.5")).total == Decimal("1.25")
    assert rate(small, session(MONDAY, 119 / 3600, "1")).total == 0
    assert rate(small, session(MONDAY, 120 / 3600, "1")).total == Decimal("1.50")


def test_a_start_fee_may_need_energy() -> None:
    fee = tariff(element(euro(dimension="FLAT", price="1", needs_energy=True), ENERGY))
    assert lines(rate(fee, session(MONDAY, 1, "0"))) == []
    assert lines(rate(fee, session(MONDAY, 1, "1")))[0] == ("FLAT", "1", "1.00")


def test_start_fees_of_several_elements_by_policy() -> None:
    fees = tariff(element(price("FLAT", "1"), max_duration=600), element(price("FLAT", "2")))
    facts = session(MONDAY, 1, "0")
    assert rate(fees, facts).total == 1
    assert rate(fees, facts, policy=Policy(flat_fees=FlatFees.EACH)).total == 3


# Market price

HOURS = SpotSeries((
    (MONDAY, Decimal("0.10")), (MONDAY + timedelta(hours=1), Decimal("-0.50")),
    (MONDAY + timedelta(hours=2), Decimal("2")), (MONDAY + timedelta(hours=3), None),
))  # fmt: skip
MARKET = SpotPrice(Decimal("0.05"), Decimal("1.19"), Decimal("0.01"), Decimal(1))
SPOT = tariff(element(euro(price="0.40", spot=MARKET)))


def test_energy_follows_the_market_between_floor_and_cap() -> None:
    rating = rate(SPOT, session(MONDAY, 4, "4"), spot=HOURS)
    assert [(str(line.unit_price), str(line.quantity)) for line in rating.lines] == [
        ("0.1690", "1.000"), ("0.01", "1.000"), ("1", "1.000"), ("0.40", "1.000"),
    ]  # fmt: skip
    assert rating.flags == ("linear_energy", "spot_fallback")


def test_without_a_series_the_fallback_is_due_and_flagged() -> None:
    rating = rate(SPOT, session(MONDAY, 4, "4"))
    assert (rating.total, rating.flags) == (Decimal("1.60"), ("linear_energy", "spot_fallback"))
    before = session(MONDAY - timedelta(hours=2), 1, "1")
    assert rate(SPOT, before, spot=HOURS).flags == ("linear_energy", "spot_fallback")
    assert rate(SPOT, session(MONDAY, 2, "1"), spot=HOURS).flags == ("linear_energy",)


def test_a_series_needs_an_order() -> None:
    with pytest.raises(FactsError):
        SpotSeries((HOURS.steps[1], HOURS.steps[0]))
    with pytest.raises(FactsError):
        SpotSeries(((MONDAY.replace(tzinfo=None), Decimal(1)),))


@pytest.mark.parametrize(
    "fields", [{"floor": Decimal(2), "cap": Decimal(1)}, {"floor": Decimal(-1)}, {"markup": Decimal("NaN")}]
)
def test_a_spot_price_that_makes_no_sense_is_refused(fields: dict[str, Decimal]) -> None:
    with pytest.raises(TariffError):
        SpotPrice(**fields)


# Reservation and current

RESERVABLE = tariff(
    element(price("FLAT", "4"), price("TIME", "6"), reservation=Reservation.RESERVATION_EXPIRES),
    element(price("FLAT", "2"), price("TIME", "3", 600), reservation=Reservation.RESERVATION),
    element(price("FLAT", "1"), ENERGY),
)


def reserved(minutes: int, *, expired: bool = False) -> SessionFacts:
    facts = session(MONDAY, 0 if expired else 1, "0" if expired else "20")
    return replace(facts, reserved_from=MONDAY - timedelta(minutes=minutes), reservation_expired=expired)


def test_a_reservation_is_charged_before_the_session_with_its_own_step() -> None:
    assert lines(rate(RESERVABLE, reserved(22))) == [
        ("RESERVATION_FLAT", "1", "2.00"), ("RESERVATION_TIME", "0.500000", "1.50"),
        ("FLAT", "1", "1.00"), ("ENERGY", "20.000", "10.00"),
    ]  # fmt: skip


def test_an_expired_reservation_has_both_fees_and_its_own_time() -> None:
    assert lines(rate(RESERVABLE, reserved(90, expired=True))) == [
        ("RESERVATION_FLAT", "1", "4.00"), ("RESERVATION_FLAT", "1", "2.00"), ("RESERVATION_TIME", "1.500000", "9.00"),
    ]  # fmt: skip
    replaced = rate(RESERVABLE, reserved(90, expired=True), policy=Policy(expired_flat=ExpiredFlat.REPLACE))
    assert replaced.total == 13


def test_a_reservation_over_a_change_of_price_is_cut_there() -> None:
    day_and_night = tariff(
        element(price("TIME", "6"), reservation=Reservation.RESERVATION, end_time=time(9, 30)),
        element(price("TIME", "3"), reservation=Reservation.RESERVATION),
        element(ENERGY),
    )
    assert lines(rate(day_and_night, reserved(60)))[:2] == [
        ("RESERVATION_TIME", "0.500000", "3.00"), ("RESERVATION_TIME", "0.500000", "1.50"),
    ]  # fmt: skip


def test_a_tariff_without_reservation_prices_reserves_for_free() -> None:
    assert lines(rate(tariff(element(ENERGY)), reserved(60))) == [("ENERGY", "20.000", "10.00")]


def test_reservations_survive_json_and_contradictions_are_refused() -> None:
    facts = reserved(60, expired=True)
    assert facts_from_json(facts_to_json(facts)) == facts
    with pytest.raises(FactsError, match="before it was reserved"):
        replace(facts, reserved_from=MONDAY + timedelta(minutes=1))
    with pytest.raises(FactsError, match="expired"):
        replace(facts, energy_kwh=Decimal(1))
    with pytest.raises(FactsError, match="expired"):
        replace(facts, reserved_from=None)


def test_a_reservation_prices_no_energy() -> None:
    with pytest.raises(TariffError, match="reservation"):
        element(ENERGY, reservation=Reservation.RESERVATION)


BY_CURRENT = tariff(element(ENERGY, max_current=Decimal(32)), element(price("ENERGY", "1")))


def with_currents(*currents: str | None) -> SessionFacts:
    readings = tuple(
        Reading(MONDAY + timedelta(hours=hour), Decimal(hour), Decimal(current) if current else None)
        for hour, current in enumerate(currents)
    )
    return replace(session(MONDAY, len(currents) - 1, str(len(currents) - 1)), readings=readings)


def test_f39_current_is_that_of_the_last_reading_that_tells_it() -> None:
    assert lines(rate(BY_CURRENT, with_currents("16", "32", None, "16"))) == [
        ("ENERGY", "1.000", "0.50"), ("ENERGY", "2.000", "2.00"),
    ]  # fmt: skip


def test_f39_a_current_that_no_reading_tells_is_not_guessed() -> None:
    with pytest.raises(FactsError, match="current"):
        rate(BY_CURRENT, with_currents(None, None))
    for choice, total in ((Unmeasured.HOLDS, "0.50"), (Unmeasured.FAILS, "1.00")):
        assert str(rate(BY_CURRENT, with_currents(None, None), policy=Policy(unmeasured=choice)).total) == total


def test_readings_with_current_survive_json() -> None:
    facts = with_currents("16", None)
    assert facts_from_json(facts_to_json(facts)) == facts


def test_equal_times_may_mean_never() -> None:
    all_day = tariff(element(ENERGY, start_time=time(7), end_time=time(7)), element(price("ENERGY", "1")))
    assert rate(all_day, session(MONDAY, 1, "1")).total == Decimal("0.50")
    assert rate(all_day, session(MONDAY, 1, "1"), policy=Policy(equal_times=EqualTimes.NEVER)).total == 1


@pytest.mark.parametrize(
    "fields",
    [{"vat": Decimal(101)}, {"cap": Decimal(-1)}, {"needs_energy": True},
     {"dimension": "TIME", "spot": SpotPrice()}],
)  # fmt: skip
def test_a_component_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TariffError):
        euro(**fields)


@pytest.mark.parametrize(
    "fields",
    [{"free_kwh": Decimal(-1)}, {"quota_kwh": Decimal("NaN")}, {"free_seconds": -1}, {"free_below_seconds": -1},
     {"month_caps": ((None, Decimal(-1)),)}],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TariffError):
        tariff(element(ENERGY), **fields)
    with pytest.raises(FactsError):
        Month(Decimal(-1))


# Words

RICH = tariff(
    element(euro(cap=Decimal(4), spot=SpotPrice(Decimal("0.05"), cap=Decimal(1)))),
    element(euro(dimension="FLAT", price="1", needs_energy=True)),
    element(price("TIME", "3"), reservation=Reservation.RESERVATION, min_current=Decimal(6)),
    idle=IdleFee(Decimal(6), 1800, Grace.RETROACTIVE, Decimal(12), time(22), time(6)),
    free_kwh=Decimal(2), free_seconds=600, quota_kwh=Decimal(30), free_below_kwh=Decimal("0.5"), free_below_seconds=120,
    month_caps=((None, Decimal(50)), (Dimension.IDLE, Decimal(20))),
)  # fmt: skip


def test_all_terms_are_told_in_english_and_german() -> None:
    assert tariff_sentences(RICH) == (
        "Energy 0.50 EUR per kWh (at most 4.00 EUR, follows the market price (x 1 + 0.05), at least 0, at most 1)",
        "otherwise: Start fee 1.00 EUR (only if energy flowed)",
        "reservation, from 6 A: Reservation time 3.00 EUR per hour",
        "Blocking after charging 6.00 EUR per hour (from the first minute when longer than 30 min, at most 12.00 EUR, "
        "not from 22:00 to 06:00)",
        "the first 2 kWh of each session are free", "the first 10 min of each session are free",
        "30 kWh per month are included", "sessions below 0.5 kWh are free", "sessions below 2 min are free",
        "at most 50.00 EUR per month", "Blocking after charging: at most 20.00 EUR per month",
    )  # fmt: skip
    german = tariff_sentences(RICH, "de")
    assert german[0].startswith("Energie 0,50 EUR je kWh (höchstens 4,00 EUR, folgt dem Marktpreis (x 1 + 0,05)")
    assert german[3].startswith("Blockieren nach dem Laden 6,00 EUR je Stunde (ab der ersten Minute, wenn länger")
    assert german[-1] == "Blockieren nach dem Laden: höchstens 20,00 EUR je Monat"


def test_a_cap_of_the_month_leaves_nothing_below_0() -> None:
    capped = tariff(element(ENERGY), idle=IdleFee(Decimal(6)), month_caps=((None, Decimal(2)),))
    rating = rate(capped, session(MONDAY, 1, "20", parked=1))
    assert lines(rating)[2:] == [("MONTH_CAP", "1", "-10.00"), ("MONTH_CAP", "1", "-4.00")]
    assert rating.month.charged == {"ENERGY": 0, "IDLE": 2}


def test_every_kind_of_line_is_told() -> None:
    rating = rate(
        tariff(element(euro(cap=Decimal(4))), idle=IdleFee(Decimal(6)), month_caps=((None, Decimal(5)),)),
        session(MONDAY, 1, "20", parked=1),
    )
    assert [line.sentence("en") for line in rating.lines] == [
        "Energy: 20.000 kWh at 0.50 EUR per kWh = 10.00 EUR",
        "Blocking after charging: 1 h at 6.00 EUR per hour = 6.00 EUR",
        "Reduction to the highest amount for it: -6.00 EUR",
        "Reduction to the highest amount of a month: -5.00 EUR",
    ]
    assert [line.sentence("de") for line in rating.lines][2:] == [
        "Abzug auf den Höchstbetrag dafür: -6,00 EUR",
        "Abzug auf den Höchstbetrag eines Monats: -5,00 EUR",
    ]
    assert [line.counts_for.value for line in rating.lines] == ["ENERGY", "IDLE", "ENERGY", "IDLE"]
