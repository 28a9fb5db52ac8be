"""Sessions as the bridge keeps them, and the events about them; the same for every OCPP version.

Every event uid comes from what the event says, so that a repeated message repeats no event.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID, uuid4

import orjson

from .authorization import REMOTE_START_WINDOW
from .normalise import Reading, decimal_text, mapping, parse_time
from .sessions import Session
from .work import Work, event_uid

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NewSession:
    """What is known of a session when its first message arrives."""

    natural_key: str
    transaction_id: str
    evse: int
    connector: int
    started_at: datetime
    token_uid: str | None
    token_type: str | None
    authorization_status: str | None
    meter_start_kwh: Decimal | None
    start_seen: bool
    remote_id: int | None = None


def _transaction_id(raw: dict[str, Any]) -> str:
    """What a message calls its transaction, for the log."""
    return str(raw.get("transactionId") or mapping(raw.get("transactionInfo")).get("transactionId") or "?")[:100]


def assumed_end(session_uid: UUID, at: datetime, reason: str) -> tuple[UUID, str, datetime, dict[str, Any]]:
    """The event that says that a session must have ended by `at`, though its station never said so."""
    payload = {"meter_kwh": None, "reason": reason, "token_uid": None, "estimated": True}
    return event_uid(session_uid, "end assumed"), "session.ended", at, payload


class Ledger:
    """Session operations inside one unit of work."""

    def __init__(self, work: Work) -> None:
        self.work = work

    # -- find ---------------------------------------------------------------------------------------------

    async def by_key(self, natural_key: str) -> Session | None:
        """The session with this natural key."""
        for session in await self._recent():
            if session.natural_key == natural_key:
                return session
        return await self._older("natural_key = %s", natural_key)

    async def by_transaction(self, transaction_id: str, at: datetime) -> Session | None:
        """The session with this OCPP transaction id; stations reuse ids, so the newest begun by `at` wins."""
        found = [session for session in await self._recent() if session.transaction_id == transaction_id]
        if found:
            return max(found, key=lambda session: (session.started_at <= at, session.started_at))
        return await self._older(
            "transaction_id = %s ORDER BY started_at <= %s DESC, started_at DESC", transaction_id, at
        )

    async def on_evse(self, evse: int, at: datetime) -> Session | None:
        """The session that ran on an EVSE at a time."""
        found = [session for session in await self._recent() if session.evse == evse and session.ran_at(at)]
        if found:
            return max(found, key=lambda session: session.started_at)
        if self.work.batch.sessions.is_complete_since(at, self.work.received_at):
            return None
        return await self._older(
            "evse = %s AND started_at <= %s AND (ended_at IS NULL OR ended_at >= %s) ORDER BY started_at DESC",
            evse,
            at,
            at,
        )

    async def open_begun_before(self, at: datetime) -> list[Session]:
        """All sessions of the station that have not ended and began by `at`."""
        return [
            session
            for session in await self._recent()
            if session.ended_at is None and session.started_at <= at
        ]

    async def _recent(self) -> list[Session]:
        return await self.work.batch.sessions.of(self.work.batch.connection, self.work.station)

    async def _older(self, where: LiteralString, *parameters: object) -> Session | None:
        work = self.work
        return await work.batch.sessions.load_one(work.batch.connection, work.station, where, parameters)

    # -- change -------------------------------------------------------------------------------------------

    async def create(self, new: NewSession) -> Session:
        """Store a session under a fresh uid, and apply the statuses that overtook it on the wire."""
        uid = uuid4()
        session = Session(
            uid=uid,
            station=self.work.station,
            natural_key=new.natural_key,
            transaction_id=new.transaction_id,
            evse=new.evse,
            connector=new.connector,
            token_uid=new.token_uid,
            token_type=new.token_type,
            authorization_status=new.authorization_status,
            remote_ref=await self._claim_remote_start(uid, new),
            started_at=new.started_at,
            meter_start_kwh=new.meter_start_kwh,
            start_seen=new.start_seen,
        )
        self._assume_ends(new, await self._recent())
        self.work.batch.add_session(session)
        return session

    async def apply_earlier_statuses(self, session: Session, states: dict[str, str]) -> None:
        """Replay connector statuses that arrived before the start that they belong to."""
        rows = await self.work.all(
            "SELECT status, at FROM connector_status WHERE station = %s AND evse = %s AND at >= %s"
            " ORDER BY at, id",
            self.work.station,
            session.evse,
            session.started_at,
        )
        for row in rows:
            if row["status"] in states:
                self.state(session, states[row["status"]], row["at"])
            self.cable(session, row["status"], row["at"])

    def started(self, session: Session) -> None:
        """Announce the session to Odoo; again is harmless."""
        self._emit(
            session,
            event_uid(session.uid, "started"),
            "session.started",
            session.started_at,
            {
                "transaction_id": session.transaction_id,
                "evse": session.evse,
                "connector": session.connector,
                "token_uid": session.token_uid,
                "token_type": session.token_type,
                "meter_kwh": decimal_text(session.meter_start_kwh),
                "authorization": session.authorization_status,
                "remote_ref": session.remote_ref,
                "authorization_reference": self.work.note.get("reference"),
            },
        )

    def update(self, session: Session, **values: object) -> None:
        """Change columns; written at the end of the batch."""
        for column, value in values.items():
            setattr(session, column, value)
        self.work.batch.touch(session)

    def meter(self, session: Session, readings: list[Reading]) -> None:
        """Report readings, also after the end: late values enrich the session before it is billed."""
        if readings:
            at = parse_time(readings[-1]["at"]) or self.work.received_at
            digest = orjson.dumps(readings, option=orjson.OPT_SORT_KEYS).decode()
            uid = event_uid(session.uid, "meter", digest)
            self._emit(session, uid, "session.meter", at, {"readings": readings})

    def state(self, session: Session, state: str, at: datetime) -> None:
        """Report what the session does from `at` on; a repetition of the newest state is not reported."""
        newest = session.state_at is None or at >= session.state_at
        if newest and session.state == state:
            return
        if newest:
            self.update(session, state=state, state_at=at)
        uid = event_uid(session.uid, "state", state, at.isoformat())
        self._emit(session, uid, "session.state", at, {"state": state})

    def end(
        self,
        session: Session,
        at: datetime,
        meter_kwh: Decimal | None,
        reason: str | None,
        token_uid: str | None,
    ) -> bool:
        """End the session once. False when it had already ended with other values: the first end stays.

        An end that was only assumed is no such end.
        """
        if session.ended_at is not None and not session.end_assumed:
            return session.ended_at == at and session.meter_stop_kwh == meter_kwh
        self.update(session, ended_at=at, meter_stop_kwh=meter_kwh, end_assumed=False)
        self._emit(
            session,
            event_uid(session.uid, "ended"),
            "session.ended",
            at,
            {"meter_kwh": decimal_text(meter_kwh), "reason": reason, "token_uid": token_uid},
        )
        self._report_cable_out(session)
        return True

    def _assume_ends(self, new: NewSession, known: list[Session]) -> None:
        """A connector has one transaction at a time: one that is still open there when another begins was orphaned."""
        for session in known:
            if (
                (session.evse, session.connector) == (new.evse, new.connector)
                and new.evse
                and session.ended_at is None
                and session.started_at < new.started_at
            ):
                self.update(session, ended_at=new.started_at, end_assumed=True)
                event = assumed_end(session.uid, new.started_at, "NewTransaction")
                self._emit(session, *event)

    def cable(self, session: Session, status: str, at: datetime) -> None:
        """Note that the connector became free, or is not free after all (stations say so while they boot)."""
        if status == "Available":
            self.cable_out(session, at)
        elif session.ended_at is None and session.cable_out_at is not None and at >= session.cable_out_at:
            self.update(session, cable_out_at=None)

    def cable_out(self, session: Session, at: datetime) -> None:
        """Note that the cable is out; reported once the session has ended, for only then is it sure."""
        if session.cable_out_at is None:
            self.update(session, cable_out_at=at)
            self._report_cable_out(session)

    async def status(self, evse: int, status: str, at: datetime, states: dict[str, str]) -> None:
        """Apply a connector status to the sessions of its EVSE; `states` maps statuses to charging states."""
        self.work.batch.statuses.append((self.work.station, evse, status, at))
        waiting = [
            session
            for session in await self._recent()
            if session.evse == evse
            and session.started_at <= at
            and (session.ended_at is None or session.cable_out_at is None)
        ]
        waiting.sort(key=lambda session: session.started_at, reverse=True)
        for session in waiting:
            self.cable(session, status, at)
        if waiting and status in states and waiting[0].cable_out_at is None:
            self.state(waiting[0], states[status], at)

    def conflict(
        self, session: Session | None, reason: str, raw: dict[str, Any], key: object = ""
    ) -> None:
        """Report something that contradicts what is known; `key` tells one conflict from its repetition."""
        self.work.problems.append(reason)
        session_uid = None if session is None else str(session.uid)
        transaction = _transaction_id(raw) if session is None else session.transaction_id
        _logger.warning(
            "%s, transaction %s: %s",
            self.work.station,
            transaction,
            reason,
            extra={"station": self.work.station, "transaction": transaction},
        )
        uid = event_uid(self.work.station, session_uid, "conflict", reason, key)
        self.work.emit(
            f"conflict:{uid}" if session is None else f"session:{session.uid}",
            uid,
            "session.conflict",
            self.work.received_at,
            {"session_uid": session_uid, "reason": reason, "raw": raw},
        )

    def _emit(
        self, session: Session, uid: UUID, kind: str, at: datetime, payload: dict[str, Any]
    ) -> None:
        self.work.emit(
            f"session:{session.uid}", uid, kind, at, {"session_uid": str(session.uid), **payload}
        )

    def _report_cable_out(self, session: Session) -> None:
        if session.ended_at is not None and session.cable_out_at is not None and not session.end_assumed:
            at = max(session.ended_at, session.cable_out_at)
            self._emit(session, event_uid(session.uid, "unplugged"), "session.unplugged", at, {})

    async def _claim_remote_start(self, session_uid: UUID, new: NewSession) -> str | None:
        """The command that this session comes from: by remoteStartId (2.0.1), or by token and EVSE (1.6)."""
        if new.remote_id is not None:
            where: LiteralString = "remote_id = %s"
            parameters: list[object] = [new.remote_id]
        else:
            where = (
                "session_uid IS NULL AND upper(payload->>'token_uid') = upper(%s) AND created_at > %s"
                " AND (payload->>'evse' IS NULL OR CAST(payload->>'evse' AS int) IN (0, %s))"
            )
            parameters = [new.token_uid, self.work.received_at - REMOTE_START_WINDOW, new.evse]
        row = await self.work.one(
            "UPDATE command SET session_uid = %s WHERE uid = (SELECT uid FROM command WHERE station = %s"
            " AND action = 'remote_start' AND state IN ('sent', 'accepted', 'unknown') AND "
            + where
            + " ORDER BY created_at DESC LIMIT 1) RETURNING uid",
            session_uid,
            self.work.station,
            *parameters,
        )
        return None if row is None else str(row["uid"])
