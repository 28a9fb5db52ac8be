"""From the journal to the ledger: applies what stations said, in order, a batch in a transaction.

It reads nothing but the database, so that it does not matter whether a message came a moment ago or before a crash:
the number of the last entry that was applied is written in the transaction that applies it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import psycopg

from . import direct_payment, handlers16, handlers20
from .common import Handlers
from .database import Connection, Database, fetch_all, fetch_one, fetch_value
from .ledger import Ledger
from .rpc import FrameError, Version, payload_of
from .sessions import Sessions
from .work import Batch, Stale, Work, event_uid

_logger = logging.getLogger(__name__)

_BATCH = 500
_HANDLERS: dict[Version, Handlers] = {
    "1.6": handlers16.HANDLERS,
    "2.0.1": handlers20.HANDLERS,
    "2.1": handlers20.HANDLERS | direct_payment.HANDLERS,
}
_BILLING = handlers16.BILLING | handlers20.BILLING
_HANDLED = "SELECT handled_id FROM node WHERE id = %s FOR UPDATE"
_NEXT = """
    SELECT id, station, direction, at, ocpp, action, raw, note FROM journal
    WHERE node = %s AND id > %s ORDER BY id LIMIT %s"""
_GONE = """
    UPDATE station_state SET node = NULL WHERE identity = %s AND generation = %s AND node IS NOT NULL
    RETURNING identity"""

Row = dict[str, Any]


class Bookkeeper:
    """Applies the journal of one node."""

    def __init__(self, database: Database, node: int) -> None:
        self._database, self._node = database, node
        self._sessions = Sessions()

    async def catch_up(self, rest: Callable[[float], Awaitable[None]] | None = None) -> None:
        """Apply all that is in the journal. Raises psycopg.OperationalError.

        `rest` is called after each batch with the seconds that it took.
        """
        begun = time.perf_counter()
        while await self._advance(_BATCH):
            if rest is not None:
                await rest(time.perf_counter() - begun)
            begun = time.perf_counter()

    async def _advance(self, limit: int) -> bool:
        """Apply the next entries; False when there are none.

        When a batch breaks, its messages are applied one by one, and only the broken one is set aside.
        """
        try:
            return await self._apply_next(limit)
        except psycopg.OperationalError:
            raise
        except Stale as reason:
            _logger.info("A batch is applied again: %s", reason)
        except Exception as error:  # whatever a station sends, a message it bills with must not be lost
            if limit == 1:
                await self._quarantine_next(error)
                return True
            for _ in range(limit):
                if not await self._advance(1):
                    return False
        return True

    async def _apply_next(self, limit: int) -> bool:
        try:
            return await self._apply(limit)
        except BaseException:
            # What is in memory was never stored. Also when the process is just ending: it goes through the journal once
            # more, and would take for a repetition what it has forgotten.
            self._sessions.clear()
            raise

    async def _apply(self, limit: int) -> bool:
        async with self._database.transaction() as connection:
            rows = await self._next(connection, limit)
            if rows:
                batch = Batch(connection, self._sessions)
                for row in rows:
                    await self._entry(batch, row)
                await batch.flush()
                await self._mark(connection, rows[-1])
        return bool(rows)

    async def _next(self, connection: Connection, limit: int) -> list[Row]:
        """The lock makes a ledger that is just ending and the one that follows it take turns."""
        handled = await fetch_value(connection, _HANDLED, [self._node])
        return await fetch_all(connection, _NEXT, [self._node, handled, limit])

    async def _mark(self, connection: Connection, row: Row) -> None:
        await connection.execute(
            "UPDATE node SET handled_id = %s, seen_at = now() WHERE id = %s", [row["id"], self._node]
        )

    async def _entry(self, batch: Batch, row: Row) -> None:
        if row["direction"] == "in":
            handler = _HANDLERS[row["ocpp"]].get(row["action"])
            if handler is None:
                return
            work = _work(batch, row)
            await handler(work, payload_of(row["raw"]))
            if work.problems:
                batch.problem("; ".join(work.problems), self._node, row["id"])
        elif row["direction"] == "up":
            await self._forget(batch, row["station"])
            _report(_work(batch, row), row, "station.connected")
        elif row["direction"] == "down":
            await self._forget(batch, row["station"])
            # Only the newest socket takes the station offline when it closes.
            if await fetch_one(batch.connection, _GONE, [row["station"], row["note"]]):
                _report(_work(batch, row), row, "station.disconnected")

    async def _forget(self, batch: Batch, station: str) -> None:
        """Read the sessions of a station anew, for another node may have had it; what changed so far is written."""
        await batch.flush()
        self._sessions.forget(station)

    async def _quarantine_next(self, error: Exception) -> None:
        """The message stays in the journal with the reason; one that is billed with is reported to Odoo."""
        async with self._database.transaction() as connection:
            [row] = await self._next(connection, 1)
            _logger.error(
                "A %s of %s cannot be interpreted",
                row["action"],
                row["station"],
                exc_info=error,
                extra={"station": row["station"], "node": self._node},
            )
            batch = Batch(connection, self._sessions)
            if row["action"] in _BILLING:
                payload = _legible(row["raw"])
                key = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
                Ledger(_work(batch, row)).conflict(None, "message_not_understood", payload, key)
            batch.problem(f"{type(error).__name__}: {error}"[:500], self._node, row["id"])
            await batch.flush()
            await self._mark(connection, row)


def _work(batch: Batch, row: Row) -> Work:
    note = row["note"] if isinstance(row["note"], dict) else {}
    return Work(batch, row["station"], row["ocpp"], row["at"], note)


def _report(work: Work, row: Row, kind: str) -> None:
    payload = {"ocpp": work.ocpp, "remote_address": row["raw"]}
    work.emit_station(event_uid(kind, row["id"]), kind, row["at"], payload)


def _legible(raw: str) -> dict[str, Any]:
    """What of a message can be shown to a person."""
    try:
        return payload_of(raw)
    except FrameError:
        return {"text": raw[:10_000]}
