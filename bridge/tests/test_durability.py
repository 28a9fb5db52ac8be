"""Nothing that was acknowledged is ever lost: kills, outages, refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import STORES, BridgeProcess, Eventually, running_bridge, throw_away_database
from fake_odoo import PASSWORD, TOKEN, FakeOdoo
from psycopg.types.json import Jsonb
from raw_station import RawStation
from station_simulator import Simulator, StationSettings
from test_wire16 import command, energies, meter_payload, start_payload, status_payload, stop_payload
from websockets.exceptions import ConnectionClosed

from emobility_bridge.bookkeeper import Bookkeeper
from emobility_bridge.database import Database, fetch_all, open_database
from emobility_bridge.journal import Entry


@pytest.fixture(params=STORES)
def own(request: pytest.FixtureRequest) -> Iterator[tuple[BridgeProcess, FakeOdoo]]:
    """A bridge that a test may kill, on each of the stores."""
    with running_bridge(request.param) as pair:
        yield pair


def simulate(bridge: BridgeProcess, ocpp: str) -> asyncio.Task[None]:
    """A session of 60 minutes that takes 3 s, on a station that repeats what was not acknowledged."""
    settings = StationSettings(
        f"{bridge.url}/ocpp",
        "CS-1",
        PASSWORD,
        ocpp,
        energy_kwh=12.0,
        minutes=60,
        time_scale=1200,
        response_timeout=3,
        reconnect_pause=0.1,
    )
    return asyncio.create_task(Simulator(settings).run(TOKEN))


def assert_complete(odoo: FakeOdoo) -> None:
    """One session with each of its eleven periodic readings exactly once."""
    assert len(odoo.of_kind("session.started")) == 1
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.ended")] == ["1012"]
    periodic = [
        reading["energy_kwh"]
        for event in odoo.of_kind("session.meter")
        for reading in event["payload"]["readings"]
        if reading["power_kw"]
    ]
    assert periodic == [str(1000 + number) for number in range(1, 12)]
    assert odoo.of_kind("session.conflict") == []


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1"])
async def test_a_killed_bridge_loses_nothing_of_a_running_session(
    own: tuple[BridgeProcess, FakeOdoo], eventually: Eventually, ocpp: str
) -> None:
    bridge, odoo = own
    session = simulate(bridge, ocpp)
    await eventually(lambda: len(odoo.of_kind("session.meter")) >= 3)
    bridge.kill()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(bridge.start)
    await asyncio.wait_for(session, 30)
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    assert_complete(odoo)
    await eventually(lambda: odoo.of_kind("station.disconnected"))


async def test_what_was_acknowledged_just_before_a_kill_is_delivered_after_the_restart(
    own: tuple[BridgeProcess, FakeOdoo], eventually: Eventually
) -> None:
    bridge, odoo = own
    odoo.stop()
    station = await RawStation.open(bridge.url, "CS-1")
    started = await station.call("StartTransaction", start_payload())
    await station.call("StopTransaction", stop_payload(started["transactionId"]))
    bridge.kill()
    odoo.start()
    await asyncio.to_thread(bridge.start)
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert odoo.kinds() == ["session.started", "session.ended"]


@pytest.mark.parametrize("store", STORES)
async def test_a_ledger_that_is_stopped_before_its_commit_does_the_whole_batch_again(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it held in memory is no reason to take the messages for repetitions: they would be lost without a word."""
    with throw_away_database(store) as dsn:
        database = open_database(dsn)
        await database.create_schema()
        await _write_journal(database)
        bookkeeper, mark = Bookkeeper(database, 1), Bookkeeper._mark
        monkeypatch.setattr(Bookkeeper, "_mark", _cancelled)
        with pytest.raises(asyncio.CancelledError):
            await bookkeeper.catch_up()
        monkeypatch.setattr(Bookkeeper, "_mark", mark)
        await bookkeeper.catch_up()
        async with database.transaction() as connection:
            events = await fetch_all(connection, "SELECT event FROM outbox ORDER BY id")
            sessions = await fetch_all(connection, "SELECT ended_at FROM session")
        await database.close()
    assert [row["event"]["kind"] for row in events] == ["session.started", "session.ended"]
    assert [row["ended_at"] is not None for row in sessions] == [True]


@pytest.mark.parametrize("store", STORES)
async def test_a_database_from_before_the_price_groups_is_brought_up_and_asks_for_all_tokens(store: str) -> None:
    with throw_away_database(store) as dsn:
        database = open_database(dsn)
        await database.create_schema()
        async with database.transaction() as connection:
            await connection.execute("ALTER TABLE token DROP COLUMN price_group")
        for cursor, expected in (("x", False), ("y", "y")):
            async with database.transaction() as connection:
                await connection.execute("UPDATE sync_state SET cursor = %s", [Jsonb(cursor)])
            await database.create_schema()
            async with database.transaction() as connection:
                assert await fetch_all(connection, "SELECT price_group FROM token") == []
                assert await fetch_all(connection, "SELECT cursor FROM sync_state") == [{"cursor": expected}]
        await database.close()


async def _write_journal(database: Database) -> None:
    """A session as the front leaves it to the ledger."""
    entries = []
    for action, payload in (("StartTransaction", start_payload()), ("StopTransaction", stop_payload(1))):
        entry = Entry("CS-1", "1.6", "in", json.dumps([2, action, action, payload]))
        entry.action = action
        entries.append(entry)
    entries[0].note = json.dumps({"status": "Accepted", "type": "RFID", "key": "k", "number": 1})
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO node (id) VALUES (1)")
    connection = await database.connect()
    await database.journal(1).append(connection, datetime.now(UTC), entries)
    await connection.close()


async def _cancelled(*_arguments: object) -> None:
    raise asyncio.CancelledError


async def test_at_whatever_moment_the_bridge_is_killed_what_it_acknowledged_is_on_disk(
    own: tuple[BridgeProcess, FakeOdoo],
) -> None:
    bridge, _odoo = own
    acknowledged: list[str] = []
    for moment in (0.01, 0.05, 0.1, 0.2, 0.4):
        station = await RawStation.open(bridge.url, "CS-1")
        counting = asyncio.create_task(station.count_until_it_breaks(len(acknowledged) * 10))
        await asyncio.sleep(moment)
        bridge.kill()
        acknowledged += await counting
        await asyncio.to_thread(bridge.start)
    rows = bridge.rows("SELECT raw FROM journal WHERE action = 'DataTransfer'")
    kept = [json.loads(row["raw"])[3]["data"] for row in rows]
    assert acknowledged
    assert set(acknowledged) <= set(kept)


@pytest.mark.parametrize("outage", ["down", "http_500", "lose_answer"])
async def test_an_outage_of_odoo_in_the_middle_of_a_session_loses_and_doubles_nothing(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, outage: str
) -> None:
    session = simulate(bridge, "1.6")
    await eventually(lambda: len(odoo.of_kind("session.meter")) >= 3)
    if outage == "down":
        odoo.stop()
    else:
        odoo.fault = outage
    await asyncio.wait_for(session, 30)
    assert bridge.health()["outbox_pending"] > 0
    if outage == "down":
        odoo.start()
    else:
        odoo.fault = None
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    await eventually(lambda: bridge.health()["outbox_pending"] == 0)
    assert_complete(odoo)


async def test_the_order_of_a_session_survives_an_outage(
    bridge: BridgeProcess, odoo: FakeOdoo, station: Any, eventually: Eventually
) -> None:
    odoo.stop()
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    for minute in range(1, 6):
        payload = meter_payload(str(1000 + minute), minute, started["transactionId"])
        await socket.call("MeterValues", payload)
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    await socket.call("StatusNotification", status_payload("Available", 31))
    odoo.start()
    await eventually(lambda: odoo.of_kind("session.unplugged"))
    assert odoo.kinds() == [
        "session.started",
        *["session.meter"] * 5,
        "session.ended",
        "session.unplugged",
    ]
    assert energies(odoo) == ["1.001", "1.002", "1.003", "1.004", "1.005"]


async def test_a_message_that_cannot_be_stored_is_not_answered_and_ends_the_connection(
    bridge: BridgeProcess, station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """The station repeats what was not answered, so a full disk costs time and no session."""
    socket = await station()
    with bridge.refusing("journal", "action = 'StartTransaction'"):
        await socket.send("StartTransaction", start_payload())
        with pytest.raises(ConnectionClosed):
            await socket.receive()
        assert bridge.rows("SELECT uid FROM session") == []
    second = await station()
    assert (await second.call("StartTransaction", start_payload()))["transactionId"] > 0
    await eventually(lambda: len(odoo.of_kind("session.started")) == 1)


async def test_a_billing_message_that_breaks_the_ledger_is_acknowledged_and_reported(
    bridge: BridgeProcess, station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    with bridge.refusing("session", "evse = 9"):
        assert (await socket.call("StartTransaction", start_payload(connector=9)))["transactionId"] > 0
        conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]["payload"]
    assert conflict["reason"] == "message_not_understood"
    assert conflict["raw"] == start_payload(connector=9)


async def test_an_event_that_odoo_refuses_for_good_is_set_aside_and_holds_up_no_other_session(
    eventually: Eventually,
) -> None:
    with running_bridge(outbox_attempts=3) as (bridge, odoo):
        odoo.refused_kinds = {"session.started"}
        station = await RawStation.open(bridge.url, "CS-1")
        refused = await station.call("StartTransaction", start_payload(connector=1))
        await station.call("StopTransaction", stop_payload(refused["transactionId"]))
        await eventually(lambda: bridge.health()["dead_letters"] == 1)
        await eventually(lambda: odoo.of_kind("session.ended"))
        odoo.refused_kinds = set()
        await station.call("StartTransaction", start_payload(connector=2))
        await eventually(lambda: odoo.of_kind("session.started"))
        letters = bridge.rows("SELECT event, error, attempts FROM dead_letter")
        assert letters[0]["event"]["kind"] == "session.started"
        assert (letters[0]["error"], letters[0]["attempts"]) == ("The EVSE is not known.", 3)
        await station.socket.close()


async def test_an_event_that_breaks_the_whole_call_is_found_and_the_others_arrive(
    eventually: Eventually,
) -> None:
    with running_bridge(outbox_attempts=2) as (bridge, odoo):
        odoo.breaking_kinds = {"session.conflict"}
        station = await RawStation.open(bridge.url, "CS-1")
        started = await station.call("StartTransaction", start_payload())
        await station.call("StopTransaction", stop_payload(424242))
        await station.call("StopTransaction", stop_payload(started["transactionId"]))
        await eventually(lambda: odoo.of_kind("session.ended"))
        await eventually(lambda: bridge.health()["dead_letters"] == 1)
        assert odoo.kinds() == ["session.started", "session.ended"]
        await station.socket.close()


async def test_a_command_on_the_wire_during_a_kill_is_unknown_and_is_not_sent_again(
    eventually: Eventually,
) -> None:
    with running_bridge(call_timeout=30) as (bridge, odoo):
        station = await RawStation.open(bridge.url, "CS-1")
        odoo.commands.append(command("remote_start", {"evse": 1, "token_uid": "app"}))
        assert (await station.receive())[2] == "RemoteStartTransaction"
        bridge.kill()
        await asyncio.to_thread(bridge.start)
        again = await RawStation.open(bridge.url, "CS-1")
        await eventually(lambda: len(odoo.of_kind("command.result")) == 2)
        assert [e["payload"]["status"] for e in odoo.of_kind("command.result")] == ["sent", "unknown"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(again.socket.recv(), 0.5)
        await again.socket.close()


async def test_a_terminated_bridge_says_goodbye_and_ends_with_status_0() -> None:
    with running_bridge() as (bridge, _odoo):
        station = await RawStation.open(bridge.url, "CS-1")
        assert await asyncio.to_thread(bridge.stop) == 0
        await station.socket.wait_closed()
        assert station.socket.close_code == 1012


@pytest.mark.parametrize("attempt", range(3))
async def test_the_back_ends_when_its_front_was_killed_in_the_middle_of_work(
    own: tuple[BridgeProcess, FakeOdoo], eventually: Eventually, attempt: int
) -> None:
    bridge, _odoo = own
    [back] = bridge.children()
    station = await RawStation.open(bridge.url, "CS-1")
    for _ in range(20):
        await station.send("Heartbeat", {})
    bridge.kill()
    await eventually(lambda: not _command_of(back))


def _command_of(pid: int) -> bytes:
    """Empty for a process that has ended and that nobody has asked about yet."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
