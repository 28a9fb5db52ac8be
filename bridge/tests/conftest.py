"""A real bridge process on a throw-away database, with a fake Odoo beside it."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fake_odoo import API_KEY, FakeOdoo
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from raw_station import RawStation

from emobility_bridge import sqlite

STORES = ("postgres", "sqlite")
STORE = os.environ.get("EMOBILITY_TEST_STORE", "postgres")  # where the tests run that do not name one
_TABLES = (
    "journal",
    "station",
    "token",
    "driver_tariff",
    "station_state",
    "session",
    "connector_status",
    "outbox",
    "transaction_number",
    "dead_letter",
    "command",
    "stranger",
)
_NOT_SYNCED = "UPDATE sync_state SET synced_at = NULL"
_SOURCE = Path(__file__).parents[1] / "src"
_TIMEOUT = 60.0  # a limit for what hangs, not for a machine that is busy


class BridgeProcess:
    """`python -m emobility_bridge` as a child; it keeps its port and its database over restarts."""

    def __init__(self, dsn: str, odoo: FakeOdoo, **settings: object) -> None:
        self.dsn, self._odoo = dsn, odoo
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self, largest_file: int = resource.RLIM_INFINITY) -> None:
        """With a largest file it is as if the disk of a SQLite database were full."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "emobility_bridge"],
            env=self._environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY)),
        )
        self._wait_until_it_listens()

    def _environment(self) -> dict[str, str]:
        settings = {
            "dsn": self.dsn,
            "odoo_url": self._odoo.url,
            "odoo_db": "odoo",
            "odoo_login": "bridge",
            "odoo_api_key": API_KEY,
            "port": self.port,
            "sync_interval": 0.1,
            "outbox_interval": 0.1,
            "outbox_backoff": 0.1,
            "outbox_backoff_max": 0.3,
            "odoo_timeout": 5,
            "call_timeout": 1,
            **self.settings,
        }
        environment = {f"EMOBILITY_BRIDGE_{name.upper()}": str(value) for name, value in settings.items()}
        return {**os.environ, "PYTHONPATH": str(_SOURCE), **environment}

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while time.monotonic() < deadline:
            try:
                self.health()
                return
            except OSError:
                assert self._process is not None and self._process.poll() is None, "the bridge has ended"
                time.sleep(0.02)
        raise AssertionError("the bridge does not listen")

    def wait_for_sync(self) -> None:
        """Wait until stations and tokens have been pulled."""
        deadline = time.monotonic() + _TIMEOUT
        while self.health()["last_sync_seconds"] is None:
            assert time.monotonic() < deadline, "the bridge does not pull from Odoo"
            time.sleep(0.02)

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as response:
            return dict(json.load(response))

    def ends_with(self) -> str:
        """What a bridge says that cannot run beside this one."""
        twin = BridgeProcess(self.dsn, self._odoo)
        command = [sys.executable, "-m", "emobility_bridge"]
        ended = subprocess.run(command, env=twin._environment(), capture_output=True, text=True, timeout=_TIMEOUT)
        assert ended.returncode == 1
        return ended.stderr

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status comes back."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(10)

    def children(self) -> list[int]:
        """The processes that the bridge has started."""
        assert self._process is not None
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Look into the bridge's database."""
        if self.is_sqlite:
            with closing(sqlite._open(self._file)) as raw:
                return sqlite._execute(raw, sqlite.carry_over(query), parameters)[0]
        with psycopg.connect(self.dsn, row_factory=dict_row) as connection:
            return connection.execute(query, parameters).fetchall()  # type: ignore[call-overload,no-any-return]

    def execute(self, statement: str) -> None:
        """Change the bridge's database behind its back."""
        if self.is_sqlite:
            with closing(sqlite._open(self._file)) as raw:
                raw.execute(sqlite.carry_over(statement))
            return
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    @contextmanager
    def refusing(self, table: str, condition: str) -> Iterator[None]:
        """Rows of a table that fulfil a condition cannot be written."""
        if self.is_sqlite:
            self.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON {table} WHEN NEW.{condition}"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            self.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (NOT ({condition})) NOT VALID")
        try:
            yield
        finally:
            self.execute(
                "DROP TRIGGER refuse" if self.is_sqlite else f"ALTER TABLE {table} DROP CONSTRAINT refuse"
            )

    def empty(self) -> None:
        """Forget everything; again when a pull of the bridge is in the way."""
        if self.is_sqlite:
            with closing(sqlite._open(self._file)) as raw:
                deletions = "; ".join(f"DELETE FROM {table}" for table in _TABLES)
                raw.executescript(f"BEGIN IMMEDIATE; {deletions}; {_NOT_SYNCED}; COMMIT")
            return
        while True:
            try:
                self.execute(f"TRUNCATE {', '.join(_TABLES)}; {_NOT_SYNCED}")
                return
            except psycopg.errors.DeadlockDetected:
                continue

    @property
    def is_sqlite(self) -> bool:
        return self.dsn.startswith("sqlite:")

    @property
    def _file(self) -> Path:
        return Path(self.dsn.removeprefix("sqlite://"))

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@contextmanager
def throw_away_database(store: str = "postgres") -> Iterator[str]:
    """A new database on the server in EMOBILITY_TEST_PG, or a new file; gone afterwards."""
    if store == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite://{folder}/bridge.db"
        return
    server = os.environ.get("EMOBILITY_TEST_PG")
    if not server:
        pytest.fail("Set EMOBILITY_TEST_PG to the connection string of a PostgreSQL server for tests.")
    name = f"bridge_test_{uuid.uuid4().hex[:12]}"
    maintenance = make_conninfo(server, dbname="postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')  # type: ignore[arg-type]
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        _drop(maintenance, name)


def _drop(maintenance: str, name: str) -> None:
    """Drop a database; again when an autovacuum worker, which only a superuser may end, is at work in it."""
    with psycopg.connect(maintenance, autocommit=True) as connection:
        while True:
            try:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]
                return
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.2)


@contextmanager
def running_bridge(store: str = STORE, **settings: object) -> Iterator[tuple[BridgeProcess, FakeOdoo]]:
    """A bridge with a database and an Odoo of its own, which has pulled stations and tokens."""
    fake = FakeOdoo()
    fake.start()
    with throw_away_database(store) as dsn:
        process = BridgeProcess(dsn, fake, **settings)
        process.start()
        try:
            yield process, fake
        finally:
            if process.is_running:
                process.kill()
            fake.stop()


@pytest.fixture(scope="session")
def shared() -> Iterator[tuple[BridgeProcess, FakeOdoo]]:
    """One bridge for all tests that leave it as they found it: starting one takes longer than most tests."""
    with running_bridge() as pair:
        yield pair


@pytest.fixture
def bridge(shared: tuple[BridgeProcess, FakeOdoo]) -> BridgeProcess:
    """The shared bridge without any session or event."""
    process, fake = shared
    deadline = time.monotonic() + _TIMEOUT
    while any(process.health()[name] for name in ("connected_stations", "ledger_behind", "outbox_pending")):
        assert time.monotonic() < deadline, "the test before has left a station connected"
        time.sleep(0.02)
    process.empty()
    fake.reset()
    process.wait_for_sync()
    return process


@pytest.fixture
def odoo(bridge: BridgeProcess, shared: tuple[BridgeProcess, FakeOdoo]) -> FakeOdoo:
    """The Odoo of the shared bridge."""
    return shared[1]


Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; its value comes back."""

    async def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + _TIMEOUT
        while not (value := condition()):
            assert time.monotonic() < deadline, "the condition never held"
            await asyncio.sleep(0.02)
        return value

    return wait


@pytest.fixture
async def station(bridge: BridgeProcess) -> AsyncIterator[Callable[..., Awaitable[RawStation]]]:
    """Open a socket as a station; `station("CS-1", protocol="ocpp2.0.1")`. Closed after the test."""
    opened: list[RawStation] = []

    async def open_socket(identity: str = "CS-1", **options: Any) -> RawStation:
        opened.append(await RawStation.open(bridge.url, identity, **options))
        return opened[-1]

    yield open_socket
    for socket_ in opened:
        await socket_.socket.close()
