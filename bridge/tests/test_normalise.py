"""Reading what stations send, without a bridge around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emobility_bridge import rpc
from emobility_bridge.normalise import (
    boundary_energy,
    clean,
    decimal,
    decimal_text,
    parse_time,
    readings,
    station_time,
)
from emobility_bridge.rpc import FrameError

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
)


@pytest.mark.parametrize(
    "value", ["NaN", "sNaN", "-Infinity", "1E+400", "", "12,5", "kWh", None, True, [], "1e-99"]
)
def test_what_is_no_usable_number_is_none(value: object) -> None:
    assert decimal(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.15005000000000002", "0.15005"), ("1E+3", "1000"), (0.1 + 0.2, "0.3"), ("-0.0", "0"), ("7", "7")],
)
def test_numbers_are_written_plainly_and_without_binary_noise(value: object, expected: str) -> None:
    assert decimal_text(decimal(value)) == expected


@pytest.mark.parametrize("value", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "yesterday", "", None, 5])
def test_f26_a_clock_that_cannot_be_right_gives_the_time_of_receipt(value: object) -> None:
    assert station_time(value, NOW) == (NOW, False)


def test_times_are_read_with_offset_and_as_utc_without() -> None:
    assert parse_time("2026-05-01T14:00:00+02:00") == parse_time("2026-05-01T12:00:00") == NOW


def test_a_value_without_energy_is_no_reading_of_zero() -> None:
    voltage = {"value": "230", "measurand": "Voltage", "unit": "V"}
    interval = {"value": "5", "measurand": "Energy.Active.Import.Interval"}
    assert readings([{"timestamp": "2026-05-01T11:00:00Z", "sampledValue": [voltage, interval]}], NOW) == []


def test_the_outlet_register_is_preferred_to_that_of_the_inlet() -> None:
    samples = [{"value": "9", "location": "Inlet"}, {"value": "1000", "location": "Outlet"}]
    assert readings([{"sampledValue": samples}], NOW)[0]["energy_kwh"] == "1"


def test_the_end_register_is_the_one_marked_so_and_else_the_last() -> None:
    def value(minute: int, wh: str, **more: str) -> dict[str, object]:
        at = (NOW - timedelta(minutes=30 - minute)).isoformat()
        return {"timestamp": at, "sampledValue": [{"value": wh, **more}]}

    marked = [value(1, "1000"), value(2, "2000", context="Transaction.End"), value(3, "3000")]
    assert boundary_energy(marked, "Transaction.End", NOW) == Decimal(2)
    assert boundary_energy([value(3, "3000"), value(1, "1000")], "Transaction.End", NOW) == Decimal(3)
    assert boundary_energy([], "Transaction.End", NOW) is None


@given(JSON)
def test_any_payload_becomes_one_that_every_store_can_carry(value: object) -> None:
    cleaned = clean(value)
    text = orjson.dumps(cleaned).decode()
    assert "\\u0000" not in text
    assert clean(cleaned) == cleaned


@given(JSON)
def test_meter_values_of_any_shape_are_read_without_error(value: object) -> None:
    for shape in (value, [value], [{"timestamp": value, "sampledValue": [{"value": value, "unit": value}]}]):
        for reading in readings(clean(shape), NOW):
            assert reading["energy_kwh"] is None or Decimal(reading["energy_kwh"]).is_finite()


@given(st.text() | JSON.map(lambda value: repr(value)))
def test_any_text_is_a_message_or_a_frame_error(raw: str) -> None:
    try:
        rpc.parse(raw)
    except FrameError as error:
        assert str(error)


def test_a_call_of_ours_that_breaks_its_schema_is_refused() -> None:
    rpc.check_outgoing("1.6", "RemoteStartTransaction", {"idTag": "x" * 20})
    with pytest.raises(rpc.SchemaError, match="longer than 20"):
        rpc.check_outgoing("1.6", "RemoteStartTransaction", {"idTag": "x" * 21})
    with pytest.raises(rpc.SchemaError):
        rpc.check_outgoing("2.0.1", "RequestStopTransaction", {})


def test_both_signed_values_of_a_transaction_are_kept_with_context_and_key() -> None:
    samples = [
        {"value": "OCMF|b", "format": "SignedData", "context": "Transaction.Begin"},
        {"value": "OCMF|e", "format": "SignedData", "context": "Transaction.End"},
        {"value": 5.0, "signedMeterValue": {"signedMeterData": "T0NNRnw=", "publicKey": "b2Nh"}},
    ]
    found = readings([{"timestamp": "2026-03-01T10:00:00Z", "sampledValue": samples}], datetime.now(UTC))
    assert [(r["signed"], r.get("signed_context"), r.get("signed_key")) for r in found] == [
        ("OCMF|b", "Transaction.Begin", None),
        ("OCMF|e", "Transaction.End", None),
        ("T0NNRnw=", None, "b2Nh"),
    ]
    assert [r["energy_kwh"] for r in found] == ["0.005", None, None]
