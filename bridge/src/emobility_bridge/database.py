"""The store of a bridge, whichever engine keeps it: PostgreSQL, or SQLite for a bridge that is alone.

Statements are written for PostgreSQL, in the part of SQL that `sqlite` can carry over. Errors are those of psycopg.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from .journal import Entry

Row = dict[str, Any]


class Cursor(Protocol):
    """The outcome of a statement."""

    @property
    def rowcount(self) -> int:
        """Rows that were changed, of all runs of `executemany`."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    async def fetchone(self) -> Row | None:
        """The next row."""

    async def fetchall(self) -> list[Row]:
        """The rows that are left."""

    async def execute(self, query: Any, params: Any = None, /) -> Any:
        """Run a statement."""

    async def executemany(self, query: Any, params_seq: Any, /) -> None:
        """Run a statement with each of the parameters."""


class Connection(Protocol):
    """A connection in autocommit mode."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    async def execute(self, query: Any, params: Any = None, /) -> Cursor:
        """Run a statement. Raises psycopg.Error."""

    def cursor(self) -> Cursor:
        """For several statements."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Durable when the block is left without exception."""

    async def close(self) -> None:
        """Close it."""


class JournalTable(Protocol):
    """How entries get onto the disk."""

    async def append(self, connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
        """Write entries in their order, all or none; durable at once when no transaction is open."""


class Database(Protocol):
    """What a bridge asks of its store."""

    is_shared: bool
    """Whether several bridges may serve it."""

    async def connect(self) -> Connection:
        """A connection of the caller's own, who closes it. Raises psycopg.OperationalError."""

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that is durable when the block is left without exception. Raises psycopg.Error."""

    async def wait(self, seconds: float) -> None:
        """Wait for a server that is just starting. Raises psycopg.OperationalError."""

    async def create_schema(self) -> None:
        """Create what is missing."""

    async def try_lock(self, connection: Connection, kind: int, number: int) -> bool:
        """Take a lock that is free again when the connection, or the process, is gone. False when another has it."""

    async def listen(self, connection: Connection) -> None:
        """From now on `news` are kept for this connection."""

    def news(self, connection: Connection) -> AsyncIterator[str]:
        """What other parts tell, until the connection is lost."""

    async def tell(self, connection: Connection, message: str) -> None:
        """Tell all parts, and all bridges, on this database."""

    def journal(self, node: int) -> JournalTable:
        """The journal of a node."""

    async def close(self) -> None:
        """Close what is open."""


def open_database(dsn: str) -> Database:
    """The store that a DSN names: `sqlite:///path`, else PostgreSQL."""
    if dsn.startswith("sqlite:"):
        from .sqlite import Sqlite

        return Sqlite(dsn)
    from .postgres import Postgres

    return Postgres(dsn)


async def fetch_one(connection: Connection, query: Any, parameters: Any = None) -> Row | None:
    """The first row of a query, or None."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchone()


async def fetch_all(connection: Connection, query: Any, parameters: Any = None) -> list[Row]:
    """All rows of a query."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchall()


async def fetch_value(connection: Connection, query: Any, parameters: Any = None) -> Any:
    """The only column of the only row of a query that always has one."""
    row = await fetch_one(connection, query, parameters)
    assert row is not None
    return next(iter(row.values()))
