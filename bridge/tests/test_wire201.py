"""OCPP 2.0.1 as real stations speak it. W numbers are facts seen on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from conftest import BridgeProcess, Eventually
from fake_odoo import TOKEN, FakeOdoo

BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
PROTOCOL = "ocpp2.0.1"


def time(minutes: float) -> str:
    return (BASE + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def event(kind: str, minutes: float, *, sequence: int = 0, **more: Any) -> dict[str, Any]:
    """A TransactionEvent; `wh` adds a register, `token` an idToken, `state` a chargingState."""
    info: dict[str, Any] = {"transactionId": more.pop("transaction", "tx-1")}
    if "state" in more:
        info["chargingState"] = more.pop("state")
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": time(minutes),
        "triggerReason": more.pop("trigger", "MeterValuePeriodic"),
        "seqNo": sequence,
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
    }
    if "wh" in more:
        payload["meterValue"] = [meter_value(more.pop("wh"), minutes)]
    if "token" in more:
        payload["idToken"] = {"idToken": more.pop("token"), "type": "ISO14443"}
    return payload | more


def meter_value(wh: float, minutes: float) -> dict[str, Any]:
    return {"timestamp": time(minutes), "sampledValue": [{"value": wh}]}


def energies(odoo: FakeOdoo) -> list[str | None]:
    return [r["energy_kwh"] for e in odoo.of_kind("session.meter") for r in e["payload"]["readings"]]


async def test_w9_events_that_all_have_seq_no_0_are_all_taken(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await socket.call("TransactionEvent", event("Updated", 10, wh=2000, state="Charging"))
    await socket.call("TransactionEvent", event("Updated", 20, wh=3000, state="SuspendedEV"))
    await socket.call("TransactionEvent", event("Ended", 30, wh=4000))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "4"
    assert energies(odoo) == ["1", "2", "3", "4"]
    assert [e["payload"]["state"] for e in odoo.of_kind("session.state")] == ["CHARGING", "SUSPENDED_EV"]


async def test_w10_a_repeated_start_without_any_meter_value_is_one_session_of_unknown_energy(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    for _ in range(2):
        answer = await socket.call("TransactionEvent", event("Started", 0, token=TOKEN))
        assert answer["idTokenInfo"]["status"] == "Accepted"
    for _ in range(2):
        await socket.call("TransactionEvent", event("Ended", 30, sequence=1))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] is None
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.started")] == [None]
    assert odoo.kinds() == ["session.started", "session.ended"]


async def test_w11_plain_meter_values_belong_to_the_session_on_their_evse(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN))
    await socket.call("MeterValues", {"evseId": 1, "meterValue": [meter_value(1500.5, 10)]})
    await socket.call("MeterValues", {"evseId": 2, "meterValue": [meter_value(7777, 10)]})
    await socket.call("TransactionEvent", event("Ended", 30, sequence=1))
    await socket.call("MeterValues", {"evseId": 1, "meterValue": [meter_value(1600, 20)]})
    await socket.call("MeterValues", {"evseId": 1, "meterValue": [meter_value(9999, 45)]})
    for status, minutes in (("Occupied", 31), ("Available", 40)):
        payload = {"timestamp": time(minutes), "connectorStatus": status, "evseId": 1, "connectorId": 1}
        await socket.call("StatusNotification", payload)
    unplugged = (await eventually(lambda: odoo.of_kind("session.unplugged")))[0]
    assert datetime.fromisoformat(unplugged["at"]) == BASE + timedelta(minutes=40)
    assert energies(odoo) == ["1.5005", "1.6"]


async def test_f23_a_session_that_nobody_was_asked_about_claims_no_authorization(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    nobody = {"idToken": "", "type": "NoAuthorization"}
    await socket.call("TransactionEvent", event("Started", 0, state="Charging") | {"idToken": nobody})
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]
    assert (started["token_uid"], started["authorization"]) == (None, None)


async def test_a_car_that_departs_unplugs_the_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN))
    await socket.call("TransactionEvent", event("Ended", 30, trigger="EVDeparted", sequence=1))
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    assert odoo.kinds() == ["session.started", "session.ended", "session.unplugged"]


async def test_a_plugged_in_car_is_announced_when_its_token_is_known(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, trigger="CablePluggedIn", state="EVConnected"))
    await socket.call("TransactionEvent", event("Updated", 3, trigger="Authorized", token=TOKEN))
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]
    assert started["payload"]["token_uid"] == TOKEN
    assert datetime.fromisoformat(started["at"]) == BASE


async def test_events_out_of_order_make_one_session_that_starts_when_it_did(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Updated", 10, wh=2000, sequence=1))
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await socket.call("TransactionEvent", event("Ended", 30, wh=4000, sequence=2))
    await eventually(lambda: odoo.of_kind("session.ended"))
    started = odoo.of_kind("session.started")
    assert [(e["payload"]["meter_kwh"], e["payload"]["token_uid"]) for e in started] == [("1", TOKEN)]
    assert datetime.fromisoformat(started[0]["at"]) == BASE
    assert len(bridge.rows("SELECT uid FROM session")) == 1
    assert odoo.of_kind("session.conflict") == []


async def test_f15_an_end_whose_start_was_lost_is_kept_and_held(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Ended", 30, wh=4000, sequence=7))
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["reason"] == "start_missing"
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["session_uid"] == conflict["session_uid"]


async def test_f21_a_transaction_id_used_again_is_a_new_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    for begin in (0, 40):
        await socket.call("TransactionEvent", event("Started", begin, token=TOKEN, wh=1000))
        await socket.call("TransactionEvent", event("Ended", begin + 30, wh=4000, sequence=1))
    await eventually(lambda: len(odoo.of_kind("session.ended")) == 2)
    assert len({e["payload"]["session_uid"] for e in odoo.of_kind("session.started")}) == 2
    assert odoo.of_kind("session.conflict") == []


async def test_an_end_with_other_values_is_a_conflict_and_the_first_end_stays(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await socket.call("TransactionEvent", event("Ended", 30, wh=4000, sequence=1))
    await socket.call("TransactionEvent", event("Ended", 30, wh=5000, sequence=1))
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["reason"] == "stop_repeated_with_other_values"
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.ended")] == ["4"]


async def test_unit_multiplier_and_signed_values_are_understood(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    sample = {
        "value": 12.5,
        "unitOfMeasure": {"unit": "Wh", "multiplier": 3},
        "signedMeterValue": {
            "signedMeterData": "OCMF|{}",
            "signingMethod": "",
            "encodingMethod": "OCMF",
            "publicKey": "",
        },
    }
    value = {"timestamp": time(10), "sampledValue": [sample]}
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN))
    await socket.call("TransactionEvent", event("Updated", 10, sequence=1) | {"meterValue": [value]})
    reading = (await eventually(lambda: odoo.of_kind("session.meter")))[0]["payload"]["readings"][0]
    assert (reading["energy_kwh"], reading["signed"]) == ("12.5", "OCMF|{}")


async def test_what_needs_no_more_than_an_answer_is_answered(station: Any) -> None:
    socket = await station(protocol=PROTOCOL)
    for action in (
        "NotifyReport",
        "NotifyEvent",
        "SecurityEventNotification",
        "LogStatusNotification",
        "FirmwareStatusNotification",
    ):
        assert await socket.call(action, {}) == {}
    assert await socket.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
    assert (await socket.exchange("NotifySettlement", {}))[2] == "NotImplemented"
    assert (await socket.exchange("GetReport", {}))[2] == "NotSupported"
    await socket.socket.send("not json")
    assert (await socket.receive())[:3] == [4, "-1", "RpcFrameworkError"]
    token = {"idToken": TOKEN, "type": "ISO14443"}
    assert (await socket.call("Authorize", {"idToken": token}))["idTokenInfo"]["status"] == "Accepted"


async def test_a_transaction_event_that_names_no_transaction_is_acknowledged_and_kept(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    payload = event("Updated", 10, wh=1234) | {"transactionInfo": None}
    assert await socket.call("TransactionEvent", payload) == {}
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["reason"] == "event_without_transaction"


async def test_a_report_of_the_device_model_is_passed_on_as_settings(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    item = {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
        "variableAttribute": [
            {"value": "11000", "mutability": "ReadOnly"},
            {"type": "MaxSet", "value": "22000", "mutability": "ReadWrite"},
        ],
    }
    report = {"requestId": 1, "generatedAt": time(0), "seqNo": 0, "reportData": [item]}
    assert await socket.call("NotifyReport", report) == {}
    items = (await eventually(lambda: odoo.of_kind("station.configuration")))[0]["payload"]["items"]
    assert items == [
        {"key": "EVSE#1.Power", "value": "11000", "readonly": True},
        {"key": "EVSE#1.Power (MaxSet)", "value": "22000", "readonly": False},
    ]


async def test_a_security_event_is_an_alarm_unless_somebody_wanted_it(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    for kind in ("StartupOfTheDevice", "TamperDetectionActivated"):
        event_ = {"type": kind, "timestamp": time(0), "techInfo": "door"}
        assert await socket.call("SecurityEventNotification", event_) == {}
    alarms = await eventually(lambda: odoo.of_kind("station.alarm"))
    assert [alarm["payload"]["text"] for alarm in alarms] == ["TamperDetectionActivated: door"]


async def test_a_signing_request_is_passed_on_once(station: Any, odoo: FakeOdoo, eventually: Eventually) -> None:
    socket = await station(protocol=PROTOCOL)
    for _ in range(2):
        assert await socket.call("SignCertificate", {"csr": "-----BEGIN"}) == {"status": "Accepted"}
    await socket.call("SignCertificate", {"csr": "other", "certificateType": "V2GCertificate"})
    await socket.call("NotifyEvent", {})
    await eventually(lambda: odoo.of_kind("station.csr"))
    assert [e["payload"] for e in odoo.of_kind("station.csr")] == [{"csr": "-----BEGIN"}]


async def test_limits_of_another_system_are_reported(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    limit = {
        "evseId": 1,
        "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": False},
    }
    assert await socket.call("NotifyChargingLimit", limit) == {}
    assert await socket.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
    notices = await eventually(lambda: len(odoo.of_kind("station.notice")) == 2 and odoo.of_kind("station.notice"))
    assert {notice["payload"]["subject"] for notice in notices} == {"charging_limit"}
    assert notices[0]["payload"]["content"]["evseId"] == 1
