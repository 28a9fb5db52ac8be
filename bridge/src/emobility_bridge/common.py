"""What both OCPP versions do alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from .ledger import Ledger
from .normalise import integer, iso, text
from .work import Work, event_uid

Payload = dict[str, Any]
# Security events that only say that something was done which somebody wanted done (OCPP 2.0.1 part 2 appendix 1).
_HARMLESS = frozenset({"StartupOfTheDevice", "SettingSystemTime", "SecurityLogWasCleared", "FirmwareUpdated"})
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


def configuration(work: Work, found: list[Payload], payload: Payload) -> None:
    """Report settings of the station."""
    if found:
        uid = event_uid(work.station, "configuration", payload, iso(work.received_at))
        work.emit_station(uid, "station.configuration", work.received_at, {"items": found})


def notice(subject: str) -> Callable[[Work, Payload], Awaitable[None]]:
    """A report that is only to be read; most were asked for."""

    async def report(work: Work, payload: Payload) -> None:
        uid = event_uid(work.station, subject, payload, iso(work.received_at))
        work.emit_station(uid, "station.notice", work.received_at, {"subject": subject, "content": payload})

    return report


def progress(subject: str) -> Callable[[Work, Payload], Awaitable[None]]:
    """How far a firmware update, or an upload, has come; a repeated report of the same minute says nothing new."""

    async def report(work: Work, payload: Payload) -> None:
        state = text(payload.get("status"))
        if state is None:
            work.problems.append("There is no status.")
            return
        number = integer(payload.get("requestId"))
        uid = event_uid(work.station, "progress", subject, number, state, iso(work.received_at)[:16])
        content = {"subject": subject, "status": state[:50], "number": number}
        work.emit_station(uid, "station.progress", work.received_at, content)

    return report


async def security_event(work: Work, payload: Payload) -> None:
    """SecurityEventNotification: a person shall see what may be an attack."""
    kind = text(payload.get("type"))
    if kind in _HARMLESS or kind is None:
        return
    info = text(payload.get("techInfo"))
    uid = event_uid(work.station, "alarm", payload)
    words = f"{kind}: {info}" if info else kind
    work.emit_station(uid, "station.alarm", work.received_at, {"text": words[:500]})


async def sign_certificate(work: Work, payload: Payload) -> None:
    """SignCertificate: Odoo signs, and sends the certificate as a command."""
    csr = text(payload.get("csr"))
    if csr is not None and text(payload.get("certificateType")) != "V2GCertificate":
        uid = event_uid(work.station, "csr", csr)
        work.emit_station(uid, "station.csr", work.received_at, {"csr": csr})
