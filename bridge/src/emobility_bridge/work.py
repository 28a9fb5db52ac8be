"""What the ledger writes: a batch of messages in one transaction, and one message within it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid5

import orjson
from psycopg.types.json import Jsonb

from .database import Connection, fetch_all, fetch_one
from .normalise import clean, iso
from .rpc import Version
from .sessions import COLUMNS, Session, Sessions

# All event uids of the bridge live in this namespace; changing it would deliver old events again.
NAMESPACE = UUID("6f0f5a34-5d0e-5a6b-9d0a-3d1f0c9c6a11")

_OUTBOX: LiteralString = """
    INSERT INTO outbox (aggregate, uid, event)
    SELECT aggregate, uid, event
    FROM unnest(%s::text[], %s::uuid[], %s::jsonb[]) WITH ORDINALITY AS new (aggregate, uid, event, n)
    WHERE true ORDER BY n
    ON CONFLICT (uid) DO NOTHING"""
_STATUSES: LiteralString = "INSERT INTO connector_status (station, evse, status, at) VALUES (%s, %s, %s, %s)"
_INSERT: Any = (
    f"INSERT INTO session ({', '.join(COLUMNS)}) VALUES ({', '.join('%s' for _ in COLUMNS)})"
    " ON CONFLICT DO NOTHING"
)
_CHANGING = tuple(name for name in COLUMNS if name not in ("uid", "station", "natural_key", "version"))
_UPDATE: Any = (
    f"UPDATE session SET {', '.join(f'{name} = %s' for name in _CHANGING)}, version = version + 1"
    " WHERE uid = %s AND version = %s"
)
_PROBLEM: LiteralString = (
    "UPDATE journal SET problem = substr(concat_ws('; ', problem, %s::text), 1, 1000) WHERE node = %s AND id = %s"
)


class Stale(Exception):
    """Another ledger has written a session in the meantime: read anew and do the batch again."""


def event_uid(*key: object) -> UUID:
    """The uid of an event from its natural key: the same fact has the same uid, however often it arrives."""
    return uuid5(NAMESPACE, "|".join(map(str, key)))


def now() -> datetime:
    """The bridge's clock, aware UTC."""
    return datetime.now(UTC)


class Batch:
    """What a run of messages changes; written at the end, or earlier when a message has to read it."""

    def __init__(self, connection: Connection, sessions: Sessions) -> None:
        self.connection, self.sessions = connection, sessions
        self.statuses: list[tuple[str, int, str, datetime]] = []
        self._outbox: list[tuple[str, UUID, str]] = []
        self._created: dict[UUID, Session] = {}
        self._changed: dict[UUID, Session] = {}
        self._problems: list[tuple[str, int, int]] = []

    def add_session(self, session: Session) -> None:
        """A new session."""
        self.sessions.add(session)
        self._created[session.uid] = session

    def touch(self, session: Session) -> None:
        """A session that was changed."""
        if session.uid not in self._created:
            self._changed[session.uid] = session

    def emit(self, aggregate: str, uid: UUID, event: dict[str, Any]) -> None:
        """An event for Odoo; one with a uid that is there already changes nothing."""
        self._outbox.append((aggregate, uid, orjson.dumps(event).decode()))

    def problem(self, text: str, node: int, entry_id: int) -> None:
        """Something about a message that a person may want to see beside it."""
        self._problems.append((text, node, entry_id))

    async def flush(self) -> None:
        """Write what has gathered. Raises Stale when another ledger was faster."""
        await self._write_sessions()
        async with self.connection.cursor() as cursor:
            if self.statuses:
                await cursor.executemany(_STATUSES, self.statuses)
            if self._outbox:
                aggregates, uids, events = zip(*self._outbox, strict=True)
                await cursor.execute(_OUTBOX, [list(aggregates), list(uids), list(events)])
            if self._problems:
                await cursor.executemany(_PROBLEM, self._problems)
        self.statuses, self._outbox, self._problems = [], [], []

    async def _write_sessions(self) -> None:
        async with self.connection.cursor() as cursor:
            if self._created:
                rows = [[getattr(s, name) for name in COLUMNS] for s in self._created.values()]
                await cursor.executemany(_INSERT, rows)
                if cursor.rowcount != len(rows):
                    raise Stale("A session was made elsewhere.")
            if self._changed:
                rows = [
                    [*(getattr(s, name) for name in _CHANGING), s.uid, s.version] for s in self._changed.values()
                ]
                await cursor.executemany(_UPDATE, rows)
                if cursor.rowcount != len(rows):
                    raise Stale("A session was changed elsewhere.")
                for session in self._changed.values():
                    session.version += 1
        self._created, self._changed = {}, {}


@dataclass(slots=True)
class Work:
    """One message that the ledger applies, and what has been noticed in it."""

    batch: Batch
    station: str
    ocpp: Version
    received_at: datetime
    note: dict[str, Any]
    problems: list[str] = field(default_factory=list)

    async def all(self, query: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        """All rows of a query that sees what the batch has written so far."""
        await self.batch.flush()
        return await fetch_all(self.batch.connection, query, parameters)

    async def one(self, query: LiteralString, *parameters: object) -> dict[str, Any] | None:
        """The first row of a query that sees what the batch has written so far."""
        await self.batch.flush()
        return await fetch_one(self.batch.connection, query, parameters)

    def emit(self, aggregate: str, uid: UUID, kind: str, at: datetime, payload: dict[str, Any]) -> None:
        """Put an event into the outbox."""
        event = {"uid": str(uid), "station": self.station, "kind": kind, "at": iso(at), "payload": payload}
        self.batch.emit(aggregate, uid, event)

    def emit_station(self, uid: UUID, kind: str, at: datetime, payload: dict[str, Any]) -> None:
        """Put an event of the station itself into the outbox."""
        self.emit(f"station:{self.station}", uid, kind, at, payload)


async def emit(
    connection: Connection,
    station: str,
    aggregate: str,
    uid: UUID,
    kind: str,
    at: datetime,
    payload: dict[str, Any],
) -> None:
    """Put an event that belongs to no message into the outbox; one that is already there stays as it is."""
    event = {"uid": str(uid), "station": station, "kind": kind, "at": iso(at), "payload": clean(payload)}
    await connection.execute(
        "INSERT INTO outbox (aggregate, uid, event) VALUES (%s, %s, %s) ON CONFLICT (uid) DO NOTHING",
        [aggregate, uid, Jsonb(event)],
    )
