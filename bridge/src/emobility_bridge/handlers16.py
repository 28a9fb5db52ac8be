"""OCPP 1.6: what each message of a station does to the ledger (edition 2, section 4). It is answered already."""

from __future__ import annotations

from datetime import datetime

from . import common
from .common import Payload
from .ledger import Ledger, NewSession
from .normalise import integer, items, kwh_from_wh, parse_time, readings, station_time, text
from .sessions import Session
from .work import Work

STATES = {
    "Charging": "CHARGING",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "Finishing": "IDLE",
}
_INT32_MAX = 2**31 - 1


async def boot(work: Work, payload: Payload) -> None:
    """BootNotification (4.2)."""
    common.boot(
        work,
        {
            "vendor": text(payload.get("chargePointVendor")),
            "model": text(payload.get("chargePointModel")),
            "serial": text(payload.get("chargePointSerialNumber"))
            or text(payload.get("chargeBoxSerialNumber")),
            "firmware": text(payload.get("firmwareVersion")),
        },
    )


async def status_notification(work: Work, payload: Payload) -> None:
    """StatusNotification (4.9): connectorId 0 is the station, N is EVSE N."""
    evse = integer(payload.get("connectorId")) or 0
    at, _trusted = station_time(payload.get("timestamp"), work.received_at)
    await common.status(
        work,
        evse,
        connector=1 if evse else 0,
        status=text(payload.get("status")),
        at=at,
        error_code=text(payload.get("errorCode")),
        info=text(payload.get("info")) or text(payload.get("vendorErrorCode")),
        states=STATES,
    )


async def start_transaction(work: Work, payload: Payload) -> None:
    """StartTransaction (4.8): the same start, however often it is sent, is one session."""
    ledger = Ledger(work)
    key = work.note["key"]
    session = await ledger.by_key(key)
    if session is None:
        await _new_session(ledger, payload, key)
    elif session.ended_at is not None:
        work.problems.append("The start of an ended transaction was sent again.")


async def stop_transaction(work: Work, payload: Payload) -> None:
    """StopTransaction (4.10): the first stop counts, what does not fit is a conflict."""
    ledger = Ledger(work)
    at, trusted = station_time(payload.get("timestamp"), work.received_at)
    meter_kwh = kwh_from_wh(payload.get("meterStop"))
    token_uid = text(payload.get("idTag"))
    session = await _find(ledger, payload, at)
    if session is None:
        ledger.conflict(None, "stop_unknown_transaction", payload, _stop_key(payload))
    else:
        if not trusted and session.ended_at is not None:
            at = session.ended_at  # an unset clock gives a repeated stop another time of receipt
        ledger.meter(session, readings(payload.get("transactionData"), work.received_at))
        if not ledger.end(session, at, meter_kwh, text(payload.get("reason")) or "Local", token_uid):
            ledger.conflict(session, "stop_repeated_with_other_values", payload, _stop_key(payload))
        if not trusted:
            ledger.conflict(session, "clock_implausible", payload, "stop")


async def meter_values(work: Work, payload: Payload) -> None:
    """MeterValues (4.7), with or without a transaction id, before or after the stop."""
    ledger = Ledger(work)
    values = readings(payload.get("meterValue"), work.received_at)
    transaction_id = integer(payload.get("transactionId"))
    by_id = transaction_id is not None and 0 < transaction_id <= _INT32_MAX
    at = (parse_time(values[-1]["at"]) if values else None) or work.received_at
    if by_id:
        session = await ledger.by_transaction(str(transaction_id), at)
    else:
        session = await ledger.on_evse(integer(payload.get("connectorId")) or 0, at)
    if session is not None:
        ledger.meter(session, values)
        if any(
            not station_time(v.get("timestamp"), work.received_at)[1]
            for v in items(payload.get("meterValue"))
        ):
            ledger.conflict(session, "clock_implausible", payload, "meter")
    elif by_id and values:
        ledger.conflict(None, "meter_unknown_transaction", payload, transaction_id)


async def _new_session(ledger: Ledger, payload: Payload, key: str) -> None:
    work = ledger.work
    token_uid = text(payload.get("idTag"))
    started_at, trusted = station_time(payload.get("timestamp"), work.received_at)
    session = await ledger.create(
        NewSession(
            natural_key=key,
            transaction_id=str(work.note.get("number")),
            evse=integer(payload.get("connectorId")) or 0,
            connector=1,
            started_at=started_at,
            token_uid=token_uid,
            token_type=work.note.get("type") or ("RFID" if token_uid else None),
            authorization_status=work.note.get("status") or "Invalid",
            meter_start_kwh=kwh_from_wh(payload.get("meterStart")),
            start_seen=True,
        )
    )
    ledger.started(session)
    if not trusted:
        ledger.conflict(session, "clock_implausible", payload, "start")
    await ledger.apply_earlier_statuses(session, STATES)


def _stop_key(payload: Payload) -> str:
    return "|".join(str(payload.get(name)) for name in ("transactionId", "timestamp", "meterStop"))


async def _find(ledger: Ledger, payload: Payload, at: datetime) -> Session | None:
    """The session of a stop.

    Stations that started offline send -1, 0 or a huge number instead of the id: such a stop belongs to the
    only open session of the station, if there is exactly one and its register fits. A number that looks like
    an id is never paired by guessing.
    """
    transaction_id = integer(payload.get("transactionId"))
    if transaction_id is not None and 0 < transaction_id <= _INT32_MAX:
        return await ledger.by_transaction(str(transaction_id), at)
    candidates = await ledger.open_begun_before(at)
    if len(candidates) != 1:
        return None
    stop, start = kwh_from_wh(payload.get("meterStop")), candidates[0].meter_start_kwh
    return candidates[0] if stop is not None and start is not None and stop >= start else None


HANDLERS: common.Handlers = {
    "BootNotification": boot,
    "Heartbeat": common.heartbeat,
    "StatusNotification": status_notification,
    "StartTransaction": start_transaction,
    "StopTransaction": stop_transaction,
    "MeterValues": meter_values,
    "SecurityEventNotification": common.security_event,
    "SignCertificate": common.sign_certificate,
    "FirmwareStatusNotification": common.progress("firmware"),
    "SignedFirmwareStatusNotification": common.progress("firmware"),
    "DiagnosticsStatusNotification": common.progress("log"),
    "LogStatusNotification": common.progress("log"),
}
BILLING = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
