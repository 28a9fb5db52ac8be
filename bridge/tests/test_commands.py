"""Commands from Odoo to the wire and back, in both versions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from conftest import STORE, BridgeProcess, Eventually, running_bridge
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation
from test_wire16 import command, start_payload
from test_wire201 import event

SEVERAL_BRIDGES = pytest.mark.skipif(STORE == "sqlite", reason="a bridge on SQLite is alone")
AT = "2099-01-01T00:00:00Z"
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any], str, dict[str, Any]]] = [
    ("unlock", {"evse": 2}, "UnlockConnector", {"connectorId": 2}, "UnlockConnector", {"evseId": 2, "connectorId": 1}),
    ("reset", {"kind": "hard"}, "Reset", {"type": "Hard"}, "Reset", {"type": "Immediate"}),
    (
        "availability",
        {"evse": 1, "available": False},
        "ChangeAvailability",
        {"connectorId": 1, "type": "Inoperative"},
        "ChangeAvailability",
        {"operationalStatus": "Inoperative", "evse": {"id": 1}},
    ),
    (
        "trigger",
        {"message": "Heartbeat"},
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
    ),
    (
        "set_configuration",
        {"key": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"},
        "ChangeConfiguration",
        {"key": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"},
        "SetVariables",
        {
            "setVariableData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                    "attributeValue": "60",
                }
            ]
        },
    ),
    ("clear_cache", {}, "ClearCache", {}, "ClearCache", {}),
    ("clear_profile", {"evse": 1}, "ClearChargingProfile", {"connectorId": 1}, "ClearChargingProfile",
     {"chargingProfileCriteria": {"evseId": 1}}),
    ("cancel_reservation", {"reservation": 7}, "CancelReservation", {"reservationId": 7}, "CancelReservation",
     {"reservationId": 7}),
    ("firmware", {"url": "https://fw.example.com/1", "at": AT}, "UpdateFirmware",
     {"location": "https://fw.example.com/1", "retrieveDate": AT}, "UpdateFirmware", {}),
    ("diagnostics", {"url": "https://fw.example.com/up"}, "GetDiagnostics", {"location": "https://fw.example.com/up"},
     "GetLog", {}),
    ("local_list", {"version": 3, "tokens": [{"uid": TOKEN, "type": "RFID", "status": "Accepted"}]}, "SendLocalList",
     {}, "SendLocalList", {}),
    ("set_profile", {"evse": 1, "unit": "A", "limit": 8.1}, "SetChargingProfile", {}, "SetChargingProfile", {}),
    ("set_profile", {"evse": 1, "unit": "W", "profile": 7, "duration": 900, "minimum": 1400.0, "begins_at": AT,
     "periods": [{"start": 0, "limit": 11000}, {"start": 300, "limit": 6000.5}]}, "SetChargingProfile", {},
     "SetChargingProfile", {}),
    ("clear_profile", {"evse": 1, "profile": 7}, "ClearChargingProfile", {"id": 7}, "ClearChargingProfile",
     {"chargingProfileId": 7}),
    ("reserve", {"evse": 1, "token_uid": TOKEN, "token_type": "RFID", "expires_at": AT}, "ReserveNow", {},
     "ReserveNow", {}),
    ("get_configuration", {}, "GetConfiguration", {}, "GetBaseReport", {}),
    ("rotate_certificate", {}, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"},
     "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"}),
    ("certificate", {"chain": "-----BEGIN CERTIFICATE-----"}, "CertificateSigned", {}, "CertificateSigned", {}),
    ("composite_schedule", {"evse": 1, "duration": 600, "unit": "A"}, "GetCompositeSchedule",
     {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}, "GetCompositeSchedule",
     {"evseId": 1, "duration": 600, "chargingRateUnit": "A"}),
    ("log", {"url": "https://up.example.com", "kind": "security", "since": AT}, "GetLog", {}, "GetLog", {}),
    ("data_transfer", {"vendor": "com.example", "message": "m", "data": "1"}, "DataTransfer",
     {"vendorId": "com.example", "messageId": "m", "data": "1"}, "DataTransfer", {}),
    ("install_certificate", {"use": "manufacturer", "pem": "-----BEGIN"}, "InstallCertificate",
     {"certificateType": "ManufacturerRootCertificate", "certificate": "-----BEGIN"}, "InstallCertificate", {}),
    ("installed_certificates", {}, "GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"},
     "GetInstalledCertificateIds", {}),
    ("delete_certificate", HASH, "DeleteCertificate", {"certificateHashData": HASH}, "DeleteCertificate",
     {"certificateHashData": HASH}),
    ("display_message", {"text": "0,49 EUR/kWh", "language": "de", "id": 7}, "ChangeConfiguration",
     {"key": "DefaultPrice", "value": '{"priceText":"0,49 EUR/kWh"}'}, "SetDisplayMessage",
     {"message": {"id": 7, "priority": "NormalCycle",
                  "message": {"format": "UTF8", "content": "0,49 EUR/kWh", "language": "de"}}}),
    ("firmware", {"url": "https://fw.example.com/1", "at": AT, "certificate": "-----BEGIN", "signature": "MEUC"},
     "SignedUpdateFirmware", {}, "UpdateFirmware", {}),
]  # fmt: skip
# What only OCPP 2 has.
CASES_20: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("get_configuration", {"keys": ["EVSE[a]#1.Power[Max]"]}, "GetVariables", {"getVariableData": [
        {"component": {"name": "EVSE", "evse": {"id": 1}, "instance": "a"},
         "variable": {"name": "Power", "instance": "Max"}}]}),
    ("report", {"criteria": ["Problem"], "components": ["EVSE"]}, "GetReport", {}),
    ("monitor", {"key": "EVSE.Temperature", "kind": "above", "value": 80}, "SetVariableMonitoring", {}),
    ("clear_monitors", {"ids": [1]}, "ClearVariableMonitoring", {"id": [1]}),
    ("monitoring_report", {}, "GetMonitoringReport", {}),
    ("monitoring_base", {"base": "All"}, "SetMonitoringBase", {"monitoringBase": "All"}),
    ("monitoring_level", {"severity": 4}, "SetMonitoringLevel", {"severity": 4}),
    ("customer_information", {"token_uid": TOKEN, "token_type": "RFID"}, "CustomerInformation", {}),
    ("display_messages", {}, "GetDisplayMessages", {}),
    ("charging_profiles", {}, "GetChargingProfiles", {}),
    ("clear_display", {"id": 7}, "ClearDisplayMessage", {"id": 7}),
    ("display_message", {"text": "https://example.com/charge/X", "format": "URI", "state": "Idle", "until": AT},
     "SetDisplayMessage", {}),
]  # fmt: skip
CASES_21: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("default_tariff", {"evse": 1, "tariff": {"tariffId": "T", "currency": "EUR",
     "energy": {"prices": [{"priceKwh": 0.49}]}}}, "SetDefaultTariff", {}),
    ("tariffs", {"evse": 1}, "GetTariffs", {"evseId": 1}),
    ("web_payment_started", {"evse": 1, "timeout": 600}, "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 600}),
    ("display_message", {"text": "0,49 EUR/kWh", "language": "de", "id": 8,
                         "extra": [{"text": "0.49 EUR/kWh", "language": "en"}]},
     "SetDisplayMessage", {"message": {"id": 8, "priority": "NormalCycle",
                           "message": {"format": "UTF8", "content": "0,49 EUR/kWh", "language": "de"},
                           "messageExtra": [{"format": "UTF8", "content": "0.49 EUR/kWh", "language": "en"}]}}),
    ("clear_tariffs", {}, "ClearTariffs", {}),
]  # fmt: skip


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_every_command_reaches_the_wire_and_its_answer_comes_back(
    station: Any, odoo: FakeOdoo, eventually: Eventually, protocol: str
) -> None:
    """What we send is checked against the schema before it leaves, so that a call on the wire is a valid one."""
    socket: RawStation = await station(protocol=protocol)
    cases = [(a, p, *(e[:2] if protocol == "ocpp1.6" else e[2:])) for a, p, *e in CASES]
    cases += CASES_20 if protocol != "ocpp1.6" else []
    cases += CASES_21 if protocol == "ocpp2.1" else []
    odoo.commands.extend(command(case[0], case[1], uid=f"{number}") for number, case in enumerate(cases))
    expected = [(name, content) for _action, _payload, name, content in cases]
    for _ in cases:
        call = await socket.receive()
        matching = [case for case in expected if case[0] == call[2] and case[1] in ({}, call[3])]
        assert matching, call
        expected.remove(max(matching, key=lambda case: len(case[1])))
        await socket.answer(call, {"status": "Accepted"})

    def finals() -> dict[str, str]:
        results = [e["payload"] for e in odoo.of_kind("command.result") if e["payload"]["status"] != "sent"]
        return {result["command_uid"]: result["status"] for result in results}

    await eventually(lambda: len(finals()) == len(cases))
    assert set(finals().values()) == {"accepted"}


async def test_case_18_a_station_that_asks_while_a_command_waits_for_its_answer_is_answered(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket: RawStation = await station()
    odoo.commands.append(command("unlock", {"evse": 1}))
    call = await socket.receive()
    assert (await socket.call("Heartbeat", {}))["currentTime"]
    await socket.answer(call, {"status": "Unlocked"})
    await eventually(
        lambda: [e["payload"]["status"] for e in odoo.of_kind("command.result")][-1:] == ["accepted"]
    )


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        ({"status": "UnlockFailed"}, "rejected", "UnlockFailed"),
        ({"status": "Unlocked"}, "accepted", "Unlocked"),
        ({}, "accepted", ""),
    ],
)
async def test_the_word_of_the_station_decides(
    station: Any, odoo: FakeOdoo, eventually: Eventually, answer: dict[str, Any], status: str, detail: str
) -> None:
    socket: RawStation = await station()
    odoo.commands.append(command("unlock", {"evse": 1}))
    await socket.answer(await socket.receive(), answer)
    await eventually(lambda: len(odoo.of_kind("command.result")) == 2)
    result = odoo.of_kind("command.result")[1]["payload"]
    assert (result["status"], result["detail"]) == (status, detail)


async def test_an_incomplete_command_is_refused_with_the_reason(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await station()
    odoo.commands.append(command("set_configuration", {"key": "x"}))
    result = (await eventually(lambda: odoo.of_kind("command.result")))[0]["payload"]
    assert result["status"] == "rejected"
    assert "'value'" in result["detail"]


@SEVERAL_BRIDGES
async def test_a_command_reaches_the_bridge_that_holds_the_station(eventually: Eventually) -> None:
    """Two bridges on one database: the one that talks to Odoo is not the one that has the socket."""
    with running_bridge() as (first, odoo):
        second = BridgeProcess(first.dsn, odoo)
        await asyncio.to_thread(second.start)
        try:
            assert {first.health()["node"], second.health()["node"]} == {1, 2}
            station = await RawStation.open(second.url, "CS-1")
            odoo.commands.append(command("unlock", {"evse": 1}))
            await station.answer(await station.receive(), {"status": "Unlocked"})
            await eventually(lambda: len(odoo.of_kind("command.result")) == 2)
            assert [e["payload"]["status"] for e in odoo.of_kind("command.result")] == ["sent", "accepted"]
            await station.socket.close()
        finally:
            second.kill()


@SEVERAL_BRIDGES
async def test_a_station_that_moves_to_another_bridge_stays_online_and_keeps_its_session(
    eventually: Eventually,
) -> None:
    from test_wire16 import start_payload, stop_payload

    with running_bridge() as (first, odoo):
        second = BridgeProcess(first.dsn, odoo)
        await asyncio.to_thread(second.start)
        try:
            before = await RawStation.open(first.url, "CS-1")
            started = await before.call("StartTransaction", start_payload())
            after = await RawStation.open(second.url, "CS-1")
            await eventually(lambda: len(odoo.of_kind("station.connected")) == 2)
            await asyncio.wait_for(before.socket.wait_closed(), 10)
            await after.call("StopTransaction", stop_payload(started["transactionId"]))
            await eventually(lambda: odoo.of_kind("session.ended"))
            assert odoo.of_kind("station.disconnected") == []
            assert len(odoo.of_kind("session.started")) == 1
            await after.socket.close()
        finally:
            second.kill()


@SEVERAL_BRIDGES
async def test_what_a_bridge_leaves_behind_that_does_not_come_back_is_finished_by_another(
    eventually: Eventually,
) -> None:
    with running_bridge(adoption_interval=0.2) as (first, odoo):
        second = BridgeProcess(first.dsn, odoo)
        await asyncio.to_thread(second.start)
        station = await RawStation.open(second.url, "CS-1")
        await eventually(lambda: odoo.of_kind("station.connected"))
        await station.send("Heartbeat", {})
        second.kill()
        await eventually(lambda: odoo.of_kind("station.disconnected"))
        odoo.commands.append(command("unlock", {"evse": 1}))
        results = await eventually(lambda: odoo.of_kind("command.result"))
        assert results[0]["payload"]["status"] == "offline"


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_the_cost_of_a_session_reaches_the_display_of_its_station(
    station: Any, odoo: FakeOdoo, eventually: Eventually, protocol: str
) -> None:
    socket: RawStation = await station(protocol=protocol)
    if protocol == "ocpp1.6":
        transaction = (await socket.call("StartTransaction", start_payload()))["transactionId"]
    else:
        transaction = "tx-1"
        await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    session = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]["session_uid"]
    odoo.commands.append(command("cost_updated", {"session_uid": session, "total_cost": "3.21"}, uid="cost"))
    call = await socket.receive()
    if protocol == "ocpp1.6":
        assert (call[2], call[3]["vendorId"], call[3]["messageId"]) == (
            "DataTransfer", "org.openchargealliance.costmsg", "RunningCost")  # fmt: skip
        assert json.loads(call[3]["data"]) == {"transactionId": transaction, "cost": 3.21, "state": "Charging"}
    else:
        assert call[2:] == ["CostUpdated", {"totalCost": 3.21, "transactionId": transaction}]
        answer = await socket.call("TransactionEvent", event("Updated", 10, wh=2000, state="Charging", sequence=1))
        assert answer == {"totalCost": 3.21}
        ended = await socket.call("TransactionEvent", event("Ended", 20, wh=3000, sequence=2))
        assert ended == {}
    await socket.answer(call, {"status": "Accepted"})


async def test_frames_of_a_station_are_shown_on_demand_without_passwords(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket: RawStation = await station()
    await socket.call("Heartbeat", {})
    odoo.commands.append(command("set_configuration", {"key": "AuthorizationKey", "value": "geheim"}, uid="key"))
    await socket.answer(await socket.receive(), {"status": "Accepted"})
    await eventually(lambda: [e for e in odoo.of_kind("command.result") if e["payload"]["status"] == "accepted"])
    odoo.commands.append(command("frames", {"limit": 10}, uid="frames"))
    found = await eventually(
        lambda: [e["payload"] for e in odoo.of_kind("command.result") if e["payload"]["command_uid"] == "frames"]
    )
    frames = found[0]["answer"]["frames"]
    assert "Heartbeat" in [frame["action"] for frame in frames]
    assert "geheim" not in json.dumps(frames)
    assert {"in", "out"} == {frame["direction"] for frame in frames}
