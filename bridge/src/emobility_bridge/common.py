"""What both OCPP versions do alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from .ledger import Ledger
from .normalise import iso
from .work import HEARTBEAT_EVERY_SECONDS, Work, event_uid

Payload = dict[str, Any]
Handlers = dict[str, Callable[[Work, Payload], Awaitable[Payload]]]


async def boot(work: Work, identification: Payload) -> Payload:
    """Count the boot and report it. Open transactions stay open: stations resume them after a power cut."""
    work.boots += 1
    await work.execute("UPDATE station_state SET boots = %s WHERE identity = %s", work.boots, work.station)
    await work.emit_station(
        event_uid(work.station, "boot", work.boots, iso(work.received_at)),
        "station.boot",
        work.received_at,
        {**identification, "ocpp": work.ocpp},
    )
    return {
        "currentTime": iso(work.received_at),
        "interval": work.heartbeat_interval,
        "status": "Accepted" if work.accepted else "Pending",
    }


async def heartbeat(work: Work, payload: Payload) -> Payload:
    """Heartbeat: answered always, reported at most once a minute."""
    row = await work.one(
        "UPDATE station_state SET heartbeat_at = %s WHERE identity = %s"
        " AND (heartbeat_at IS NULL OR heartbeat_at <= %s - make_interval(secs => %s)) RETURNING identity",
        work.received_at,
        work.station,
        work.received_at,
        HEARTBEAT_EVERY_SECONDS,
    )
    if row is not None:
        uid = event_uid(work.station, "heartbeat", iso(work.received_at))
        await work.emit_station(uid, "station.heartbeat", work.received_at, {})
    return {"currentTime": iso(work.received_at)}


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
    await work.emit(
        f"connector:{work.station}/{evse}/{connector}",
        event_uid(work.station, "status", evse, connector, status, error_code, iso(at)),
        "connector.status",
        at,
        {"evse": evse, "connector": connector, "status": status, "error_code": error_code, "info": info},
    )
    if evse:
        await Ledger(work).status(evse, status, at, states)


async def acknowledge(work: Work, payload: Payload) -> Payload:
    """Messages that are kept in the frame log and need no more than an answer."""
    return {}


async def data_transfer(work: Work, payload: Payload) -> Payload:
    """DataTransfer: kept in the frame log; no vendor extension is spoken here."""
    return {"status": "UnknownVendorId"}
