"""Our tariffs as tariffs of OCPP 2.1, and what is lost on the way."""

import json
from datetime import date, time
from decimal import Decimal
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    Dimension,
    Grace,
    IdleFee,
    PriceComponent,
    Reservation,
    SpotPrice,
    Tariff,
    TariffError,
    Weekday,
    to_ocpp,
)

from tests.rating.builders import element, price, tariff
from tests.rating.test_properties import tariffs

_SCHEMA = json.loads(
    resources.files("ocpp.v21").joinpath("schemas/SetDefaultTariffRequest.json").read_text("utf-8-sig")
)
_VALIDATOR = jsonschema_rs.validator_for(_SCHEMA)


def vat(_dimension: Dimension, _element: int) -> Decimal:
    return Decimal(19)


def export(found: Tariff) -> tuple[dict[str, Any], list[str]]:
    """The tariff as a station gets it, which OCPP's own schema takes, and what it lacks."""
    data, lost = to_ocpp(found, "T", vat)
    plain = json.loads(json.dumps(data, default=float))
    _VALIDATOR.validate({"evseId": 1, "tariff": plain})
    return plain, lost


def test_a_gross_price_is_sent_net_with_its_tax() -> None:
    data, lost = export(tariff(element(price("ENERGY", "0.59"), price("TIME", "6"), price("FLAT", "1.19"))))
    assert lost == []
    assert data == {
        "tariffId": "T",
        "currency": "EUR",
        "fixedFee": {"prices": [{"priceFixed": 1.0}], "taxRates": [{"type": "VAT", "tax": 19.0}]},
        "energy": {"prices": [{"priceKwh": 0.4957983193}], "taxRates": [{"type": "VAT", "tax": 19.0}]},
        "chargingTime": {"prices": [{"priceMinute": 0.0840336134}], "taxRates": [{"type": "VAT", "tax": 19.0}]},
    }
    assert round(Decimal("0.4957983193") * Decimal("1.19") * 100_000, 2) == 59_000


def test_all_conditions_have_their_names_and_units() -> None:
    restricted = element(
        price("ENERGY", "0.25"),
        start_time=time(22), end_time=time(6, 30), start_date=date(2026, 1, 1), end_date=date(2027, 1, 1),
        day_of_week=frozenset({Weekday.SUNDAY, Weekday.MONDAY}), min_kwh=Decimal(1), max_kwh=Decimal("20.5"),
        min_current=Decimal(6), max_current=Decimal(32), min_power=Decimal("3.7"), max_power=Decimal(50),
        min_duration=60, max_duration=3600,
    )  # fmt: skip
    data, lost = export(tariff(restricted, element(price("ENERGY", "0.3")), tax_included=False))
    assert lost == []
    assert data["energy"]["prices"] == [
        {
            "priceKwh": 0.25,
            "conditions": {
                "startTimeOfDay": "22:00",
                "endTimeOfDay": "06:30",
                "validFromDate": "2026-01-01",
                "validToDate": "2027-01-01",
                "dayOfWeek": ["Monday", "Sunday"],
                "minEnergy": 1000.0,
                "maxEnergy": 20500.0,
                "minCurrent": 6.0,
                "maxCurrent": 32.0,
                "minPower": 3700.0,
                "maxPower": 50000.0,
                "minTime": 60,
                "maxTime": 3600,
            },
        },
        {"priceKwh": 0.3},
    ]


def test_half_a_window_reaches_to_the_end_of_the_day() -> None:
    data, _lost = export(tariff(element(price("ENERGY", "1"), start_time=time(18)), element(price("ENERGY", "2"))))
    assert data["energy"]["prices"][0]["conditions"] == {"startTimeOfDay": "18:00", "endTimeOfDay": "00:00"}


def test_reservations_free_quantities_and_limits_can_be_said() -> None:
    found = tariff(
        element(price("TIME", "6"), price("FLAT", "2"), reservation=Reservation.RESERVATION),
        element(price("ENERGY", "0.3"), price("TIME", "3")),
        tax_included=False, free_kwh=Decimal(5), free_seconds=600, min_price=Decimal("0.5"), max_price=Decimal(40),
    )  # fmt: skip
    data, lost = export(found)
    assert lost == []
    assert data["reservationTime"]["prices"] == [{"priceMinute": 0.1}]
    assert data["reservationFixed"]["prices"] == [{"priceFixed": 2.0}]
    assert data["energy"]["prices"] == [{"priceKwh": 0.0, "conditions": {"maxEnergy": 5000.0}}, {"priceKwh": 0.3}]
    assert data["chargingTime"]["prices"] == [
        {"priceMinute": 0.0, "conditions": {"maxChargingTime": 600}},
        {"priceMinute": 0.05},
    ]
    assert (data["minCost"], data["maxCost"]) == ({"exclTax": 0.5}, {"exclTax": 40.0})


def test_parking_after_a_while_can_be_said_other_prices_after_parking_cannot() -> None:
    parking = element(price("PARKING_TIME", "6"), price("ENERGY", "1"), min_parking=900)
    data, lost = export(tariff(parking, element(price("ENERGY", "2")), tax_included=False))
    assert data["idleTime"]["prices"] == [{"priceMinute": 0.1, "conditions": {"minIdleTime": 900}}]
    assert data["energy"]["prices"] == [{"priceKwh": 2.0}]
    assert lost == ["element 1, ENERGY: that it depends on the time parked, so it is left out"]


def test_an_idle_fee_has_its_grace_and_its_nights() -> None:
    idle = IdleFee(Decimal("7.14"), 1800, Grace.DEDUCTED, Decimal(12), time(22), time(8))
    data, lost = export(tariff(element(price("ENERGY", "1")), idle=idle))
    conditions = {"minIdleTime": 1800, "startTimeOfDay": "08:00", "endTimeOfDay": "22:00"}
    assert data["idleTime"]["prices"] == [{"priceMinute": 0.1, "conditions": conditions}]
    assert lost == [
        "that pauses by the station or of a car that charges on do not count for the idle fee",
        "the cap of 12 of the idle fee",
    ]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (tariff(element(price("ENERGY", "1", 1000))), "rounded up to 1000"),
        (tariff(element(PriceComponent(Dimension.TIME, Decimal(1), cap=Decimal(5)))), "the cap of 5 per session"),
        (tariff(element(PriceComponent(Dimension.ENERGY, Decimal(1), spot=SpotPrice()))), "follows the market"),
        (
            tariff(element(PriceComponent(Dimension.FLAT, Decimal(1), needs_energy=True))),
            "due only if energy flowed",
        ),
        (
            tariff(element(price("FLAT", "1"), min_kwh=Decimal(1)), element(price("ENERGY", "1"))),
            "a fee can only depend on when the session begins",
        ),
        (
            tariff(
                element(price("FLAT", "1"), reservation=Reservation.RESERVATION_EXPIRES),
                element(price("ENERGY", "1")),
            ),
            "a reservation costs that expires",
        ),
        (
            tariff(
                element(PriceComponent(Dimension.ENERGY, Decimal(1), vat=Decimal(7)), max_kwh=Decimal(9)),
                element(price("ENERGY", "1")),
            ),
            "the VAT rates",
        ),
        (tariff(element(price("ENERGY", "1")), quota_kwh=Decimal(50)), "the quota of 50 kWh"),
        (tariff(element(price("ENERGY", "1")), month_caps=((None, Decimal(9)),)), "the cap of 9 per month"),
        (tariff(element(price("ENERGY", "1")), free_below_kwh=Decimal("0.5")), "small sessions are free"),
    ],
)
def test_what_is_lost_has_a_sentence(found: Tariff, sentence: str) -> None:
    _data, lost = export(found)
    assert [text for text in lost if sentence in text], lost


def test_what_cannot_be_told_is_an_error() -> None:
    gross = tariff(element(price("ENERGY", "1")))
    with pytest.raises(TariffError, match="gross without a VAT rate"):
        to_ocpp(gross, "T", lambda _dimension, _element: None)
    with pytest.raises(TariffError, match="longer than 60"):
        to_ocpp(gross, "T" * 61, vat)
    with pytest.raises(TariffError, match="nothing in the tariff"):
        to_ocpp(tariff(element(price("FLAT", "1"), min_kwh=Decimal(1))), "T", vat)


@given(st.one_of(tariffs()))
def test_whatever_is_sent_fits_the_schema_of_ocpp(found: Tariff) -> None:
    try:
        export(found)
    except TariffError:
        return
