"""OCPP 1.6: what each message of a station does to the ledger, and its answer (edition 2, section 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import common
from .authorization import Authorization, authorize
from .common import Payload
from .ledger import Ledger, NewSession, Session
from .normalise import OLDEST_PLAUSIBLE as OLDEST
from .normalise import integer, iso, items, kwh_from_wh, parse_time, readings, station_time, text
from .work import Work

STATES = {
    "Charging": "CHARGING",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "Finishing": "IDLE",
}
_INT32_MAX = 2**31 - 1


async def boot(work: Work, payload: Payload) -> Payload:
    """BootNotification (4.2)."""
    return await common.boot(
        work,
        {
            "vendor": text(payload.get("chargePointVendor")),
            "model": text(payload.get("chargePointModel")),
            "serial": text(payload.get("chargePointSerialNumber"))
            or text(payload.get("chargeBoxSerialNumber")),
            "firmware": text(payload.get("firmwareVersion")),
        },
    )


async def status_notification(work: Work, payload: Payload) -> Payload:
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
    return {}


async def authorize_request(work: Work, payload: Payload) -> Payload:
    """Authorize (4.1)."""
    return {"idTagInfo": _id_tag_info(await authorize(work, text(payload.get("idTag"))))}


async def start_transaction(work: Work, payload: Payload) -> Payload:
    """StartTransaction (4.8): the same start, however often it is sent, is one session with one id.

    Nothing refuses a start: the energy may already have flowed. A token that may not charge is told so in the
    answer and in the event.
    """
    ledger = Ledger(work)
    token_uid = text(payload.get("idTag"))
    evse = integer(payload.get("connectorId")) or 0
    permission = await authorize(work, token_uid, evse)
    key = _start_key(work, payload)
    session = await ledger.by_key(key)
    if session is None:
        session = await _new_session(ledger, payload, key, evse, token_uid, permission)
    elif session.ended_at is not None:
        work.problems.append("The start of an ended transaction was sent again.")
    return {"transactionId": int(session.transaction_id), "idTagInfo": _id_tag_info(permission)}


async def stop_transaction(work: Work, payload: Payload) -> Payload:
    """StopTransaction (4.10): always acknowledged; the first stop counts, what does not fit is a conflict."""
    ledger = Ledger(work)
    at, trusted = station_time(payload.get("timestamp"), work.received_at)
    meter_kwh = kwh_from_wh(payload.get("meterStop"))
    token_uid = text(payload.get("idTag"))
    session = await _find(ledger, payload, at)
    if session is None:
        await ledger.conflict(None, "stop_unknown_transaction", payload, _stop_key(payload))
    else:
        if not trusted and session.ended_at is not None:
            at = session.ended_at  # an unset clock gives a repeated stop another time of receipt
        await ledger.meter(session, readings(payload.get("transactionData"), work.received_at))
        if not await ledger.end(session, at, meter_kwh, text(payload.get("reason")) or "Local", token_uid):
            await ledger.conflict(session, "stop_repeated_with_other_values", payload, _stop_key(payload))
        if not trusted:
            await ledger.conflict(session, "clock_implausible", payload, "stop")
    return {} if token_uid is None else {"idTagInfo": _id_tag_info(await authorize(work, token_uid))}


async def meter_values(work: Work, payload: Payload) -> Payload:
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
        await ledger.meter(session, values)
        if any(
            not station_time(v.get("timestamp"), work.received_at)[1]
            for v in items(payload.get("meterValue"))
        ):
            await ledger.conflict(session, "clock_implausible", payload, "meter")
    elif by_id and values:
        await ledger.conflict(None, "meter_unknown_transaction", payload, transaction_id)
    return {}


async def _new_session(
    ledger: Ledger, payload: Payload, key: str, evse: int, token_uid: str | None, permission: Authorization
) -> Session:
    work = ledger.work
    started_at, trusted = station_time(payload.get("timestamp"), work.received_at)
    number = await work.one("SELECT nextval('transaction_id_seq') AS id")
    assert number is not None
    session = await ledger.create(
        NewSession(
            natural_key=key,
            transaction_id=str(number["id"]),
            evse=evse,
            connector=1,
            started_at=started_at,
            token_uid=token_uid,
            token_type=permission.token_type or ("RFID" if token_uid else None),
            authorization_status=permission.status,
            meter_start_kwh=kwh_from_wh(payload.get("meterStart")),
            start_seen=True,
        )
    )
    await ledger.started(session)
    if not trusted:
        await ledger.conflict(session, "clock_implausible", payload, "start")
    await ledger.apply_earlier_statuses(session, STATES)
    return session


def _start_key(work: Work, payload: Payload) -> str:
    """What makes a start the same start. Message ids change with every attempt, so they are no part of it.

    A clock that was never set repeats its times after each boot; there the boot counter tells starts apart.
    """
    at = parse_time(payload.get("timestamp"))
    parts = [
        integer(payload.get("connectorId")),
        text(payload.get("idTag")),
        iso(at) if at else text(payload.get("timestamp")),
        integer(payload.get("meterStart")),
    ]
    if at is None or at < OLDEST:
        parts.append(f"boot {work.boots}")
    return "1.6|" + "|".join(map(str, parts))


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


def _id_tag_info(permission: Authorization) -> dict[str, Any]:
    info: dict[str, Any] = {"status": permission.status}
    if permission.valid_until is not None:
        info["expiryDate"] = iso(permission.valid_until)
    if permission.group and len(permission.group) <= 20:
        info["parentIdTag"] = permission.group
    return info


HANDLERS: common.Handlers = {
    "BootNotification": boot,
    "Heartbeat": common.heartbeat,
    "StatusNotification": status_notification,
    "Authorize": authorize_request,
    "StartTransaction": start_transaction,
    "StopTransaction": stop_transaction,
    "MeterValues": meter_values,
    "DataTransfer": common.data_transfer,
    "FirmwareStatusNotification": common.acknowledge,
    "DiagnosticsStatusNotification": common.acknowledge,
    "SecurityEventNotification": common.acknowledge,
    "LogStatusNotification": common.acknowledge,
    "SignedFirmwareStatusNotification": common.acknowledge,
}


async def fallback(work: Work, action: str, payload: Payload) -> Payload:
    """The answer to a billing message that could not be interpreted: it is kept, so it is acknowledged."""
    if action == "StartTransaction":
        number = await work.one("SELECT nextval('transaction_id_seq') AS id")
        assert number is not None
        return {"transactionId": number["id"], "idTagInfo": {"status": "Invalid"}}
    return {}


BILLING = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
