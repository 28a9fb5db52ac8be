"""OCPP 1.6 as real stations speak it: repeated, late, out of order, wrong. W: facts seen on the wire."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation

BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


def time(minutes: float) -> str:
    return (BASE + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def start_payload(minutes: float = 0, connector: int = 1, meter: int = 1000) -> dict[str, Any]:
    return {"connectorId": connector, "idTag": TOKEN, "timestamp": time(minutes), "meterStart": meter}


def stop_payload(transaction: object, minutes: float = 30, meter: int = 6000) -> dict[str, Any]:
    return {"transactionId": transaction, "timestamp": time(minutes), "meterStop": meter, "reason": "Local"}


def status_payload(status: str, minutes: float, connector: int = 1) -> dict[str, Any]:
    return {
        "connectorId": connector,
        "errorCode": "NoError",
        "status": status,
        "timestamp": time(minutes),
    }


def meter_payload(value: object, minutes: float, transaction: object = None, **sample: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "connectorId": 1,
        "meterValue": [{"timestamp": time(minutes), "sampledValue": [{"value": value, **sample}]}],
    }
    return payload if transaction is None else {**payload, "transactionId": transaction}


def energies(odoo: FakeOdoo) -> list[str | None]:
    return [r["energy_kwh"] for e in odoo.of_kind("session.meter") for r in e["payload"]["readings"]]


async def test_w1_f13_a_start_sent_again_with_a_new_message_id_is_one_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """W1: StartTransaction.conf is lost, the station reconnects and repeats the start 40 s later."""
    first = await station()
    await first.send("StartTransaction", start_payload())
    await eventually(lambda: odoo.of_kind("session.started"))
    first.abort()
    second = await station()
    replayed = await second.call("StartTransaction", start_payload())
    again = await second.call("StartTransaction", start_payload())
    assert replayed == again
    assert replayed["idTagInfo"]["status"] == "Accepted"
    await second.call("StopTransaction", stop_payload(replayed["transactionId"]))
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert len(odoo.of_kind("session.started")) == 1
    assert odoo.of_kind("session.started")[0]["payload"]["transaction_id"] == str(replayed["transactionId"])


async def test_a_start_sent_again_after_its_stop_gets_the_same_id_and_opens_nothing(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    assert await socket.call("StartTransaction", start_payload()) == started
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert len(bridge.rows("SELECT uid FROM session")) == 1
    flagged = bridge.rows("SELECT problem FROM journal WHERE problem IS NOT NULL")
    assert [row["problem"] for row in flagged] == ["The start of an ended transaction was sent again."]


async def test_a_clock_that_was_never_set_makes_a_new_session_after_each_boot(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    start = {**start_payload(), "timestamp": "1970-01-01T00:00:10Z"}
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}
    ids = []
    for _ in range(2):
        await socket.call("BootNotification", boot)
        ids.append([(await socket.call("StartTransaction", start))["transactionId"] for _ in range(2)])
    assert ids[0][0] == ids[0][1] != ids[1][0] == ids[1][1]
    await eventually(lambda: len(odoo.of_kind("session.conflict")) == 2)
    assert {e["payload"]["reason"] for e in odoo.of_kind("session.conflict")} == {"clock_implausible"}
    begun = datetime.fromisoformat(odoo.of_kind("session.started")[0]["at"])
    assert abs(begun - datetime.now(UTC)) < timedelta(minutes=1)


async def test_w2_statuses_that_overtake_their_transaction_are_applied_to_it(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """After a lost answer the newer statuses come first, then start, meter values and stop in one burst."""
    socket = await station()
    for status, minutes in (("Charging", 1), ("Finishing", 30), ("Available", 40)):
        await socket.call("StatusNotification", status_payload(status, minutes))
    started = await socket.call("StartTransaction", start_payload())
    await socket.send("MeterValues", meter_payload("2000", 10, started["transactionId"]))
    await socket.send("MeterValues", meter_payload("3000", 20, started["transactionId"]))
    await socket.send("StopTransaction", stop_payload(started["transactionId"]))
    unplugged = (await eventually(lambda: odoo.of_kind("session.unplugged")))[0]
    states = [(e["payload"]["state"], e["at"]) for e in odoo.of_kind("session.state")]
    assert [state for state, _ in states] == ["CHARGING", "IDLE"]
    assert datetime.fromisoformat(unplugged["at"]) == BASE + timedelta(minutes=40)
    assert energies(odoo) == ["2", "3"]


async def test_w3_f12_a_stop_sent_again_ends_the_session_once(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """W3: StopTransaction.conf is lost, the same stop comes again under a new message id."""
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    stop = {**stop_payload(started["transactionId"]), "transactionData": [values("5000", 25)]}
    await socket.send("StopTransaction", stop)
    await eventually(lambda: odoo.of_kind("session.ended"))
    socket.abort()
    other = await station()
    await other.call("StopTransaction", stop)
    await other.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await eventually(lambda: odoo.of_kind("station.boot"))
    assert len(odoo.of_kind("session.ended")) == 1
    assert energies(odoo) == ["5"]
    assert odoo.of_kind("session.conflict") == []


async def test_f12_a_second_stop_with_other_values_is_acknowledged_and_held(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    await socket.call("StopTransaction", stop_payload(started["transactionId"], meter=9000))
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["reason"] == "stop_repeated_with_other_values"
    assert conflict["session_uid"] == odoo.of_kind("session.started")[0]["payload"]["session_uid"]
    assert conflict["raw"]["meterStop"] == 9000
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.ended")] == ["6"]


@pytest.mark.parametrize("transaction", [999_999, -1, 0, 2**63 - 1])
async def test_f17_a_stop_of_an_unknown_transaction_is_acknowledged_and_kept(
    station: Any, odoo: FakeOdoo, eventually: Eventually, transaction: int
) -> None:
    socket = await station()
    assert await socket.call("StopTransaction", stop_payload(transaction)) == {}
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["session_uid"] is None
    assert conflict["reason"] == "stop_unknown_transaction"
    assert int(conflict["raw"]["transactionId"]) == transaction
    assert conflict["raw"]["meterStop"] == 6000


async def test_a_stop_of_an_unknown_transaction_never_ends_another_session(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"] + 1000))
    await eventually(lambda: odoo.of_kind("session.conflict"))
    assert bridge.health()["open_sessions"] == 1


@pytest.mark.parametrize("transaction", [-1, 0, 2**63 - 1])
async def test_f14_a_placeholder_id_ends_the_only_open_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually, transaction: int
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload())
    await socket.call("MeterValues", meter_payload("2500", 10, transaction))
    await socket.call("StopTransaction", stop_payload(transaction))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["session_uid"] == odoo.of_kind("session.started")[0]["payload"]["session_uid"]
    assert energies(odoo) == ["2.5"]
    assert odoo.of_kind("session.conflict") == []


async def test_f14_a_placeholder_id_with_two_open_sessions_is_never_guessed(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    for connector in (1, 2):
        await socket.call("StartTransaction", start_payload(connector=connector))
    await socket.call("StopTransaction", stop_payload(-1))
    await eventually(lambda: odoo.of_kind("session.conflict"))
    assert odoo.of_kind("session.ended") == []


async def test_w4_a_reconnect_without_boot_goes_on_with_the_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    first = await station()
    started = await first.call("StartTransaction", start_payload())
    first.abort()
    second = await station()
    await second.call("MeterValues", meter_payload("2000", 10, started["transactionId"]))
    await second.call("StopTransaction", stop_payload(started["transactionId"]))
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert energies(odoo) == ["2"]
    assert len(odoo.of_kind("session.started")) == 1
    assert odoo.of_kind("session.conflict") == []


async def test_w5_a_power_cut_keeps_the_session_open_and_passes_the_new_register_on(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    """After the boot the same transaction goes on with a register that counts from 0 again."""
    first = await station()
    started = await first.call("StartTransaction", start_payload())
    await first.call("MeterValues", meter_payload("1500", 5, started["transactionId"]))
    first.abort()
    second = await station()
    await second.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await second.call("StatusNotification", status_payload("Available", 10))
    await second.call("StatusNotification", status_payload("Charging", 11))
    for minutes, value in ((12, "15"), (13, "30"), (14, "45")):
        await second.call("MeterValues", meter_payload(value, minutes, started["transactionId"]))
    assert (await eventually(lambda: bridge.health()["open_sessions"])) == 1
    await second.call("StopTransaction", stop_payload(started["transactionId"], meter=45))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "0.045"
    assert energies(odoo) == ["1.5", "0.015", "0.03", "0.045"]
    await second.call("StatusNotification", status_payload("Available", 60))
    unplugged = (await eventually(lambda: odoo.of_kind("session.unplugged")))[0]
    assert datetime.fromisoformat(unplugged["at"]) == BASE + timedelta(minutes=60)


async def test_w8_f11_values_after_the_stop_enrich_the_session_and_do_not_reopen_it(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    """W8: MeterValues with context Transaction.End arrive after StopTransaction."""
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    late = meter_payload("6000", 30, started["transactionId"], context="Transaction.End")
    await socket.call("MeterValues", late)
    await eventually(lambda: odoo.of_kind("session.meter"))
    assert energies(odoo) == ["6"]
    assert bridge.health()["open_sessions"] == 0


async def test_w12_the_last_socket_wins_and_a_command_without_answer_is_unknown(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    """A hard reset: no answer to the command, a stop, then two sockets of one identity."""
    first = await station()
    started = await first.call("StartTransaction", start_payload())
    session_uid = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]["session_uid"]
    odoo.commands.append(command("remote_stop", {"session_uid": session_uid}))
    call = await first.receive()
    assert call[2:] == ["RemoteStopTransaction", {"transactionId": started["transactionId"]}]
    await eventually(lambda: len(odoo.of_kind("command.result")) == 2)
    assert [e["payload"]["status"] for e in odoo.of_kind("command.result")] == ["sent", "unknown"]
    await first.call("StopTransaction", stop_payload(started["transactionId"]))
    second = await station()
    await asyncio.wait_for(first.socket.wait_closed(), 5)
    await second.call("Heartbeat", {})
    await eventually(lambda: len(odoo.of_kind("station.connected")) == 2)
    assert odoo.of_kind("station.disconnected") == []
    assert bridge.health()["connected_stations"] == 1
    await second.socket.close()
    await eventually(lambda: odoo.of_kind("station.disconnected"))


async def test_w13_f06_units_phases_noise_and_signatures_are_normalised(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    transaction = (await socket.call("StartTransaction", start_payload()))["transactionId"]
    phases = [
        {"value": value, "measurand": "Energy.Active.Import.Register", "phase": phase, "unit": "Wh"}
        for phase, value in (("L1", "1000"), ("L2-N", "2000"), ("L3", "3000"), ("N", "9"))
    ]
    cases: list[list[dict[str, Any]]] = [
        [{"value": "0.15005000000000002", "unit": "kWh"}],
        phases,
        [*phases, {"value": "7.5", "unit": "kWh"}],
        [{"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"}, soc("44")],
        [{"value": '{"format":"OCMF","RD":[]}'}, {"value": "9000"}],
        [{"value": "NaN"}],
        [{"value": "Infinity"}],
        [{"value": "1E+99999"}],
    ]
    for minute, samples in enumerate(cases, start=1):
        value = {"timestamp": time(minute), "sampledValue": samples}
        payload = {"connectorId": 1, "transactionId": transaction, "meterValue": [value]}
        assert await socket.call("MeterValues", payload) == {}
    await eventually(lambda: len(odoo.of_kind("session.meter")) == 5)
    readings = [e["payload"]["readings"][0] for e in odoo.of_kind("session.meter")]
    assert [r["energy_kwh"] for r in readings] == ["0.15005", "6", "7.5", None, "9"]
    assert (readings[3]["power_kw"], readings[3]["soc"]) == ("11.04", "44")
    assert readings[4]["signed"] == '{"format":"OCMF","RD":[]}'


async def test_what_breaks_the_schema_is_flagged_and_still_billed(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket = await station()
    start = {
        "connectorId": "1",
        "idTag": TOKEN + "\x00" + "-much-too-long-for-1.6\ud800",
        "timestamp": time(0),
        "meterStart": 1000.0,
        "vendorExtra": {"a": 2**63},
    }
    started = await socket.call("StartTransaction", start)
    await socket.call("StopTransaction", stop_payload(str(started["transactionId"])))
    await eventually(lambda: odoo.of_kind("session.ended"))
    payload = odoo.of_kind("session.started")[0]["payload"]
    assert payload["token_uid"] == TOKEN + "-much-too-long-for-1.6"
    assert payload["authorization"] == "Invalid"
    assert payload["meter_kwh"] == "1"
    problems = bridge.rows(
        "SELECT problem FROM journal WHERE action = 'StartTransaction' AND direction = 'in'"
    )
    assert problems[0]["problem"]


async def test_frames_that_are_no_messages_do_not_end_the_connection(station: Any) -> None:
    socket: RawStation = await station()
    for frame in (
        "",
        "no json",
        "{}",
        "[]",
        "[2]",
        "[" * 50_000,
        '[2,null,"Heartbeat",{}]',
        '[3,"never asked",{}]',
    ):
        await socket.socket.send(frame)
    assert (await socket.exchange("FutureAction", {}))[2] == "NotImplemented"
    assert (await socket.exchange("GetDiagnostics", {"location": "x"}))[2] == "NotSupported"
    await socket.socket.send('[2,"short","Heartbeat"]')
    assert (await socket.receive())[:3] == [4, "short", "FormationViolation"]
    assert "currentTime" in await socket.call("Heartbeat", {})


async def test_every_message_of_the_core_profile_is_answered(station: Any, odoo: FakeOdoo) -> None:
    socket = await station()
    boot = await socket.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert (boot["status"], boot["interval"]) == ("Accepted", 300)
    assert (await socket.call("Authorize", {"idTag": TOKEN.lower()}))["idTagInfo"]["status"] == "Accepted"
    assert (await socket.call("Authorize", {"idTag": "unknown"}))["idTagInfo"]["status"] == "Invalid"
    assert await socket.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
    assert await socket.call("FirmwareStatusNotification", {"status": "Idle"}) == {}
    assert await socket.call("DiagnosticsStatusNotification", {"status": "Idle"}) == {}


async def test_every_message_of_the_security_extension_is_answered_and_told(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    attack = {"type": "TamperDetectionActivated", "timestamp": time(0), "techInfo": "door open"}
    assert await socket.call("SecurityEventNotification", attack) == {}
    assert await socket.call("SignCertificate", {"csr": "-----BEGIN"}) == {"status": "Accepted"}
    assert await socket.call("LogStatusNotification", {"status": "Uploaded", "requestId": 4}) == {}
    assert await socket.call("SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 5}) == {}
    await eventually(lambda: len(odoo.of_kind("station.progress")) == 2)
    assert odoo.of_kind("station.alarm")[0]["payload"] == {"text": "TamperDetectionActivated: door open"}
    assert odoo.of_kind("station.csr")[0]["payload"] == {"csr": "-----BEGIN"}
    steps = [(e["payload"]["status"], e["payload"]["number"]) for e in odoo.of_kind("station.progress")]
    assert steps == [("Uploaded", 4), ("InvalidSignature", 5)]


def values(value: str, minutes: float) -> dict[str, Any]:
    return {"timestamp": time(minutes), "sampledValue": [{"value": value}]}


def soc(value: str) -> dict[str, Any]:
    return {"value": value, "measurand": "SoC", "unit": "Percent", "location": "EV"}


def command(action: str, payload: dict[str, Any], uid: str = "c-1", minutes: float = 5) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "uid": uid,
        "station": "CS-1",
        "action": action,
        "payload": payload,
        "expires_at": expires.isoformat().replace("+00:00", "Z"),
    }
