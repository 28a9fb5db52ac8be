"""The store in a SQLite file: for one bridge that is alone, on a machine without PostgreSQL.

SQLite has one writer at a time, so every transaction takes its turn at the beginning (BEGIN IMMEDIATE). A commit is on
disk when it returns: WAL with synchronous=FULL. Other bridges are kept out by a lock on a file beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import Jsonb

from .database import Connection, Row, fetch_one

if TYPE_CHECKING:
    from .journal import Entry

_PATIENCE = 30.0  # seconds to wait for whoever writes
_LOOK = 0.1  # seconds between two looks for news; the front and the back share nothing but the file
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL")
_APPEND = """
    INSERT INTO journal (node, station, direction, at, ocpp, action, raw, answer, note, problem)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_Result = TypeVar("_Result")


# -- values ---------------------------------------------------------------------------------------------------


def _moment(value: datetime) -> str:
    """Of one length and one time zone: the order of the texts is that of the times."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _json(value: Jsonb) -> str:
    return orjson.dumps(value.obj).decode()


sqlite3.register_adapter(datetime, _moment)
sqlite3.register_adapter(Decimal, str)
sqlite3.register_adapter(UUID, str)
sqlite3.register_adapter(Jsonb, _json)
sqlite3.register_adapter(list, lambda value: orjson.dumps(value).decode())
# The declared types of schema_sqlite.sql; each has the affinity of a text, which keeps what is written.
sqlite3.register_converter("timetext", lambda raw: datetime.fromisoformat(raw.decode()))
sqlite3.register_converter("decimaltext", lambda raw: Decimal(raw.decode()))
sqlite3.register_converter("uuidtext", lambda raw: UUID(raw.decode()))
sqlite3.register_converter("jsontext", orjson.loads)
sqlite3.register_converter("boolean", lambda raw: raw != b"0")


# -- statements -----------------------------------------------------------------------------------------------

_LISTS = re.compile(r"unnest\((%s(?:, %s)*)\)( WITH ORDINALITY)? AS (\w+) \((\w+(?:, \w+)*)\)")
_RULES = (
    (re.compile(r"::\w+(\[\])?"), ""),
    (re.compile(r"= ANY\(%s\)"), "IN (SELECT value FROM json_each(%s))"),
    (re.compile(r"\bFOR UPDATE\b"), ""),
)


@lru_cache(maxsize=500)
def carry_over(query: str) -> str:
    """A statement for PostgreSQL as SQLite reads it. A list arrives as the text of a JSON array."""
    for pattern, replacement in _RULES:
        query = pattern.sub(replacement, query)
    return _LISTS.sub(_side_by_side, query).replace("%s", "?")


def _side_by_side(found: re.Match[str]) -> str:
    """`unnest` of several lists: a row for each place in them."""
    parameters, ordinality, alias, names = found.groups()
    columns = names.split(", ")
    lists = [f"%s AS list{n}" for n in range(parameters.count("%s"))]
    values = [f"json_extract(list{n}, '$[' || key || ']')" for n in range(len(lists))]
    if ordinality:
        values.append("key + 1")
    select = ", ".join(f"{value} AS {name}" for value, name in zip(values, columns, strict=True))
    return f"(SELECT {select} FROM (SELECT {', '.join(lists)}), json_each(list0)) AS {alias}"


def _concat_ws(separator: str, *values: str | None) -> str:
    return separator.join(value for value in values if value is not None)


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("now", 0, lambda: _moment(datetime.now(UTC))),
    ("upper", 1, lambda value: None if value is None else str(value).upper()),  # SQLite's knows ASCII alone
    ("concat_ws", -1, _concat_ws),
)


# -- connections ----------------------------------------------------------------------------------------------


class SqliteCursor:
    """Rows that were read with the statement, for a statement of SQLite has its effect when it was gone through."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Row] = []
        self.rowcount = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows = []

    async def fetchone(self) -> Row | None:
        """The next row."""
        return self._rows.pop(0) if self._rows else None

    async def fetchall(self) -> list[Row]:
        """The rows that are left."""
        rows, self._rows = self._rows, []
        return rows

    async def execute(self, query: str, params: Sequence[object] | None = None) -> Self:
        """Run a statement. Raises psycopg.Error."""
        self._rows, self.rowcount = await self._connection.run(_execute, carry_over(query), params or ())
        return self

    async def executemany(self, query: str, params_seq: Iterable[Sequence[object]]) -> None:
        """Run a statement with each of the parameters. Raises psycopg.Error."""
        self.rowcount = await self._connection.run(_execute_many, carry_over(query), list(params_seq))


class SqliteConnection:
    """A connection in autocommit mode, in a thread of its own: the disk must not hold up the sockets."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._raw: sqlite3.Connection | None = None

    async def open(self, path: Path) -> Self:
        """Open the file, which is made when it is not there, for its owner alone."""
        loop = asyncio.get_running_loop()
        try:
            self._raw = await loop.run_in_executor(self._thread, _open, path)
        except (sqlite3.Error, OSError) as error:
            self._thread.shutdown(wait=False)
            raise psycopg.OperationalError(f"{path}: {error}") from error
        return self

    async def run(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Do something with the raw connection. DB-API 2.0 names the errors; those of psycopg come out."""
        if self._raw is None:
            raise psycopg.InterfaceError("The connection is closed.")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, self._raw, *arguments)
        except sqlite3.Error as error:
            kind = getattr(psycopg, type(error).__name__, psycopg.OperationalError)
            raise kind(str(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def execute(self, query: str, params: Sequence[object] | None = None) -> SqliteCursor:
        """Run a statement. Raises psycopg.Error."""
        return await self.cursor().execute(query, params)

    def cursor(self) -> SqliteCursor:
        """For several statements."""
        return SqliteCursor(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Durable when the block is left without exception."""
        try:
            await self.run(_begin)
            yield
            await self.run(_commit)
        except BaseException:
            await self.run(_roll_back)
            raise

    async def close(self) -> None:
        """Close it; what was not committed is gone."""
        if self._raw is not None:
            await self.run(lambda raw: raw.close())
            self._raw = None
            self._thread.shutdown(wait=False)


def _open(path: Path) -> sqlite3.Connection:
    path.touch(0o600)  # there are hashes of passwords in it
    raw = sqlite3.connect(path, _PATIENCE, sqlite3.PARSE_DECLTYPES, isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
    for name, arguments, function in _FUNCTIONS:
        raw.create_function(name, arguments, function)
    return raw


def _add_price_group(raw: sqlite3.Connection) -> None:
    """To a file that is older than this column; all tokens have to come anew then."""
    if not any(column[1] == "price_group" for column in raw.execute("PRAGMA table_info(token)")):
        raw.executescript("ALTER TABLE token ADD COLUMN price_group text; UPDATE sync_state SET cursor = 'false'")


def _begin(raw: sqlite3.Connection) -> None:
    raw.execute("BEGIN IMMEDIATE")


def _commit(raw: sqlite3.Connection) -> None:
    raw.execute("COMMIT")


def _roll_back(raw: sqlite3.Connection) -> None:
    if raw.in_transaction:  # some errors, such as a full disk, end it by themselves
        raw.execute("ROLLBACK")


def _execute(raw: sqlite3.Connection, query: str, parameters: Sequence[object]) -> tuple[list[Row], int]:
    cursor = raw.execute(query, parameters)
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return rows, cursor.rowcount


def _execute_many(raw: sqlite3.Connection, query: str, rows: list[Sequence[object]]) -> int:
    return raw.executemany(query, rows).rowcount


# -- the store ------------------------------------------------------------------------------------------------


class Sqlite:
    """A file, the connection that all short transactions share, and the locks beside the file."""

    is_shared = False

    def __init__(self, dsn: str) -> None:
        self._path = Path(unquote(urlsplit(dsn).path))
        self._turn = asyncio.Lock()
        self._connection: SqliteConnection | None = None
        self._locks: int | None = None

    async def connect(self) -> SqliteConnection:
        """A new connection; the caller closes it."""
        return await SqliteConnection().open(self._path)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that is durable when the block is left without exception. Raises psycopg.Error."""
        async with self._turn:
            if self._connection is None:
                self._connection = await self.connect()
            async with self._connection.transaction():
                yield self._connection

    async def wait(self, seconds: float) -> None:
        """There is no server that might still be starting. Raises psycopg.OperationalError."""
        await (await self.connect()).close()

    async def create_schema(self) -> None:
        """Create what is missing."""
        schema = resources.files(__package__).joinpath("schema_sqlite.sql").read_text()
        async with await self.connect() as connection:
            await connection.run(lambda raw: raw.executescript(schema))
            await connection.run(_add_price_group)

    async def try_lock(self, connection: Connection, kind: int, number: int) -> bool:
        """A byte of a file beside the database, locked for this process until it ends."""
        if self._locks is None:
            self._locks = os.open(f"{self._path}-lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, kind + number)
        except BlockingIOError:
            return False
        return True

    async def listen(self, connection: Connection) -> None:
        """Nothing to do: `news` looks into the database."""

    async def news(self, connection: Connection) -> AsyncIterator[str]:
        """That copies from Odoo were pulled is all that there is to tell on a single node."""
        seen = None
        while True:
            row = await fetch_one(connection, "SELECT synced_at FROM sync_state")
            if row is not None and row["synced_at"] != seen:
                seen = row["synced_at"]
                yield "pulled"
            await asyncio.sleep(_LOOK)

    async def tell(self, connection: Connection, message: str) -> None:
        """Nothing to do: `news` looks into the database."""

    def journal(self, node: int) -> SqliteJournal:
        """The journal of a node."""
        return SqliteJournal(node)

    async def close(self) -> None:
        """Close the shared connection; the locks go with the process."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


class SqliteJournal:
    """Ids come from the table itself: there is one writer."""

    def __init__(self, node: int) -> None:
        self._node = node

    async def append(self, connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
        """Write entries in their order, all or none; durable at once when no transaction is open."""
        assert isinstance(connection, SqliteConnection)
        rows = [
            (
                self._node,
                entry.station,
                entry.direction,
                at,
                entry.ocpp,
                entry.action,
                entry.raw,
                entry.answer,
                entry.note,
                entry.problem,
            )
            for entry in entries
        ]
        await connection.run(_append, rows)


def _append(raw: sqlite3.Connection, rows: list[Sequence[object]]) -> None:
    if raw.in_transaction:
        raw.executemany(_APPEND, rows)
        return
    _begin(raw)
    try:
        raw.executemany(_APPEND, rows)
        _commit(raw)
    except BaseException:
        _roll_back(raw)
        raise
