"""Who may charge, answered from the copy of Odoo's tokens; many questions at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .database import Connection, fetch_all

REMOTE_START_WINDOW = timedelta(minutes=15)
UNKNOWN = "*"
"""The token that stands in the copy for all that are not in it."""

# A token of a recent remote start is good until the session it led to ends: Odoo decided when it sent the command.
_QUERY = """
    SELECT asked.n, station.accepted, station.offline_policy, token.type, token.status, token.valid_until,
           token.group_id, coalesce(sync_state.synced_at < %s, true) AS stale,
           driver_tariff.tariff, driver_tariff.valid_until AS tariff_until,
           (SELECT coalesce(payload->>'token_type', 'OTHER') FROM command
             WHERE command.station = asked.station AND action = 'remote_start'
             AND state IN ('sent', 'accepted', 'unknown') AND upper(payload->>'token_uid') = upper(asked.token)
             AND (session_uid IS NULL AND created_at > %s OR EXISTS
                 (SELECT 1 FROM session WHERE session.uid = command.session_uid AND session.ended_at IS NULL))
             AND (asked.evse IS NULL OR payload->>'evse' IS NULL
                 OR CAST(payload->>'evse' AS int) IN (0, asked.evse)) LIMIT 1) AS remote_type
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::int[]) AS asked (n, station, token, evse)
    CROSS JOIN sync_state
    LEFT JOIN station ON station.identity = asked.station
    LEFT JOIN token ON token.key = upper(asked.token)
    LEFT JOIN driver_tariff
        ON driver_tariff.station = asked.station AND driver_tariff.price_group = token.price_group"""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer for one token; `token_type` is Odoo's type when the token is known.

    `ask`: its provider wants to be asked, and `status` is what counts when nobody can be. `reference` is what the
    provider calls its answer. `tariff` is what the driver pays at this station (TariffType of OCPP 2.1); None when that
    is not known for sure.
    """

    status: str  # Accepted, Blocked, Expired, Invalid
    token_type: str | None = None
    valid_until: datetime | None = None
    group: str | None = None
    ask: bool = False
    reference: str | None = None
    tariff: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may this token charge at this station?"""

    station: str
    token_uid: str
    evse: int | None


async def authorize(
    connection: Connection, asked: Sequence[Asked], at: datetime, token_max_age: float
) -> list[Authorization]:
    """Decide on tokens now.

    When the copy is older than `token_max_age`, the station's policy decides: `accept_known` uses the copy,
    `accept_all` also takes unknown tokens, `reject` takes none.
    """
    rows = await fetch_all(
        connection,
        _QUERY,
        [
            at - timedelta(seconds=token_max_age),
            at - REMOTE_START_WINDOW,
            list(range(len(asked))),
            [question.station for question in asked],
            [question.token_uid for question in asked],
            [question.evse for question in asked],
        ],
    )
    answers = [Authorization("Invalid")] * len(asked)
    for row in rows:
        answers[row["n"]] = _decide(row, at)
    return answers


def _decide(row: dict[str, object], at: datetime) -> Authorization:
    if not row["accepted"]:
        return Authorization("Invalid")
    if row["remote_type"] is not None:
        return Authorization("Accepted", str(row["remote_type"]), tariff=_tariff(row, at))
    if row["stale"] and row["offline_policy"] == "reject":
        return Authorization("Invalid")
    if row["status"] is None:
        return Authorization("Accepted" if row["stale"] and row["offline_policy"] == "accept_all" else "Invalid")
    valid_until = row["valid_until"]
    assert valid_until is None or isinstance(valid_until, datetime)
    expired = row["status"] == "Accepted" and valid_until is not None and valid_until <= at
    group = row["group_id"]
    status, ask = "Expired" if expired else str(row["status"]), False
    if status in ("Ask", "AskOnline"):
        policy, ask = row["offline_policy"], True
        alone = policy == "accept_all" or (status == "AskOnline" and policy != "reject")
        status = "Accepted" if alone else "Invalid"
    return Authorization(
        status, str(row["type"]), valid_until, None if group is None else str(group), ask, tariff=_tariff(row, at)
    )


def _tariff(row: dict[str, Any], at: datetime) -> dict[str, Any] | None:
    """Rather none than one that may have changed."""
    until = row["tariff_until"]
    if row["stale"] or until is None or until <= at:
        return None
    tariff: dict[str, Any] = row["tariff"]
    return tariff
