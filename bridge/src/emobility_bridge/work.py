"""One unit of work: what one message or one change of a station writes, in one database transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from .database import Connection, fetch_one
from .normalise import clean, clean_text, iso
from .rpc import Version

# All event uids of the bridge live in this namespace; changing it would deliver old events again.
NAMESPACE = UUID("6f0f5a34-5d0e-5a6b-9d0a-3d1f0c9c6a11")
HEARTBEAT_EVERY_SECONDS = 60


def event_uid(*key: object) -> UUID:
    """The uid of an event from its natural key: the same fact has the same uid, however often it arrives."""
    return uuid5(NAMESPACE, "|".join(map(str, key)))


def now() -> datetime:
    """The bridge's clock, aware UTC."""
    return datetime.now(UTC)


@dataclass
class Work:
    """The open transaction, whose station row is locked, and what has been noticed in it."""

    connection: Connection
    station: str
    ocpp: Version
    received_at: datetime
    boots: int
    accepted: bool
    offline_policy: str
    heartbeat_interval: int
    token_max_age: float
    problems: list[str] = field(default_factory=list)

    @classmethod
    async def begin(
        cls,
        connection: Connection,
        station: str,
        ocpp: Version,
        heartbeat_interval: int,
        token_max_age: float,
    ) -> Work:
        """Lock the station's row (made when missing), so that two sockets of one identity take turns."""
        state = await fetch_one(
            connection,
            "INSERT INTO station_state (identity, ocpp) VALUES (%s, %s)"
            " ON CONFLICT (identity) DO UPDATE SET ocpp = EXCLUDED.ocpp RETURNING boots",
            [station, ocpp],
        )
        known = await fetch_one(
            connection, "SELECT accepted, offline_policy FROM station WHERE identity = %s", [station]
        )
        assert state is not None
        return cls(
            connection,
            station,
            ocpp,
            now(),
            boots=state["boots"],
            accepted=bool(known and known["accepted"]),
            offline_policy=known["offline_policy"] if known else "reject",
            heartbeat_interval=heartbeat_interval,
            token_max_age=token_max_age,
        )

    async def execute(self, query: LiteralString, *parameters: object) -> None:
        """Run a statement in this transaction."""
        await self.connection.execute(query, parameters)

    async def one(self, query: LiteralString, *parameters: object) -> dict[str, Any] | None:
        """The first row of a query in this transaction, or None."""
        return await fetch_one(self.connection, query, parameters)

    async def log(
        self, direction: str, raw: str, message_id: object, action: str | None, problem: str | None = None
    ) -> None:
        """Keep a frame as it was on the wire."""
        await log_frame(self.connection, self.station, direction, raw, message_id, action, problem)

    async def emit(self, aggregate: str, uid: UUID, kind: str, at: datetime, payload: dict[str, Any]) -> bool:
        """Put an event into the outbox; False when this fact is already there."""
        return await emit(self.connection, self.station, aggregate, uid, kind, at, payload)

    async def emit_station(self, uid: UUID, kind: str, at: datetime, payload: dict[str, Any]) -> bool:
        """Put an event of the station itself into the outbox."""
        return await self.emit(f"station:{self.station}", uid, kind, at, payload)


async def emit(
    connection: Connection,
    station: str,
    aggregate: str,
    uid: UUID,
    kind: str,
    at: datetime,
    payload: dict[str, Any],
) -> bool:
    """Put a bridge event into the outbox; False when its uid is already there."""
    event = {"uid": str(uid), "station": station, "kind": kind, "at": iso(at), "payload": clean(payload)}
    cursor = await connection.execute(
        "INSERT INTO outbox (aggregate, uid, event) VALUES (%s, %s, %s) ON CONFLICT (uid) DO NOTHING",
        [aggregate, uid, Jsonb(event)],
    )
    return cursor.rowcount == 1


async def log_frame(
    connection: Connection,
    station: str,
    direction: str,
    raw: str,
    message_id: object,
    action: str | None,
    problem: str | None = None,
) -> None:
    """Append to the frame log."""
    await connection.execute(
        "INSERT INTO frame_log (station, direction, message_id, action, raw, problem)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            station,
            direction,
            None if message_id is None else str(message_id),
            action,
            clean_text(raw),
            problem,
        ],
    )
