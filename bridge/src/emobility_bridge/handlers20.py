"""OCPP 2.0.1 and 2.1: what each message of a station does to the ledger (part 2, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import common
from .answers20 import token_of
from .common import Payload
from .direct_payment import is_direct, short_reference
from .ledger import Ledger, NewSession
from .normalise import (
    boundary_energy,
    integer,
    iso,
    items,
    mapping,
    parse_time,
    readings,
    station_time,
    text,
)
from .sessions import Session
from .work import Work, event_uid

STATES = {
    "Charging": "CHARGING",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "EVConnected": "IDLE",
    "Idle": "IDLE",
}
CABLE_OUT_TRIGGERS = frozenset({"EVDeparted", "EVCommunicationLost"})


async def boot(work: Work, payload: Payload) -> None:
    """BootNotification (B01)."""
    station = mapping(payload.get("chargingStation"))
    common.boot(
        work,
        {
            "vendor": text(station.get("vendorName")),
            "model": text(station.get("model")),
            "serial": text(station.get("serialNumber")),
            "firmware": text(station.get("firmwareVersion")),
        },
    )


async def status_notification(work: Work, payload: Payload) -> None:
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


async def transaction_event(work: Work, payload: Payload) -> None:
    """TransactionEvent (E01 to E15): in any order, any number of times.

    seqNo decides nothing: there are stations that send 0 in every event.
    """
    ledger = Ledger(work)
    at, trusted = station_time(payload.get("timestamp"), work.received_at)
    kind = payload.get("eventType")
    token = _token(work, payload)
    session = await _session(ledger, payload, at, token)
    if session is None:
        ledger.conflict(None, "event_without_transaction", payload, payload.get("timestamp"))
        return
    await _learn(ledger, session, payload, at, token)
    state = STATES.get(str(mapping(payload.get("transactionInfo")).get("chargingState")))
    if session.start_seen and (session.token_uid or state == "CHARGING" or kind == "Ended"):
        ledger.started(session)  # not before somebody may charge: a plugged-in car alone is no session
    ledger.meter(session, readings(payload.get("meterValue"), work.received_at))
    if state and kind != "Ended":
        ledger.state(session, state, at)
    if kind == "Ended":
        _end(ledger, session, payload, at, trusted, token.uid)
    if payload.get("triggerReason") in CABLE_OUT_TRIGGERS:
        ledger.cable_out(session, at)
    if not trusted:
        ledger.conflict(session, "clock_implausible", payload, kind)


async def meter_values(work: Work, payload: Payload) -> None:
    """MeterValues (J01): no transaction id here; the session that ran on the EVSE at that time gets them."""
    ledger = Ledger(work)
    values = readings(payload.get("meterValue"), work.received_at)
    if values:
        at = parse_time(values[-1]["at"]) or work.received_at
        session = await ledger.on_evse(integer(payload.get("evseId")) or 0, at)
        if session is not None:
            ledger.meter(session, values)


@dataclass(frozen=True, slots=True)
class _Token:
    """The token of an event, and what the station was answered about it."""

    uid: str | None
    type: str | None
    status: str | None


def _token(work: Work, payload: Payload) -> _Token:
    uid, token_type = token_of(payload.get("idToken"))
    if uid is None:
        return _Token(None, None, None)
    if is_direct(payload.get("idToken")):
        return _Token(short_reference(uid), "AD_HOC_USER", "Accepted")
    return _Token(uid, work.note.get("type") or token_type, work.note.get("status"))


async def _session(ledger: Ledger, payload: Payload, at: datetime, token: _Token) -> Session | None:
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
            token_uid=token.uid,
            token_type=token.type,
            authorization_status=token.status,
            meter_start_kwh=_start_energy(ledger.work, payload) if started else None,
            start_seen=started,
            remote_id=integer(info.get("remoteStartId")),
        )
    )


async def _learn(
    ledger: Ledger, session: Session, payload: Payload, at: datetime, token: _Token
) -> None:
    """Add to a session what its first message did not say: a late start, the EVSE, the token."""
    changes: dict[str, object] = {}
    if payload.get("eventType") == "Started" and not session.start_seen:
        changes.update(start_seen=True, started_at=at, meter_start_kwh=_start_energy(ledger.work, payload))
    evse = mapping(payload.get("evse"))
    if not session.evse and integer(evse.get("id")):
        changes.update(evse=integer(evse.get("id")), connector=integer(evse.get("connectorId")) or 1)
    if session.token_uid is None and token.uid:
        changes.update(token_uid=token.uid, token_type=token.type, authorization_status=token.status)
    if changes:
        ledger.update(session, **changes)
    if payload.get("eventType") == "Started":
        await ledger.apply_earlier_statuses(session, {})


def _end(
    ledger: Ledger, session: Session, payload: Payload, at: datetime, trusted: bool, token_uid: str | None
) -> None:
    if not trusted and session.ended_at is not None:
        at = session.ended_at  # an unset clock gives a repeated end another time of receipt
    if not session.start_seen:
        ledger.conflict(session, "start_missing", payload)
    meter_kwh = boundary_energy(payload.get("meterValue"), "Transaction.End", ledger.work.received_at)
    reason = text(mapping(payload.get("transactionInfo")).get("stoppedReason")) or "Local"
    if not ledger.end(session, at, meter_kwh, reason, token_uid):
        ledger.conflict(
            session, "stop_repeated_with_other_values", payload, f"{payload.get('timestamp')}|{meter_kwh}"
        )


def _start_energy(work: Work, payload: Payload) -> Any:
    return boundary_energy(payload.get("meterValue"), "Transaction.Begin", work.received_at)


async def report(work: Work, payload: Payload) -> None:
    """NotifyReport (B07, B08): a part of the configuration, each variable as `Component.Variable`."""
    found = []
    for item in items(payload.get("reportData")):
        name = f"{_name(item.get('component'))}.{_name(item.get('variable'))}"
        for attribute in items(item.get("variableAttribute")):
            kind = text(attribute.get("type")) or "Actual"
            found.append(
                {
                    "key": name if kind == "Actual" else f"{name} ({kind})",
                    "value": text(attribute.get("value")),
                    "readonly": attribute.get("mutability") == "ReadOnly",
                }
            )
    common.configuration(work, found, payload)


async def notify_event(work: Work, payload: Payload) -> None:
    """NotifyEvent (N07): a monitor that a person set, or that the station has by itself, says something."""
    for item in items(payload.get("eventData")):
        name = f"{_name(item.get('component'))}.{_name(item.get('variable'))}"
        words = f"{name}: {text(item.get('actualValue')) or '?'}"
        if item.get("trigger") == "Alerting" and not item.get("cleared"):
            uid = event_uid(work.station, "monitor", item)
            at, _trusted = station_time(item.get("timestamp"), work.received_at)
            work.emit_station(uid, "station.alarm", at, {"text": words[:500]})


def _name(part: Any) -> str:
    """Name, and instance and EVSE where there are any, for there may be many of one name."""
    values = mapping(part)
    instance, evse = text(values.get("instance")), mapping(values.get("evse")).get("id")
    name = text(values.get("name")) or "?"
    return name + (f"[{instance}]" if instance else "") + (f"#{evse}" if evse is not None else "")


HANDLERS: common.Handlers = {
    "BootNotification": boot,
    "Heartbeat": common.heartbeat,
    "StatusNotification": status_notification,
    "TransactionEvent": transaction_event,
    "MeterValues": meter_values,
    "NotifyReport": report,
    "SecurityEventNotification": common.security_event,
    "SignCertificate": common.sign_certificate,
    "FirmwareStatusNotification": common.progress("firmware"),
    "LogStatusNotification": common.progress("log"),
    "NotifyEvent": notify_event,
    "NotifyCustomerInformation": common.notice("customer_information"),
    "NotifyDisplayMessages": common.notice("display_messages"),
    "NotifyMonitoringReport": common.notice("monitoring"),
    # Another system limits the power, such as that of the building, or does so no more.
    "NotifyChargingLimit": common.notice("charging_limit"),
    "ClearedChargingLimit": common.notice("charging_limit"),
}
BILLING = frozenset({"TransactionEvent", "MeterValues"})
