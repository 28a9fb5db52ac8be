"""Remote commands: from a stored row to a call on the station's socket, and back as `command.result`.

A command goes on the wire at most once: it is marked as sent, durably, before it is. When the answer does not
come, the result is `unknown`, and nothing is repeated: a second remote start could be a second session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import psycopg

from .calls import Refused, translate, verdict
from .database import Connection, Database, fetch_all, fetch_one
from .normalise import clean_text, integer, iso
from .rpc import Answer, SchemaError, Version, check_outgoing
from .work import emit, event_uid, now

_logger = logging.getLogger(__name__)

_LEFT = "SELECT * FROM command WHERE state = 'sent' AND node = %s"
_NEW = """
    SELECT command.* FROM command LEFT JOIN station_state ON identity = station
    WHERE state = 'new' AND (station_state.node IS NULL OR station_state.node = %s) ORDER BY created_at, remote_id"""
_FRAMES, _LONGEST_FRAME = 200, 20_000
_SECRETS = ("AuthorizationKey", "BasicAuthPassword", "SharedSecret")
_WIRE = """
    SELECT at, direction, ocpp, action, raw, answer, problem FROM journal
    WHERE station = %s AND direction IN ('in', 'out') ORDER BY id DESC LIMIT %s"""
_ADVANCE = """
    UPDATE command SET state = %s, node = coalesce(%s, node) WHERE uid = %s AND state = %s RETURNING uid"""


class Station(Protocol):
    """A connected station, as far as commands see it."""

    identity: str
    ocpp: Version

    def note_cost(self, transaction_id: str, cost: float) -> None:
        """Remember what a transaction has cost so far."""

    async def call(self, action: str, payload: dict[str, Any]) -> Answer:
        """Send a CALL and wait; raises ConnectionError or TimeoutError when no answer comes."""


class Commands:
    """Runs new commands, one task each; the station's own lock keeps one call at a time on a socket."""

    def __init__(
        self,
        database: Database,
        station: Callable[[str], Station | None],
        node: int,
        reported: Callable[[], None],
    ) -> None:
        self._database, self._station, self._node, self._reported = database, station, node, reported
        self._running: dict[str, asyncio.Task[None]] = {}

    async def recover(self) -> None:
        """Commands that were on the wire when the last process ended: nobody will ever hear their answer."""
        async with self._database.transaction() as connection:
            for row in await fetch_all(connection, _LEFT, [self._node]):
                await _result(connection, row, "sent", "unknown", "The bridge was restarted before the answer came.")

    async def run_new(self) -> None:
        """Start every stored command for a station that is here, or that is nowhere."""
        async with self._database.transaction() as connection:
            rows = await fetch_all(connection, _NEW, [self._node])
        for row in rows:
            if row["uid"] not in self._running:
                task = asyncio.create_task(self._run(row))
                self._running[row["uid"]] = task
                task.add_done_callback(partial(self._forget, row["uid"]))

    def _forget(self, uid: str, _task: asyncio.Task[None]) -> None:
        self._running.pop(uid, None)

    async def _run(self, row: dict[str, Any]) -> None:
        try:
            await self._execute(row)
        except psycopg.Error as error:
            _logger.warning(
                "Command %s stays where it is: %s",
                row["uid"],
                error,
                extra={"station": row["station"], "command": row["uid"]},
            )

    async def _execute(self, row: dict[str, Any]) -> None:
        if row["action"] == "frames":
            await self._finish(row, "new", "accepted", "", {"frames": await self._frames(row)})
            return
        station = self._station(row["station"])
        if row["expires_at"] is not None and row["expires_at"] <= now():
            await self._finish(row, "new", "expired", "The command arrived after its time.")
            return
        if station is None:
            await self._finish(row, "new", "offline", "The station is not connected.")
            return
        try:
            action, payload = await self._translate(station.ocpp, row)
            check_outgoing(station.ocpp, action, payload)
        except (Refused, SchemaError) as reason:
            await self._finish(row, "new", "rejected", str(reason))
            return
        if not await self._finish(row, "new", "sent", ""):
            return  # another bridge was faster
        if action == "CostUpdated":
            station.note_cost(payload["transactionId"], payload["totalCost"])
        try:
            answer = await station.call(action, payload)
        except TimeoutError:
            await self._finish(row, "sent", "unknown", "The station did not answer in time.")
        except ConnectionError:
            await self._finish(row, "sent", "unknown", "The connection was lost before the answer came.")
        else:
            good, word = verdict(answer.payload)
            status = "accepted" if good and answer.error is None else "rejected"
            await self._finish(row, "sent", status, answer.error or word, answer.payload)

    async def _finish(
        self, row: dict[str, Any], before: str, status: str, detail: str, answer: dict[str, Any] | None = None
    ) -> bool:
        """Take the command from one state to the next; False when it was no longer in the state before."""
        async with self._database.transaction() as connection:
            done = await _result(connection, row, before, status, detail, self._node, answer)
        self._reported()
        return done

    async def _translate(self, ocpp: Version, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        payload = dict(row["payload"])
        if row["action"] == "remote_stop" or payload.get("session_uid"):
            async with self._database.transaction() as connection:
                payload["transaction_id"] = await _transaction_of(connection, row)
        return translate(ocpp, row["action"], payload, row["remote_id"])


    async def _frames(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """What was on the wire lately, as it was, but for passwords."""
        limit = min(integer(row["payload"].get("limit")) or _FRAMES, _FRAMES)
        async with self._database.transaction() as connection:
            rows = await fetch_all(connection, _WIRE, [row["station"], limit])
        return [frame | {"at": iso(frame["at"]), "raw": _shown(frame["raw"])} for frame in rows]


def _shown(raw: str) -> str:
    if any(name in raw for name in _SECRETS):
        return "(not shown: there is a password in it)"
    return clean_text(raw[:_LONGEST_FRAME])


async def _transaction_of(connection: Connection, row: dict[str, Any]) -> str:
    """What the station calls the session that the command names."""
    try:
        uid = UUID(str(row["payload"].get("session_uid")))
    except ValueError as reason:
        raise Refused("The command needs a session uid.") from reason
    session = await fetch_one(
        connection,
        "SELECT transaction_id, ended_at FROM session WHERE uid = %s AND station = %s",
        [uid, row["station"]],
    )
    if session is None:
        raise Refused("The station has no such session.")
    if session["ended_at"] is not None and row["action"] == "remote_stop":
        raise Refused("The session has already ended.")
    return str(session["transaction_id"])


async def _result(
    connection: Connection,
    row: dict[str, Any],
    before: str,
    status: str,
    detail: str,
    node: int | None = None,
    answer: dict[str, Any] | None = None,
) -> bool:
    changed = await fetch_one(connection, _ADVANCE, [status, node, row["uid"], before])
    if changed is None:
        return False
    await emit(
        connection,
        row["station"],
        f"command:{row['uid']}",
        event_uid("command", row["uid"], status),
        "command.result",
        now(),
        {
            "command_uid": row["uid"],
            "status": status,
            "detail": detail,
            "answer": answer,
            "number": row["remote_id"],
        },
    )
    return True
