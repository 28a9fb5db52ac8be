"""OCPI 2.2.1 messages: read, write, refuse."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpi.countries import ALPHA_3
from ocpi.v221 import Cdr, ConnectorType, GeoLocation, Price, TariffRestrictions
from pydantic import ValidationError


def cdr(**changes: Any) -> dict[str, Any]:
    """A CDR as a partner could send it, with fields that we do not know."""
    values: dict[str, Any] = {
        "country_code": "DE",
        "party_id": "ABC",
        "id": "CDR-0001",
        "start_date_time": "2026-03-01T10:00:00Z",
        "end_date_time": "2026-03-01T11:05:00.250Z",
        "session_id": "b5a1b7d0-6a5f-4d5a-9f0a-3f0c9d0a7b11",
        "cdr_token": {
            "country_code": "NL",
            "party_id": "XYZ",
            "uid": "04AABBCCDD",
            "type": "RFID",
            "contract_id": "NLXYZC00000012",
        },
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": "LOC-1",
            "name": "Yard",
            "address": "Hauptstraße 1",
            "city": "Berlin",
            "country": "DEU",
            "coordinates": {"latitude": "52.520008", "longitude": "13.404954"},
            "evse_uid": "EVSE-1",
            "evse_id": "DE*ABC*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
            "x_floor": 2,
        },
        "currency": "EUR",
        "charging_periods": [
            {"start_date_time": "2026-03-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 10.0}]},
            {
                "start_date_time": "2026-03-01T11:00:00Z",
                "dimensions": [{"type": "PARKING_TIME", "volume": 0.0833}],
            },
        ],
        "total_cost": {"excl_vat": 4.0, "incl_vat": 4.76},
        "total_energy": 15.342,
        "total_time": 1.0833,
        "last_updated": "2026-03-01T11:06:00Z",
        "x_vendor": "ignored",
    }
    return values | changes


def read(values: dict[str, Any]) -> Cdr:
    return Cdr.model_validate_json(json.dumps(values))


def test_what_is_read_is_written_again() -> None:
    written = json.loads(read(cdr()).to_json())
    expected = cdr()
    del expected["x_vendor"], expected["cdr_location"]["x_floor"]
    assert written == expected
    assert read(written) == read(cdr())


def test_numbers_are_exact_decimals_of_at_most_four_places() -> None:
    assert read(cdr()).total_energy == Decimal("15.342")
    assert read(cdr(total_energy=1.00005)).total_energy == Decimal("1.0001")
    assert '"total_energy":15.342,' in read(cdr()).to_json()


@given(st.decimals(min_value=-99_999_999, max_value=99_999_999, places=4))
def test_any_number_survives_writing_and_reading(number: Decimal) -> None:
    price = Price(excl_vat=number)
    assert Price.model_validate_json(price.to_json()) == price


@pytest.mark.parametrize(
    "text",
    ["2015-06-29T20:39:09Z", "2015-06-29T20:39:09", "2015-06-29T20:39:09.000Z", "2015-06-29T20:39:09.0"],
)
def test_instants_of_the_specification_are_utc(text: str) -> None:
    instant = read(cdr(last_updated=text)).last_updated
    assert instant == datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)
    assert '"last_updated":"2015-06-29T20:39:09Z"' in read(cdr(last_updated=text)).to_json()


@pytest.mark.parametrize(
    "text", ["2015-06-29T20:39:09+00:00", "2015-06-29T20:39:09+02:00", "2015-06-29T20:39:09-02:00", "now"]
)
def test_other_spellings_of_instants_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read(cdr(last_updated=text))


def test_instant_of_another_zone_is_written_in_utc_and_one_without_a_zone_is_refused() -> None:
    values = read(cdr()).model_dump()
    berlin = timezone(timedelta(hours=1))
    written = Cdr.model_validate(values | {"last_updated": datetime(2026, 3, 1, 12, tzinfo=berlin)}).to_json()
    assert '"last_updated":"2026-03-01T11:00:00Z"' in written
    with pytest.raises(ValidationError, match="must say its offset"):
        Cdr.model_validate(values | {"last_updated": datetime(2026, 3, 1, 12)})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "x" * 40},
        {"id": "x" * 37},
        {"id": ""},
        {"id": "CDR-Ü"},
        {"country_code": "DEU"},
        {"party_id": "AB"},
        {"currency": "eur"},
        {"charging_periods": []},
        {"total_cost": None},
        {"total_energy": "NaN"},
        {"auth_method": "GUESS"},
        {"remark": "two\nlines"},
        {"end_date_time": "2026-03-01T09:00:00Z"},
        {"charging_periods": list(reversed(cdr()["charging_periods"]))},
        {"cdr_location": cdr()["cdr_location"] | {"country": "DE"}},
        {
            "cdr_location": cdr()["cdr_location"]
            | {"coordinates": {"latitude": "52.52", "longitude": "13.404954"}}
        },
        {"cdr_location": cdr()["cdr_location"] | {"connector_standard": "MCS"}},
        {"credit": True},
    ],
)
def test_what_the_specification_forbids_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(cdr(**changes))


def test_f44_credit_cdr_has_an_id_of_its_own_and_names_the_first_one() -> None:
    credit = read(
        cdr(id="x" * 39, credit=True, credit_reference_id="CDR-0001", total_cost={"excl_vat": -4.0})
    )
    assert (credit.credit_reference_id, credit.total_cost.excl_vat) == ("CDR-0001", Decimal("-4.0000"))


def test_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        read(cdr()).id = "other"  # type: ignore[misc]


def test_price_with_and_without_vat() -> None:
    assert Price.of_net(Decimal("4"), Decimal("19")) == Price(excl_vat=Decimal(4), incl_vat=Decimal("4.76"))
    assert Price.of_gross(Decimal("4.76"), Decimal("19")) == Price(
        excl_vat=Decimal(4), incl_vat=Decimal("4.76")
    )
    assert Price.of_gross(Decimal("1"), Decimal("19")).excl_vat == Decimal("0.8403")
    assert (
        Price.of_net(Decimal("4"), None) == Price.of_gross(Decimal("4"), None) == Price(excl_vat=Decimal(4))
    )
    assert Price.of_net(Decimal("4"), Decimal(0)).incl_vat == Decimal(4)


def test_sum_of_prices_counts_untaxed_parts_with_vat_too() -> None:
    taxed, untaxed = Price.of_net(Decimal(10), Decimal(20)), Price.of_net(Decimal(1), None)
    assert taxed + untaxed == Price(excl_vat=Decimal(11), incl_vat=Decimal(13))
    assert untaxed + untaxed == Price(excl_vat=Decimal(2))
    assert -taxed == Price(excl_vat=Decimal(-10), incl_vat=Decimal(-12))


def test_coordinates_and_restrictions_are_written_as_the_specification_wants_them() -> None:
    assert GeoLocation.of_degrees(-3.7, 51.0476).model_dump() == {
        "latitude": "-3.700000",
        "longitude": "51.047600",
    }
    with pytest.raises(ValidationError):
        TariffRestrictions(start_time="24:00")
    assert ConnectorType("IEC_60309_2_single_16").name == "IEC_60309_2_SINGLE_16"


def test_countries_have_codes_of_two_and_three_letters() -> None:
    assert (ALPHA_3["DE"], ALPHA_3["NL"], ALPHA_3["GB"]) == ("DEU", "NLD", "GBR")
    assert len(ALPHA_3) == len(set(ALPHA_3.values())) == 249
