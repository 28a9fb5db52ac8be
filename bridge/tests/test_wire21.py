"""OCPP 2.1: what it adds to 2.0.1, and that every answer fits its schema."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import PASSWORD, TOKEN, FakeOdoo
from raw_station import RawStation
from station_simulator import Simulator, StationSettings
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


DRIVER_TARIFF = {
    "tariffId": "T-DRIVER",
    "currency": "EUR",
    "energy": {"prices": [{"priceKwh": 0.41}], "taxRates": [{"type": "VAT", "tax": 19.0}]},
    "description": [{"format": "UTF8", "language": "en", "content": "0.49 EUR per kWh"}],
}


async def tell_price(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, tariff: dict[str, Any] | None, hours: float = 1
) -> None:
    """Let the bridge hold the price of a group at CS-1, and the token of the tests be in it."""
    until = (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)
    odoo.tokens = [{**odoo.tokens[0], "price_group": "plan 1"}]
    tariffs = {"plan 1": {"tariff": tariff, "until": until.isoformat()}} if tariff else {}
    odoo.stations = [{**odoo.stations[0], "tariffs": tariffs}, *odoo.stations[1:]]
    await eventually(lambda: bridge.rows("SELECT 1 FROM token WHERE price_group = 'plan 1'"))
    held = [{"valid_until": until}] if tariff else []
    await eventually(lambda: bridge.rows("SELECT valid_until FROM driver_tariff") == held)


async def permission(socket: RawStation, token: str = TOKEN) -> dict[str, Any]:
    return await socket.call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})


async def test_who_is_let_in_is_told_the_price_of_the_contract_also_while_odoo_is_down(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await tell_price(bridge, odoo, eventually, DRIVER_TARIFF)
    socket = await station(protocol=PROTOCOL)
    odoo.stop()
    try:
        answer = await permission(socket)
        assert answer == {"idTokenInfo": {"status": "Accepted"}, "tariff": DRIVER_TARIFF}
        assert answer_schema("v21", "Authorize").is_valid(answer)
        assert await permission(socket, "UNKNOWN") == {"idTokenInfo": {"status": "Invalid"}}
    finally:
        odoo.start()


async def test_the_price_of_a_driver_is_that_of_the_station_and_only_2_1_can_say_it(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await tell_price(bridge, odoo, eventually, DRIVER_TARIFF)
    allowed = {"idTokenInfo": {"status": "Accepted"}}
    assert await permission(await station("CS-2", protocol=PROTOCOL)) == allowed
    assert await permission(await station(protocol="ocpp2.0.1")) == allowed


async def test_a_price_that_may_have_changed_is_not_told(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await tell_price(bridge, odoo, eventually, DRIVER_TARIFF, hours=-1)
    socket = await station(protocol=PROTOCOL)
    assert "tariff" not in await permission(socket)
    odoo.stop()
    try:
        bridge.execute("UPDATE driver_tariff SET valid_until = '2999-01-01T00:00:00+00:00'")
        assert "tariff" in await permission(socket)
        bridge.execute(f"UPDATE sync_state SET synced_at = '{datetime.now(UTC) - timedelta(hours=2)}'")
        assert await permission(socket) == {"idTokenInfo": {"status": "Accepted"}}
    finally:
        odoo.start()


async def test_a_price_that_does_not_fit_ocpp_is_not_told_and_stops_no_pull(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await tell_price(bridge, odoo, eventually, DRIVER_TARIFF)
    await tell_price(bridge, odoo, eventually, None)
    odoo.stations[0]["tariffs"] = {
        "plan 1": {"tariff": {"tariffId": "T" * 61, "currency": "EUR"}, "until": "2999-01-01T00:00:00Z"}
    }
    odoo.tokens.append({**odoo.tokens[0], "uid": "AFTER"})
    await eventually(lambda: bridge.rows("SELECT 1 FROM token WHERE uid = 'AFTER'"))
    assert "tariff" not in await permission(await station(protocol=PROTOCOL))


async def test_the_simulated_station_shows_and_keeps_the_price_of_the_driver(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    await tell_price(bridge, odoo, eventually, DRIVER_TARIFF)
    caplog.set_level(logging.INFO, "station_simulator")
    simulator = Simulator(StationSettings(f"{bridge.url}/ocpp", "CS-1", PASSWORD, "2.1", minutes=10))
    await asyncio.wait_for(simulator.run(TOKEN), 30)
    assert simulator.tariff is not None and simulator.tariff["tariff_id"] == "T-DRIVER"
    assert "display: your price: 0.49 EUR per kWh" in caplog.messages


async def test_the_simulated_station_keeps_the_prices_of_its_evses(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    simulator = Simulator(StationSettings(f"{bridge.url}/ocpp", "CS-1", PASSWORD, "2.1"))
    running = asyncio.create_task(simulator.run(None, serve=True))
    await eventually(lambda: odoo.of_kind("station.boot"))
    for number, (action, payload) in enumerate(
        [("default_tariff", {"evse": 1, "tariff": DRIVER_TARIFF}), ("tariffs", {"evse": 0}), ("clear_tariffs", {})]
    ):
        odoo.commands.append(command(action, payload, f"c-{number}"))
        await eventually(lambda uid=f"c-{number}": final_results(odoo, uid))
    answers = [final_results(odoo, f"c-{number}")[0]["answer"] for number in range(3)]
    assert answers[0] == {"status": "Accepted"}
    assert [one["tariffId"] for one in answers[1]["tariffAssignments"]] == ["T-DRIVER"]
    assert answers[2]["clearTariffsResult"] == [{"status": "Accepted", "tariffId": "T-DRIVER"}]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def final_results(odoo: FakeOdoo, uid: str) -> list[dict[str, Any]]:
    results = [event["payload"] for event in odoo.of_kind("command.result")]
    return [result for result in results if result["command_uid"] == uid and result["status"] != "sent"]
