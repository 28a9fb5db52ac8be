"""Connections to the bridge's PostgreSQL: a small pool, transactions, and the schema."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import orjson
import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps

_logger = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[DictRow]

# A commit is the promise that a reply rests on: never answer from a session that gave up durability.
_SESSION_OPTIONS = "-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=20000"
# Alters nothing but the order in which two starting bridges create the schema.
_SCHEMA_LOCK = 7_204_150_001

set_json_dumps(lambda value: orjson.dumps(value))


class Database:
    """At most `size` connections, opened when needed, thrown away when broken."""

    def __init__(self, dsn: str, size: int = 8) -> None:
        self._dsn = dsn
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    async def connect(self) -> Connection:
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

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().close()


async def fetch_one(connection: Connection, query: Any, parameters: Any = None) -> DictRow | None:
    """The first row of a query, or None."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchone()


async def fetch_all(connection: Connection, query: Any, parameters: Any = None) -> list[DictRow]:
    """All rows of a query."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchall()


async def fetch_value(connection: Connection, query: Any, parameters: Any = None) -> Any:
    """The only column of the only row of a query that always has one."""
    row = await fetch_one(connection, query, parameters)
    assert row is not None
    return next(iter(row.values()))
