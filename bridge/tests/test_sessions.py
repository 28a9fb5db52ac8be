"""A whole session of the simulated station in both versions, as Odoo sees it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import PASSWORD, TOKEN, FakeOdoo
from station_simulator import Simulator, StationSettings
from station_simulator.station import unset_clock
from test_wire16 import command


def simulator(bridge: BridgeProcess, ocpp: str, **settings: Any) -> Simulator:
    return Simulator(
        StationSettings(f"{bridge.url}/ocpp", "CS-1", PASSWORD, ocpp, energy_kwh=12.5, minutes=30, **settings)
    )


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1", "2.1"])
async def test_a_session_arrives_in_order_with_energy_in_kwh(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, ocpp: str
) -> None:
    await asyncio.wait_for(simulator(bridge, ocpp, idle_minutes=10).run(TOKEN), 20)
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    events = [event for event in odoo.events if event["kind"].startswith("session.")]
    assert len({event["payload"]["session_uid"] for event in events}) == 1
    assert len({event["uid"] for event in events}) == len(events)
    assert events[0]["kind"] == "session.started"
    started, ended = events[0], odoo.of_kind("session.ended")[0]
    assert started["payload"] | {"session_uid": "", "transaction_id": ""} == {
        "session_uid": "",
        "transaction_id": "",
        "evse": 1,
        "connector": 1,
        "token_uid": TOKEN,
        "token_type": "RFID",
        "meter_kwh": "1000",
        "authorization": "Accepted",
        "remote_ref": None,
        "authorization_reference": None,
    }
    assert Decimal(ended["payload"]["meter_kwh"]) == Decimal("1012.5")
    unplugged = odoo.of_kind("session.unplugged")[0]
    assert at(ended) - at(started) == timedelta(minutes=30)
    assert at(unplugged) - at(ended) == timedelta(minutes=10)
    periodic = [
        reading
        for event in odoo.of_kind("session.meter")
        for reading in event["payload"]["readings"]
        if reading["power_kw"]
    ]
    assert [reading["energy_kwh"] for reading in periodic] == [
        "1002.083",
        "1004.167",
        "1006.25",
        "1008.333",
        "1010.417",
    ]
    assert {reading["power_kw"] for reading in periodic} == {"25"}
    assert odoo.of_kind("session.state")[0]["payload"]["state"] == "CHARGING"
    assert odoo.of_kind("session.conflict") == []
    boot = odoo.of_kind("station.boot")[0]
    assert boot["station"] == "CS-1"
    assert boot["payload"]["ocpp"] == ocpp
    assert boot["payload"]["vendor"] == "Simulated"


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1", "2.1"])
async def test_a_remote_start_and_a_remote_stop_reach_the_station_and_report_back(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, ocpp: str
) -> None:
    running = asyncio.create_task(simulator(bridge, ocpp, time_scale=600.0).run(None))
    await eventually(lambda: odoo.of_kind("connector.status"))
    odoo.commands.append(
        {
            "uid": "c-start",
            "station": "CS-1",
            "action": "remote_start",
            "payload": {"evse": 1, "token_uid": "app-4711", "token_type": "APP_USER"},
            "expires_at": "2099-01-01T00:00:00.000Z",
        }
    )
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]
    assert started["token_uid"] == "app-4711"
    assert started["token_type"] == "APP_USER"
    assert started["authorization"] == "Accepted"
    assert started["remote_ref"] == "c-start"
    odoo.commands.append(
        {
            "uid": "c-stop",
            "station": "CS-1",
            "action": "remote_stop",
            "payload": {"session_uid": started["session_uid"]},
            "expires_at": "2099-01-01T00:00:00.000Z",
        }
    )
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["reason"] == "Remote"
    assert Decimal(ended["meter_kwh"]) < Decimal("1012.5")
    await asyncio.wait_for(running, 10)
    await eventually(lambda: len(odoo.of_kind("command.result")) >= 4)
    results = [(e["payload"]["command_uid"], e["payload"]["status"]) for e in odoo.of_kind("command.result")]
    assert sorted(results) == [
        ("c-start", "accepted"),
        ("c-start", "sent"),
        ("c-stop", "accepted"),
        ("c-stop", "sent"),
    ]


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("fault", ["offline", "replay"])
async def test_a_fault_of_the_line_changes_nothing_of_the_session(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, ocpp: str, fault: str
) -> None:
    station = simulator(bridge, ocpp, fault=fault, taper=True, reconnect_pause=0.05)
    await asyncio.wait_for(station.run(TOKEN), 30)
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    assert len(odoo.of_kind("session.started")) == 1
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.ended")] == ["1012.5"]
    energies = [r["energy_kwh"] for e in odoo.of_kind("session.meter") for r in e["payload"]["readings"]
                if r["power_kw"]]
    assert len(energies) == len(set(energies)) == 5
    assert odoo.of_kind("session.conflict") == []


async def test_a_session_of_a_clock_that_was_never_set_is_flagged(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    station = simulator(bridge, "1.6", fault="bad-clock")
    station.clock = unset_clock
    station.__post_init__()
    await asyncio.wait_for(station.run(TOKEN), 30)
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert {e["payload"]["reason"] for e in odoo.of_kind("session.conflict")} == {"clock_implausible"}


async def test_a_register_that_is_reset_and_a_stop_that_never_comes_are_passed_on_as_they_are(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    await asyncio.wait_for(simulator(bridge, "2.0.1", fault="register-reset").run(TOKEN), 30)
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "6.25"
    await asyncio.wait_for(simulator(bridge, "2.0.1", fault="no-stop").run(TOKEN), 30)
    await eventually(lambda: len(odoo.of_kind("session.started")) == 2)
    assert len(odoo.of_kind("session.ended")) == 1


def at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


async def test_a_live_session_starts_now_and_ends_when_a_remote_stop_comes(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    running = asyncio.create_task(simulator(bridge, "1.6", live=True).run(TOKEN))
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]
    odoo.commands.append(
        {
            "uid": "c-live",
            "station": "CS-1",
            "action": "remote_stop",
            "payload": {"session_uid": started["payload"]["session_uid"]},
            "expires_at": "2099-01-01T00:00:00.000Z",
        }
    )
    await asyncio.wait_for(running, 20)
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]
    assert ended["payload"]["reason"] == "Remote"
    assert at(ended) - at(started) < timedelta(minutes=1)
    assert timedelta() <= datetime.now(at(started).tzinfo) - at(started) < timedelta(minutes=1)
    assert Decimal("1000") <= Decimal(ended["payload"]["meter_kwh"]) < Decimal("1001")


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1"])
async def test_a_firmware_update_reports_its_progress_until_the_station_boots_with_it(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, ocpp: str
) -> None:
    line = asyncio.create_task(simulator(bridge, ocpp).run(None))
    await eventually(lambda: odoo.of_kind("station.boot"))
    odoo.commands.append(
        command("firmware", {"url": "https://firmware.example.com/2.4.bin", "at": "2026-01-01T00:00:00Z"}, uid="fw")
    )
    await eventually(lambda: len(odoo.of_kind("station.boot")) == 2)
    reports = [event["payload"] for event in odoo.of_kind("station.progress")]
    assert [report["status"] for report in reports] == ["Downloading", "Downloaded", "Installing", "Installed"]
    results = [e["payload"] for e in odoo.of_kind("command.result") if e["payload"]["status"] == "accepted"]
    assert {report["number"] for report in reports} == {None if ocpp == "1.6" else results[0]["number"]}
    assert odoo.of_kind("station.boot")[1]["payload"]["firmware"] == "2.4"
    line.cancel()
    await asyncio.gather(line, return_exceptions=True)
