"""What both OCPP versions do alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from .ledger import Ledger
from .normalise import iso
from .work import Work, event_uid

Payload = dict[str, Any]
Handlers = dict[str, Callable[[Work, Payload], Awaitable[None]]]


def boot(work: Work, identification: Payload) -> None:
    """Report the boot. Open transactions stay open: stations resume them after a power cut."""
    work.emit_station(
        event_uid(work.station, "boot", work.note.get("boots"), iso(work.received_at)),
        "station.boot",
        work.received_at,
        {**identification, "ocpp": work.ocpp},
    )


async def heartbeat(work: Work, payload: Payload) -> None:
    """Heartbeat: reported at most once a minute."""
    if work.batch.sessions.is_heartbeat_due(work.station, work.received_at):
        uid = event_uid(work.station, "heartbeat", iso(work.received_at))
        work.emit_station(uid, "station.heartbeat", work.received_at, {})


async def status(
    work: Work,
    evse: int,
    *,
    connector: int,
    status: str | None,
    at: datetime,
    error_code: str | None,
    info: str | None,
    states: dict[str, str],
) -> None:
    """Report a connector status and apply it to the sessions on its EVSE."""
    if status is None:
        work.problems.append("There is no status.")
        return
    work.emit(
        f"connector:{work.station}/{evse}/{connector}",
        event_uid(work.station, "status", evse, connector, status, error_code, iso(at)),
        "connector.status",
        at,
        {"evse": evse, "connector": connector, "status": status, "error_code": error_code, "info": info},
    )
    if evse:
        await Ledger(work).status(evse, status, at, states)
