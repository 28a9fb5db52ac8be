"""OCPP 2.0.1: what each message of a station does to the ledger, and its answer (part 2, section 1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import common
from .authorization import Authorization, authorize
from .common import Payload
from .ledger import Ledger, NewSession, Session
from .normalise import (
    boundary_energy,
    integer,
    iso,
    mapping,
    parse_time,
    readings,
    station_time,
    text,
)
from .work import Work

STATES = {
    "Charging": "CHARGING",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "EVConnected": "IDLE",
    "Idle": "IDLE",
}
TOKEN_TYPES = {"ISO14443": "RFID", "ISO15693": "RFID", "eMAID": "EMAID"}
CABLE_OUT_TRIGGERS = frozenset({"EVDeparted", "EVCommunicationLost"})


async def boot(work: Work, payload: Payload) -> Payload:
    """BootNotification (B01)."""
    station = mapping(payload.get("chargingStation"))
    return await common.boot(
        work,
        {
            "vendor": text(station.get("vendorName")),
            "model": text(station.get("model")),
            "serial": text(station.get("serialNumber")),
            "firmware": text(station.get("firmwareVersion")),
        },
    )


async def status_notification(work: Work, payload: Payload) -> Payload:
    """StatusNotification (G01): tells whether the connector is free, not what the session does."""
    at, _trusted = station_time(payload.get("timestamp"), work.received_at)
    await common.status(
        work,
        integer(payload.get("evseId")) or 0,
        connector=integer(payload.get("connectorId")) or 0,
        status=text(payload.get("connectorStatus")),
        at=at,
        error_code=None,
        info=None,
        states={},
    )
    return {}


async def authorize_request(work: Work, payload: Payload) -> Payload:
    """Authorize (C01)."""
    token_uid, token_type = _token(payload.get("idToken"))
    return {"idTokenInfo": _id_token_info(await authorize(work, token_uid), token_type)}


async def transaction_event(work: Work, payload: Payload) -> Payload:
    """TransactionEvent (E01 to E15): always acknowledged, in any order, any number of times.

    seqNo decides nothing: there are stations that send 0 in every event.
    """
    ledger = Ledger(work)
    at, trusted = station_time(payload.get("timestamp"), work.received_at)
    kind = payload.get("eventType")
    token_uid, token_type = _token(payload.get("idToken"))
    permission = await authorize(work, token_uid, _evse(payload)) if token_uid else None
    session = await _session(ledger, payload, at, token_uid, token_type, permission)
    if session is None:
        await ledger.conflict(None, "event_without_transaction", payload, payload.get("timestamp"))
        return {}
    await _learn(ledger, session, payload, at, token_uid, token_type, permission)
    state = STATES.get(str(mapping(payload.get("transactionInfo")).get("chargingState")))
    if session.start_seen and (session.token_uid or state == "CHARGING" or kind == "Ended"):
        await ledger.started(session)  # not before somebody may charge: a plugged-in car alone is no session
    await ledger.meter(session, readings(payload.get("meterValue"), work.received_at))
    if state and kind != "Ended":
        await ledger.state(session, state, at)
    if kind == "Ended":
        await _end(ledger, session, payload, at, trusted, token_uid)
    if payload.get("triggerReason") in CABLE_OUT_TRIGGERS:
        await ledger.cable_out(session, at)
    if not trusted:
        await ledger.conflict(session, "clock_implausible", payload, kind)
    return {"idTokenInfo": _id_token_info(permission, token_type)} if permission else {}


async def meter_values(work: Work, payload: Payload) -> Payload:
    """MeterValues (J01): no transaction id here; the session that ran on the EVSE at that time gets them."""
    ledger = Ledger(work)
    values = readings(payload.get("meterValue"), work.received_at)
    if values:
        at = parse_time(values[-1]["at"]) or work.received_at
        session = await ledger.on_evse(integer(payload.get("evseId")) or 0, at)
        if session is not None:
            await ledger.meter(session, values)
    return {}


async def _session(
    ledger: Ledger,
    payload: Payload,
    at: datetime,
    token_uid: str | None,
    token_type: str | None,
    permission: Authorization | None,
) -> Session | None:
    """The session of an event, made when this is the first message of it that arrives."""
    info = mapping(payload.get("transactionInfo"))
    transaction_id = text(info.get("transactionId"))
    if transaction_id is None:
        return None
    started = payload.get("eventType") == "Started"
    session = await ledger.by_transaction(transaction_id, at)
    reused = session is not None and started and session.ended_at is not None and at > session.ended_at
    if session is not None and not reused:
        return session
    evse = mapping(payload.get("evse"))
    return await ledger.create(
        NewSession(
            natural_key=f"2|{transaction_id}|{iso(at)}",
            transaction_id=transaction_id,
            evse=integer(evse.get("id")) or 0,
            connector=integer(evse.get("connectorId")) or 1,
            started_at=at,
            token_uid=token_uid,
            token_type=(permission.token_type if permission else None) or token_type,
            authorization_status=permission.status if permission else None,
            meter_start_kwh=_start_energy(ledger.work, payload) if started else None,
            start_seen=started,
            remote_id=integer(info.get("remoteStartId")),
        )
    )


async def _learn(
    ledger: Ledger,
    session: Session,
    payload: Payload,
    at: datetime,
    token_uid: str | None,
    token_type: str | None,
    permission: Authorization | None,
) -> None:
    """Add to a session what its first message did not say: a late start, the EVSE, the token."""
    changes: dict[str, object] = {}
    if payload.get("eventType") == "Started" and not session.start_seen:
        changes.update(start_seen=True, started_at=at, meter_start_kwh=_start_energy(ledger.work, payload))
    evse = mapping(payload.get("evse"))
    if not session.evse and integer(evse.get("id")):
        changes.update(evse=integer(evse.get("id")), connector=integer(evse.get("connectorId")) or 1)
    if session.token_uid is None and token_uid and permission:
        changes.update(
            token_uid=token_uid,
            token_type=permission.token_type or token_type,
            authorization_status=permission.status,
        )
    if changes:
        await ledger.update(session, **changes)
    if payload.get("eventType") == "Started":
        await ledger.apply_earlier_statuses(session, {})


async def _end(
    ledger: Ledger, session: Session, payload: Payload, at: datetime, trusted: bool, token_uid: str | None
) -> None:
    if not trusted and session.ended_at is not None:
        at = session.ended_at  # an unset clock gives a repeated end another time of receipt
    if not session.start_seen:
        await ledger.conflict(session, "start_missing", payload)
    meter_kwh = boundary_energy(payload.get("meterValue"), "Transaction.End", ledger.work.received_at)
    reason = text(mapping(payload.get("transactionInfo")).get("stoppedReason")) or "Local"
    if not await ledger.end(session, at, meter_kwh, reason, token_uid):
        await ledger.conflict(
            session, "stop_repeated_with_other_values", payload, f"{payload.get('timestamp')}|{meter_kwh}"
        )


def _start_energy(work: Work, payload: Payload) -> Any:
    return boundary_energy(payload.get("meterValue"), "Transaction.Begin", work.received_at)


def _evse(payload: Payload) -> int | None:
    return integer(mapping(payload.get("evse")).get("id"))


def _token(id_token: Any) -> tuple[str | None, str | None]:
    """Token uid and OCPI type of an idToken; none for NoAuthorization."""
    token = mapping(id_token)
    if token.get("type") == "NoAuthorization":
        return None, None
    uid = text(token.get("idToken"))
    return uid, TOKEN_TYPES.get(str(token.get("type")), "OTHER") if uid else None


def _id_token_info(permission: Authorization, token_type: str | None) -> dict[str, Any]:
    info: dict[str, Any] = {"status": permission.status}
    if permission.valid_until is not None:
        info["cacheExpiryDateTime"] = iso(permission.valid_until)
    if permission.group and len(permission.group) <= 36:
        info["groupIdToken"] = {"idToken": permission.group, "type": "Central"}
    return info


HANDLERS: common.Handlers = {
    "BootNotification": boot,
    "Heartbeat": common.heartbeat,
    "StatusNotification": status_notification,
    "Authorize": authorize_request,
    "TransactionEvent": transaction_event,
    "MeterValues": meter_values,
    "DataTransfer": common.data_transfer,
    "NotifyReport": common.acknowledge,
    "NotifyEvent": common.acknowledge,
    "NotifyMonitoringReport": common.acknowledge,
    "SecurityEventNotification": common.acknowledge,
    "LogStatusNotification": common.acknowledge,
    "FirmwareStatusNotification": common.acknowledge,
}
BILLING = frozenset({"TransactionEvent", "MeterValues"})


async def fallback(work: Work, action: str, payload: Payload) -> Payload:
    """The answer to a billing message that could not be interpreted: it is kept, so it is acknowledged."""
    return {}
