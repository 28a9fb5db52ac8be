"""Our tariffs to OCPI and back, and what is lost on the way."""

import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rating import (
    Dimension,
    IdleFee,
    InputError,
    PriceComponent,
    Reservation,
    SpotPrice,
    Tariff,
    TariffError,
    Weekday,
    from_ocpi,
    rate,
    rate_ocpi,
    to_ocpi,
)
from rating.facts import instant_to_json
from rating.periods import Activity

from tests.rating.builders import element, price, tariff
from tests.rating.random_messages import message
from tests.rating.test_properties import sessions, tariffs


def as_json(data: dict[str, Any]) -> Any:
    """The message as a partner gets it: its decimal numbers as JSON numbers."""
    return json.loads(json.dumps(data, default=float))


FULL = tariff(
    element(
        PriceComponent(Dimension.ENERGY, Decimal("0.25"), 1, vat=Decimal("7.7")),
        start_time=time(22), end_time=time(6, 30), start_date=date(2026, 1, 1), end_date=date(2027, 1, 1),
        day_of_week=frozenset({Weekday.SUNDAY, Weekday.MONDAY}), min_kwh=Decimal(1), max_kwh=Decimal("20.5"),
        min_current=Decimal(6), max_current=Decimal(32), min_power=Decimal("3.7"), max_power=Decimal(50),
        min_duration=60, max_duration=3600,
    ),
    element(price("TIME", "5", 60), price("FLAT", "2"), reservation=Reservation.RESERVATION),
    element(price("ENERGY", "0.3"), price("PARKING_TIME", "1.5", 300)),
    tax_included=False, min_price=Decimal("0.5"), max_price=Decimal(40), alt_text=(("de", "Tag und Nacht"),),
)  # fmt: skip


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_what_ocpi_can_say_survives_the_way_there_and_back(version: str) -> None:
    data, lost = to_ocpi(FULL, version)
    assert lost == []
    assert from_ocpi(as_json(data), version) == FULL


def test_2_1_1_lacks_limits_taxes_currents_and_reservations() -> None:
    data, lost = to_ocpi(FULL, "2.1.1")
    assert lost == [
        "element 1: 2.1.1 has no currents and reservations, so it is left out",
        "element 2: 2.1.1 has no currents and reservations, so it is left out",
        "min_price 0.5: 2.1.1 has none",
        "max_price 40: 2.1.1 has none",
    ]
    assert [each["price_components"][0]["price"] for each in data["elements"]] == [Decimal("0.3")]
    taxed = tariff(element(PriceComponent(Dimension.ENERGY, Decimal(1), vat=Decimal(19))), tax_included=False)
    assert to_ocpi(taxed, "2.1.1")[1] == ["element 1, ENERGY: the VAT rate of 19 %"]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_an_ocpi_tariff_prices_the_same_after_our_model(seed: int) -> None:
    data = message(seed)
    version = data["version"]
    if data["tariff"].get("tax_included") == "N/A":
        return
    # Our tariff has the bounds of one side only.
    for name in ("min_price", "max_price"):
        data["tariff"].pop(name, None)
    try:
        exported, lost = to_ocpi(from_ocpi(data["tariff"], version), version)
    except TariffError:
        return
    if any("left out" in each for each in lost):
        return
    again = rate_ocpi(data | {"tariff": as_json(exported)})
    once = rate_ocpi(data)
    for line in (*again.lines, *once.lines):
        line.reason = ""  # 2 may come back as 2.0
    assert again == once


@settings(max_examples=200, deadline=None)
@given(tariffs(), sessions())
def test_f35_both_engines_price_the_same_periods_alike(ours: Tariff, facts: Any) -> None:
    """The retail rating of a session, and the CDR of its periods by the exported tariff."""
    ours = replace(ours, digits=2, tax_included=False, min_price=None, max_price=None)
    rating = rate(ours, facts)
    try:
        exported, lost = to_ocpi(ours, "2.2.1")
    except TariffError:
        return
    if any("time parked" in each for each in lost) or facts.start == facts.released:
        return
    periods = []
    for period in rating.periods:
        hours = str(Decimal(period.duration) / Decimal(3_600_000_000))
        kind = {Activity.CHARGING: "TIME", Activity.PARKING: "PARKING_TIME"}.get(period.activity)
        volumes = [{"type": "ENERGY", "volume": str(period.energy_kwh)}]
        volumes += [{"type": kind, "volume": hours}] if kind else []
        periods.append({"start_date_time": instant_to_json(period.start), "dimensions": volumes})
    cdr = {
        "currency": "EUR", "charging_periods": periods, "start_date_time": instant_to_json(facts.start),
        "end_date_time": instant_to_json(facts.released),
    }  # fmt: skip
    # Bounds of power and energy depend on more than a period tells: on when in it the energy flowed.
    names = {name for each in exported["elements"] for name in each.get("restrictions", {})}
    if names & {"min_power", "max_power", "min_kwh", "max_kwh"}:
        return
    priced = rate_ocpi(
        {"timezone": facts.time_zone, "version": "2.2.1", "tariff": as_json(exported), "cdr": cdr}, digits=2
    )
    assert priced.total_before_taxes == rating.total


GROSS = tariff(element(PriceComponent(Dimension.ENERGY, Decimal("1.19"), vat=Decimal(19))), max_price=Decimal("23.80"))


def test_a_gross_tariff_is_exported_net_where_prices_are_net() -> None:
    assert to_ocpi(GROSS, "2.3.0")[0]["tax_included"] == "YES"
    data, lost = to_ocpi(GROSS, "2.2.1")
    assert lost == []
    assert data["elements"][0]["price_components"][0]["price"] == 1
    assert data["max_price"] == {"excl_vat": Decimal(20), "incl_vat": Decimal("23.80")}


def test_a_gross_price_without_an_exact_net_or_a_rate_is_told() -> None:
    odd = tariff(element(PriceComponent(Dimension.ENERGY, Decimal("0.59"), vat=Decimal(19))))
    assert "the exact gross price of 0.59" in to_ocpi(odd, "2.2.1")[1][0]
    with pytest.raises(TariffError, match="gross without a VAT rate"):
        to_ocpi(tariff(element(price("ENERGY", "0.59"))), "2.2.1")
    mixed = tariff(
        element(PriceComponent(Dimension.ENERGY, Decimal("1.19"), vat=Decimal(19)),
                PriceComponent(Dimension.FLAT, Decimal("1.07"), vat=Decimal(7))),
        max_price=Decimal(20),
    )  # fmt: skip
    assert to_ocpi(mixed, "2.2.1")[1] == ["max_price 20: it is gross, and the prices have no common VAT rate"]


def test_f33_everything_that_is_more_than_ocpi_is_named_as_lost() -> None:
    rich = tariff(
        element(
            PriceComponent(Dimension.ENERGY, Decimal("0.4"), cap=Decimal(9), spot=SpotPrice()),
            PriceComponent(Dimension.FLAT, Decimal(1), needs_energy=True),
        ),
        element(price("PARKING_TIME", "6"), min_parking=1800),
        element(price("FLAT", "2"), start_time=time(8, 0, 30)),
        idle=IdleFee(Decimal(6)), free_kwh=Decimal(1), free_seconds=60, quota_kwh=Decimal(5),
        month_caps=((None, Decimal(9)), (Dimension.IDLE, Decimal(3))), free_below_kwh=Decimal(1), tax_included=False,
    )  # fmt: skip
    data, lost = to_ocpi(rich)
    assert len(data["elements"]) == 2
    for words in (
        "cap of 9 per session", "follows the market", "only if energy flowed", "time parked", "seconds of its times",
        "idle fee", "first 1 kWh", "first 60 seconds", "quota of 5 kWh", "cap of 9 per month for everything",
        "cap of 3 per month for IDLE", "small sessions", "ocpi#176",
    ):  # fmt: skip
        assert any(words in each for each in lost), words
    assert len(lost) == 13


def test_unknown_versions_and_bad_tariffs_are_refused() -> None:
    with pytest.raises(TariffError, match="not known"):
        to_ocpi(FULL, "3.0")
    with pytest.raises(TariffError, match="nothing"):
        to_ocpi(tariff(element(price("PARKING_TIME", "6"), min_parking=1800)))
    with pytest.raises(InputError) as caught:
        from_ocpi({"id": "x", "currency": "EUR", "elements": [{"price_components": [{"type": "ENERGY"}]}]})
    assert caught.value.path == "elements[0].price_components[0].price"
    component = {"type": "ENERGY", "price": Decimal("1e-50"), "step_size": 1}
    with pytest.raises(InputError, match="decimals"):
        from_ocpi({"id": "x", "currency": "EUR", "elements": [{"price_components": [component]}]})
