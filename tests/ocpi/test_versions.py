"""Three versions, one internal shape: what is read can be written again, and nothing unknown is refused."""

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpi import internal, v230
from ocpi.versions import (
    VERSIONS,
    as_json,
    best_of,
    merge_patch,
    models_of,
    modules_of,
    read_cdr,
    read_credentials,
    read_location,
    read_session,
    read_tariff,
    read_token,
    write,
)
from pydantic import ValidationError

PARTY = internal.Party("DE", "ABC")
PROVIDER = internal.Party("NL", "XYZ")
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
every_version = pytest.mark.parametrize("version", VERSIONS)

connector = internal.Connector(
    id="1",
    standard="IEC_62196_T2",
    format="SOCKET",
    power_type="AC_3_PHASE",
    voltage=230,
    amperage=32,
    tariff_ids=("T1",),
    last_updated=AT,
)
evse = internal.Evse("E-1", "AVAILABLE", AT, evse_id="DE*ABC*E1", connectors=(connector,))
location = internal.Location(
    party=PARTY,
    id="LOC-1",
    address="Hauptstraße 1",
    city="Berlin",
    country="DEU",
    latitude="52.520008",
    longitude="13.404954",
    last_updated=AT,
    name="Yard",
    postal_code="10115",
    time_zone="Europe/Berlin",
    evses=(evse,),
)


def driver(version: str) -> internal.TokenRef:
    if version == "2.1.1":
        return internal.TokenRef("", "OTHER", "NLXYZC00000012")
    return internal.TokenRef("04AABBCC", "RFID", "NLXYZC00000012", PROVIDER)


def session(version: str, **changes: Any) -> internal.Session:
    values: dict[str, Any] = {
        "party": PARTY,
        "id": "S-1",
        "start": AT,
        "kwh": Decimal("7.5"),
        "token": driver(version),
        "auth_method": "WHITELIST",
        "location_id": "LOC-1",
        "evse_uid": "E-1",
        "connector_id": "1",
        "currency": "EUR",
        "status": "ACTIVE",
        "last_updated": AT + timedelta(minutes=5),
        "location": location if version == "2.1.1" else None,
        "periods": (internal.Period(AT, (("ENERGY", Decimal("7.5")),)),),
        "total": internal.Money(Decimal("2.5")),
    }
    return internal.Session(**values | changes)


@every_version
def test_location_is_the_same_after_writing_and_reading(version: str) -> None:
    assert read_location(version, write("location", version, location), PARTY) == location


@every_version
def test_session_is_the_same_after_writing_and_reading(version: str) -> None:
    assert read_session(version, write("session", version, session(version)), PARTY) == session(version)


@every_version
@settings(max_examples=30, deadline=None)
@given(
    kwh=st.decimals(0, 10000, places=4),
    minutes=st.integers(0, 10000),
    net=st.one_of(st.none(), st.decimals(-1000, 1000, places=2)),
    uid=st.text(st.sampled_from("0123456789ABCDEF"), min_size=1, max_size=36),
)
def test_any_session_survives_each_version(
    version: str, kwh: Decimal, minutes: int, net: Decimal | None, uid: str
) -> None:
    one = session(
        version,
        id=uid,
        kwh=kwh,
        end=AT + timedelta(minutes=minutes),
        status="COMPLETED",
        total=None if net is None else internal.Money(net),
    )
    assert read_session(version, write("session", version, one), PARTY) == one


@every_version
def test_token_is_the_same_after_writing_and_reading(version: str) -> None:
    one = internal.Token(PROVIDER, "04AABBCC", "RFID", "NLXYZC1", "Provider", True, "ALLOWED", AT, "123")
    assert read_token(version, write("token", version, one), PROVIDER) == one


@every_version
def test_unknown_fields_never_reject_and_missing_ones_do(version: str) -> None:
    data = write("location", version, location) | {"something_new": {"deep": [1]}}
    assert read_location(version, data, PARTY) == location
    del data["address"]
    with pytest.raises(ValidationError):
        read_location(version, data, PARTY)


def test_a_price_with_taxes_is_read_as_net_and_gross() -> None:
    price = v230.Price.model_validate(
        {"before_taxes": 10, "taxes": [{"name": "GST", "amount": 0.5}, {"name": "QST", "amount": 1}]}
    )
    assert price.to_internal() == internal.Money(Decimal(10), Decimal("11.5"))
    assert as_json(v230.Price.of(internal.Money(Decimal(10)))) == {"before_taxes": 10.0}


def test_credentials_name_parties_roles_and_the_hub() -> None:
    old = {
        "token": "abc",
        "url": "https://example.com/ocpi/versions",
        "business_details": {"name": "Operator"},
        "party_id": "abc",
        "country_code": "de",
    }
    assert read_credentials("2.1.1", old).roles == (internal.Role(PARTY, "", "Operator"),)
    new = {
        "token": "abc",
        "url": "https://example.com/ocpi/versions",
        "hub_party_id": "NLHUB",
        "roles": [
            {"role": "CPO", "party_id": "ABC", "country_code": "DE", "business_details": {"name": "Operator"}},
            {"role": "EMSP", "party_id": "ABC", "country_code": "DE", "business_details": {"name": "Provider"}},
        ],
    }
    known = read_credentials("2.3.0", new)
    assert [role.role for role in known.roles] == ["CPO", "EMSP"]
    assert known.hub == internal.Party("NL", "HUB")


def test_a_cdr_of_2_1_1_names_the_contract_and_has_no_credit() -> None:
    data = {
        "id": "C-1",
        "start_date_time": "2026-03-01T10:00:00Z",
        "stop_date_time": "2026-03-01T11:00:00",
        "auth_id": "NLXYZC1",
        "auth_method": "WHITELIST",
        "location": write("location", "2.1.1", location),
        "currency": "EUR",
        "charging_periods": [],
        "total_cost": 4.0,
        "total_energy": 8,
        "total_time": 1.0,
        "last_updated": "2026-03-01T11:00:00Z",
    }
    cdr = read_cdr("2.1.1", data, PARTY)
    assert (cdr.token.contract_id, cdr.location.evses[0].uid, cdr.total.net) == ("NLXYZC1", "E-1", 4)
    model: Any = models_of("2.1.1").cdr
    assert model.of(cdr).to_internal(PARTY) == cdr
    with pytest.raises(ValueError, match="no credit CDRs"):
        model.of(internal.Cdr(**{**_fields(cdr), "credit": True}))


def _fields(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def test_a_tariff_stays_as_it_came() -> None:
    data = {
        "country_code": "DE",
        "party_id": "ABC",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.3, "step_size": 1}]}],
        "last_updated": "2026-03-01T10:00:00Z",
    }
    assert read_tariff("2.2.1", data, PROVIDER).data is data
    assert read_tariff("2.2.1", data, PROVIDER).party == PARTY


@pytest.mark.parametrize("kwh", [1e300, -1e300, 1e16, float("inf"), float("nan")])
def test_a_number_that_no_meter_shows_is_refused(kwh: float) -> None:
    with pytest.raises(ValidationError):
        read_session("2.2.1", write("session", "2.2.1", session("2.2.1")) | {"kwh": kwh}, PARTY)


def test_the_newest_common_version_is_chosen() -> None:
    assert best_of(["2.0", "2.1.1", "2.2.1"]) == "2.2.1"
    assert best_of(["2.1.1", "2.2.1", "2.3.0"], limit="2.2.1") == "2.2.1"
    assert best_of(["2.0", "9.9"]) is None
    assert "invoicereconciliation" in modules_of("2.3.0")
    assert "hubclientinfo" not in modules_of("2.1.1")


def test_a_patch_replaces_what_it_names_and_appends_periods() -> None:
    known = {"kwh": 1, "status": "ACTIVE", "charging_periods": [{"a": 1}]}
    patch = {"kwh": 2, "charging_periods": [{"b": 2}]}
    assert merge_patch(known, patch, append=("charging_periods",)) == {
        "kwh": 2,
        "status": "ACTIVE",
        "charging_periods": [{"a": 1}, {"b": 2}],
    }
    assert merge_patch(known, {"charging_periods": []}, append=("charging_periods",)) == known


# The examples of the specification are not part of this project (their licence forbids changed copies): who has
# them names the folder, for each version a subfolder such as 2.2.1.
EXAMPLES = Path(os.environ.get("OCPI_EXAMPLES", "/nonexistent"))
KINDS = {"cdr_example": "cdr", "location_example": "location", "session_example": "session", "tariff_": "tariff",
         "token_example": "token", "credentials_example": "credentials"}  # fmt: skip


def examples() -> list[Any]:
    found = []
    for version in VERSIONS:
        for file in sorted((EXAMPLES / version).glob("*.json")):
            kind = next((kind for start, kind in KINDS.items() if file.name.startswith(start)), None)
            # tariff_put_example lacks last_updated, which the chapter requires; restrictions are no tariffs.
            if kind and "restriction" not in file.name and file.name != "tariff_put_example.json":
                found.append(pytest.param(version, kind, file, id=f"{version}-{file.stem}"))
    return found


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="OCPI_EXAMPLES names no folder")
@pytest.mark.parametrize(("version", "kind", "file"), examples())
def test_examples_of_the_specification_are_read(version: str, kind: str, file: Path) -> None:
    data = json.loads(file.read_text())
    message = getattr(models_of(version), kind).model_validate(data)
    again = as_json(message)
    assert getattr(models_of(version), kind).model_validate(again) == message
