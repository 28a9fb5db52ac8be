"""The store in PostgreSQL: a small pool, advisory locks, LISTEN and NOTIFY, a journal that is written by COPY."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING

import orjson
import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps

from .database import Connection, fetch_value

if TYPE_CHECKING:
    from .journal import Entry

_logger = logging.getLogger(__name__)

PostgresConnection = psycopg.AsyncConnection[DictRow]

# A commit is the promise that a reply rests on: never answer from a session that gave up durability.
_SESSION_OPTIONS = "-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=20000"
# Alters nothing but the order in which two starting bridges create the schema.
_SCHEMA_LOCK = 7_204_150_001
_CHANNEL = "emobility_bridge"
_BLOCK = 1000  # INCREMENT of journal_id_seq
_NULL = "\\N"
_COPY = "COPY journal (id, node, station, direction, at, ocpp, action, raw, answer, note, problem) FROM STDIN"

set_json_dumps(lambda value: orjson.dumps(value))


class Postgres:
    """At most `size` connections, opened when needed, thrown away when broken."""

    is_shared = True

    def __init__(self, dsn: str, size: int = 8) -> None:
        self._dsn = dsn
        self._slots = asyncio.Semaphore(size)
        self._idle: list[PostgresConnection] = []

    async def connect(self) -> PostgresConnection:
        """A new connection outside the pool, in autocommit mode; the caller closes it."""
        return await psycopg.AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=10,
            options=_SESSION_OPTIONS,
            application_name="emobility_bridge",
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that is durable when the block is left without exception. Raises psycopg.Error."""
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self.connect()
            try:
                async with connection.transaction():
                    yield connection
            finally:
                if connection.closed or connection.broken:
                    await connection.close()
                else:
                    self._idle.append(connection)

    async def wait(self, seconds: float) -> None:
        """Wait for a server that is just starting, as after a power cut. Raises psycopg.OperationalError."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                await (await self.connect()).close()
                return
            except psycopg.OperationalError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                _logger.warning("The database is awaited: %s", error)
                await asyncio.sleep(1)

    async def create_schema(self) -> None:
        """Create what is missing."""
        schema = resources.files(__package__).joinpath("schema.sql").read_bytes()
        async with self.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
            await connection.execute(schema)

    async def try_lock(self, connection: Connection, kind: int, number: int) -> bool:
        """An advisory lock of the connection."""
        return bool(await fetch_value(connection, "SELECT pg_try_advisory_lock(%s, %s)", [kind, number]))

    async def listen(self, connection: Connection) -> None:
        """LISTEN."""
        await connection.execute(f"LISTEN {_CHANNEL}")

    async def news(self, connection: Connection) -> AsyncIterator[str]:
        """What NOTIFY brings."""
        assert isinstance(connection, psycopg.AsyncConnection)
        async for notification in connection.notifies():
            yield notification.payload

    async def tell(self, connection: Connection, message: str) -> None:
        """NOTIFY."""
        await connection.execute("SELECT pg_notify(%s, %s)", [_CHANNEL, message])

    def journal(self, node: int) -> PostgresJournal:
        """The journal of a node."""
        return PostgresJournal(node)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().close()


class PostgresJournal:
    """Ids grow with the order of the commits of this node, for the ledger goes through them in that order."""

    def __init__(self, node: int) -> None:
        self._node = node
        self._next_id = self._last_id = 0

    async def append(self, connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
        """On a connection in autocommit mode, a COPY outside a transaction is one transaction of its own."""
        await self._take_ids(connection, len(entries))
        middle = f"\t{at.isoformat()}\t"
        lines = []
        for number, entry in enumerate(entries, self._next_id):
            lines.append(
                f"{number}\t{self._node}\t{_text(entry.station)}\t{entry.direction}{middle}{entry.ocpp}\t"
                f"{_optional(entry.action)}\t{_text(entry.raw)}\t{_optional(entry.answer)}\t"
                f"{_optional(entry.note)}\t{_optional(entry.problem)}\n"
            )
        self._next_id += len(entries)
        assert isinstance(connection, psycopg.AsyncConnection)
        async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            await copy.write("".join(lines).encode())

    async def _take_ids(self, connection: Connection, count: int) -> None:
        if self._last_id - self._next_id < count:
            self._next_id = await fetch_value(connection, "SELECT nextval('journal_id_seq')")
            self._last_id = self._next_id + _BLOCK


def _text(value: str) -> str:
    """A value as COPY reads it. PostgreSQL holds no NUL."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\x00", "").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _optional(value: str | None) -> str:
    return _NULL if value is None else _text(value)
