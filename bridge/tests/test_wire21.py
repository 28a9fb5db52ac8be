"""OCPP 2.1: what it adds to 2.0.1, and that every answer fits its schema."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation
from test_wire16 import command
from test_wire201 import energies, event

PROTOCOL = "ocpp2.1"
MESSAGES: dict[str, dict[str, Any]] = {
    "Authorize": {"idToken": {"idToken": TOKEN, "type": "ISO14443"}},
    "BootNotification": {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}},
    "ClearedChargingLimit": {},
    "DataTransfer": {"vendorId": "x"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Get15118EVCertificate": {},
    "GetCertificateStatus": {},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Idle"},
    "MeterValues": {},
    "NotifyChargingLimit": {},
    "NotifyCustomerInformation": {},
    "NotifyDisplayMessages": {},
    "NotifyEVChargingNeeds": {},
    "NotifyEVChargingSchedule": {},
    "NotifyEvent": {},
    "NotifyMonitoringReport": {},
    "NotifyReport": {},
    "PublishFirmwareStatusNotification": {},
    "ReportChargingProfiles": {},
    "ReservationStatusUpdate": {},
    "SecurityEventNotification": {},
    "SignCertificate": {"csr": "x"},
    "StatusNotification": {},
    "TransactionEvent": {},
}
MESSAGES_21 = dict.fromkeys(
    (
        "BatterySwap",
        "ClosePeriodicEventStream",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "NotifyWebPaymentStarted",
        "OpenPeriodicEventStream",
        "PullDynamicScheduleUpdate",
        "ReportDERControl",
        "VatNumberValidation",
    ),
    {},
)


def answer_schema(folder: str, action: str) -> Any:
    path = resources.files("ocpp") / folder / "schemas" / f"{action}Response.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text(encoding="utf-8-sig")), validate_formats=False)


@pytest.mark.parametrize(
    ("protocol", "folder", "messages"),
    [("ocpp2.0.1", "v201", MESSAGES), (PROTOCOL, "v21", MESSAGES | MESSAGES_21)],
    ids=["2.0.1", "2.1"],
)
async def test_every_message_is_answered_as_its_schema_says(
    station: Any, protocol: str, folder: str, messages: dict[str, dict[str, Any]]
) -> None:
    """Also when the message itself is empty: a station is never refused for its content."""
    socket: RawStation = await station(protocol=protocol)
    for action, payload in messages.items():
        answer = await socket.call(action, payload)
        problems = [str(error.message) for error in answer_schema(folder, action).iter_errors(answer)]
        assert (action, problems) == (action, [])


async def test_a_session_of_2_1_is_a_session_like_any_other(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await socket.call("TransactionEvent", event("Updated", 10, wh=2000, state="Charging", sequence=1))
    await socket.call("TransactionEvent", event("Ended", 30, wh=4000, sequence=2))
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert energies(odoo) == ["1", "2", "4"]
    assert odoo.of_kind("station.connected")[0]["payload"]["ocpp"] == "2.1"


async def test_an_unknown_action_of_2_1_is_answered_with_an_error(station: Any) -> None:
    socket = await station(protocol=PROTOCOL)
    assert (await socket.exchange("FutureAction", {}))[2] == "NotImplemented"
    assert (await socket.exchange("GetReport", {}))[2] == "NotSupported"


async def test_a_send_is_kept_and_not_answered(station: Any, bridge: BridgeProcess) -> None:
    socket = await station(protocol=PROTOCOL)
    stream = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0, "v": "1"}]}
    await socket.socket.send(json.dumps([6, "s1", "NotifyPeriodicEventStream", stream]))
    await socket.socket.send(json.dumps([6, "s2", "FutureSend", {}]))
    await socket.call("Heartbeat", {})  # the first answer is the one to this
    kept = bridge.rows("SELECT action FROM journal WHERE raw LIKE %s", "[6,%")
    assert [row["action"] for row in kept] == ["NotifyPeriodicEventStream", "FutureSend"]


async def test_an_error_to_an_answer_of_ours_is_kept(station: Any, bridge: BridgeProcess) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.socket.send(json.dumps([5, "m1", "FormatViolation", "not like that", {}]))
    await socket.call("Heartbeat", {})
    rows = bridge.rows("SELECT problem FROM journal WHERE raw LIKE %s", "[5,%")
    assert rows == [{"problem": "Nobody waits for this answer."}]


async def test_a_session_with_other_prices_gets_its_tariff_under_the_id_of_the_station(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol="ocpp2.1")
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN))
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]
    tariff = {"tariffId": "T", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.41}]}}
    payload = {"session_uid": started["session_uid"], "tariff": tariff}
    odoo.commands.append(command("transaction_tariff", payload))
    call = await socket.receive()
    assert call[2:] == [
        "ChangeTransactionTariff",
        {"transactionId": event("Started", 0)["transactionInfo"]["transactionId"], "tariff": tariff},
    ]
    await socket.answer(call, {"status": "ConditionNotSupported"})
    results = await eventually(lambda: [e for e in odoo.of_kind("command.result") if e["payload"]["status"] != "sent"])
    assert (results[0]["payload"]["status"], results[0]["payload"]["detail"]) == ("rejected", "ConditionNotSupported")
