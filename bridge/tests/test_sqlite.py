"""What is particular to the store in a SQLite file; the durability tests run on it too."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from conftest import BridgeProcess, Eventually, running_bridge, throw_away_database
from fake_odoo import FakeOdoo
from raw_station import RawStation
from test_wire16 import command, start_payload, stop_payload
from websockets.exceptions import ConnectionClosed

from emobility_bridge.database import fetch_all, fetch_one
from emobility_bridge.sqlite import Sqlite

_ALMOST_FULL = 8 * 1024 * 1024


@pytest.fixture
async def store(tmp_path: Path) -> Sqlite:
    found = Sqlite(f"sqlite://{tmp_path}/bridge.db")
    await found.create_schema()
    return found


async def test_lists_of_one_statement_stand_side_by_side(store: Sqlite) -> None:
    query = (
        "SELECT name, size, n FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY AS asked (name, size, n)"
        " WHERE name = ANY(%s) ORDER BY n"
    )
    async with store.transaction() as connection:
        rows = await fetch_all(connection, query, [["a", "b", "c"], [1, None, 3], ["c", "b"]])
    assert rows == [{"name": "b", "size": None, "n": 2}, {"name": "c", "size": 3, "n": 3}]
    await store.close()


async def test_values_come_back_as_they_were(store: Sqlite) -> None:
    """A register is no binary fraction, and times of other zones are compared as times."""
    uid, begun = uuid4(), datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    async with store.transaction() as connection:
        await connection.execute(
            "INSERT INTO session (uid, station, natural_key, transaction_id, evse, connector, started_at,"
            " meter_start_kwh, start_seen) VALUES (%s, 'CS', 'k', '1', 1, 1, %s, %s, %s)",
            [uid, begun, Decimal("1012.1500"), True],
        )
        found = await fetch_one(
            connection,
            "SELECT uid, started_at, meter_start_kwh, start_seen, ended_at FROM session WHERE started_at < %s",
            [datetime(2026, 7, 1, 10, 0, 1, tzinfo=UTC)],
        )
    assert found == {
        "uid": uid,
        "started_at": begun,
        "meter_start_kwh": Decimal("1012.1500"),
        "start_seen": True,
        "ended_at": None,
    }
    assert found is not None and str(found["meter_start_kwh"]) == "1012.1500"
    await store.close()


async def test_a_transaction_that_breaks_leaves_nothing_and_the_next_one_works(store: Sqlite) -> None:
    with pytest.raises(psycopg.IntegrityError):
        async with store.transaction() as connection:
            await connection.execute("INSERT INTO stranger (identity, first_seen, reported_at) VALUES ('a', '', '')")
            await connection.execute("INSERT INTO stranger (identity, first_seen, reported_at) VALUES ('a', '', '')")
    async with store.transaction() as connection:
        assert await fetch_all(connection, "SELECT identity FROM stranger") == []
    await store.close()


async def test_a_transaction_that_is_cancelled_gives_its_turn_back(store: Sqlite) -> None:
    async def wait() -> None:
        async with store.transaction():
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    for _ in range(3):
        await asyncio.sleep(0)  # it is about to begin, in the thread of the connection
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with store.transaction() as connection:
        assert await fetch_one(connection, "SELECT 1 AS one") == {"one": 1}
    await store.close()


def test_a_second_bridge_on_the_same_file_does_not_start() -> None:
    with running_bridge("sqlite") as (bridge, _odoo):
        assert "Another bridge runs on it" in bridge.ends_with()
        assert bridge.health()["status"] == "ok"
        bridge.kill()
        bridge.start()  # the lock of a killed bridge holds nobody up


def test_the_file_is_for_its_owner_alone() -> None:
    """There are hashes of passwords in it."""
    with running_bridge("sqlite") as (bridge, _odoo):
        for file in Path(bridge.dsn.removeprefix("sqlite://")).parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_commands_reach_the_station_without_listen_and_notify(eventually: Eventually) -> None:
    with running_bridge("sqlite") as (bridge, odoo):
        station = await RawStation.open(bridge.url, "CS-1")
        odoo.commands.append(command("reset", {"kind": "soft"}))
        call = await station.receive()
        assert call[2:] == ["Reset", {"type": "Soft"}]
        await station.answer(call, {"status": "Accepted"})
        await eventually(lambda: len(odoo.of_kind("command.result")) == 2)
        await station.socket.close()


async def test_on_a_full_disk_nothing_is_answered_and_with_room_again_nothing_is_lost(eventually: Eventually) -> None:
    odoo = FakeOdoo()
    odoo.start()
    with throw_away_database("sqlite") as dsn:
        bridge = BridgeProcess(dsn, odoo)
        bridge.start(_ALMOST_FULL)
        answered = 0
        try:
            station = await RawStation.open(bridge.url, "CS-1")
            with pytest.raises(ConnectionClosed):
                while True:
                    await station.call("DataTransfer", {"vendorId": "x", "data": "x" * 500_000})
                    answered += 1
            assert answered > 5
            bridge.kill()
            await asyncio.to_thread(bridge.start)
            last = await RawStation.open(bridge.url, "CS-1")
            started = await last.call("StartTransaction", start_payload())
            await last.call("StopTransaction", stop_payload(started["transactionId"]))
            await eventually(lambda: odoo.of_kind("session.ended"))
            assert odoo.kinds() == ["session.started", "session.ended"]
            kept = bridge.rows("SELECT count(*) AS kept FROM journal WHERE action = 'DataTransfer'")
            assert kept == [{"kept": answered}]
            await last.socket.close()
        finally:
            bridge.kill()
            odoo.stop()
