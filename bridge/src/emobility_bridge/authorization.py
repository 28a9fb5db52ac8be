"""Who may charge, answered from the copy of Odoo's tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .work import Work

REMOTE_START_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Authorization:
    """The answer for one token; `token_type` is Odoo's type when the token is known."""

    status: str  # Accepted, Blocked, Expired, Invalid
    token_type: str | None = None
    valid_until: datetime | None = None
    group: str | None = None


async def authorize(work: Work, token_uid: str | None, evse: int | None = None) -> Authorization:
    """Decide on a token now.

    A token of a recent remote start is good until the session it led to ends: Odoo decided when it sent the
    command. When the copy is older than `token_max_age`, the station's policy decides: `accept_known` uses
    the copy, `accept_all` also takes unknown tokens, `reject` takes none.
    """
    if token_uid is None or not work.accepted:
        return Authorization("Invalid")
    remote = await _remote_start(work, token_uid, evse)
    if remote is not None:
        return Authorization("Accepted", remote)
    stale = await _is_stale(work)
    if stale and work.offline_policy == "reject":
        return Authorization("Invalid")
    row = await work.one("SELECT * FROM token WHERE key = %s", token_uid.upper())
    if row is None:
        return Authorization("Accepted" if stale and work.offline_policy == "accept_all" else "Invalid")
    status = row["status"]
    if status == "Accepted" and row["valid_until"] and row["valid_until"] <= work.received_at:
        status = "Expired"
    return Authorization(status, row["type"], row["valid_until"], row["group_id"])


async def _remote_start(work: Work, token_uid: str, evse: int | None) -> str | None:
    row = await work.one(
        "SELECT payload->>'token_type' AS token_type FROM command"
        " WHERE station = %s AND action = 'remote_start' AND state IN ('sent', 'accepted', 'unknown')"
        " AND upper(payload->>'token_uid') = upper(%s) AND (session_uid IS NULL AND created_at > %s OR EXISTS"
        " (SELECT FROM session WHERE session.uid = command.session_uid AND session.ended_at IS NULL))"
        " AND (%s::int IS NULL OR payload->>'evse' IS NULL OR (payload->>'evse')::int IN (0, %s::int))"
        " LIMIT 1",
        work.station,
        token_uid,
        work.received_at - REMOTE_START_WINDOW,
        evse,
        evse,
    )
    return None if row is None else row["token_type"] or "OTHER"


async def _is_stale(work: Work) -> bool:
    row = await work.one("SELECT synced_at FROM sync_state")
    synced_at = row["synced_at"] if row else None
    return synced_at is None or (work.received_at - synced_at).total_seconds() > work.token_max_age
