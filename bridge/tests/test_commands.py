"""Commands from Odoo to the wire and back, in both versions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually, running_bridge
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation
from test_wire16 import command

AT = "2099-01-01T00:00:00Z"
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
    ("reserve", {"evse": 1, "token_uid": TOKEN, "token_type": "RFID", "expires_at": AT}, "ReserveNow", {},
     "ReserveNow", {}),
    ("get_configuration", {}, "GetConfiguration", {}, "GetBaseReport", {}),
    ("rotate_certificate", {}, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"},
     "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"}),
    ("certificate", {"chain": "-----BEGIN CERTIFICATE-----"}, "CertificateSigned", {}, "CertificateSigned", {}),
]  # fmt: skip


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_every_command_reaches_the_wire_and_its_answer_comes_back(
    station: Any, odoo: FakeOdoo, eventually: Eventually, protocol: str
) -> None:
    """What we send is checked against the schema before it leaves, so that a call on the wire is a valid one."""
    socket: RawStation = await station(protocol=protocol)
    for action, payload, *expected in CASES:
        odoo.commands.append(command(action, payload, uid=action))
        call = await socket.receive()
        name, content = expected[:2] if protocol == "ocpp1.6" else expected[2:]
        assert call[2] == name
        assert not content or call[3] == content
        await socket.answer(call, {"status": "Accepted"})
    results = await eventually(
        lambda: [e for e in odoo.of_kind("command.result") if e["payload"]["status"] != "sent"][len(CASES) - 1 :]
    )
    assert results
    finals = {e["payload"]["command_uid"]: e["payload"] for e in odoo.of_kind("command.result")
              if e["payload"]["status"] != "sent"}
    assert {uid: result["status"] for uid, result in finals.items()} == {case[0]: "accepted" for case in CASES}
    assert finals["reset"]["answer"] == {"status": "Accepted"}


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
