"""OCPP 2.0.1 and 2.1: what each message of a station is answered (part 2; use cases in brackets)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .authorization import Authorization
from .desk import ANEW, FOR_A_START, Answers, Desk, Errand, Payload, Question
from .direct_payment import is_direct
from .normalise import integer, iso, mapping, text
from .standard_answers import boot, fixed, heartbeat

TOKEN_TYPES = {"ISO14443": "RFID", "ISO15693": "RFID", "eMAID": "EMAID"}


def token_of(id_token: Any) -> tuple[str | None, str | None]:
    """Token uid and OCPI type of an idToken; none for NoAuthorization."""
    token = mapping(id_token)
    if token.get("type") == "NoAuthorization":
        return None, None
    uid = text(token.get("idToken"))
    if uid and token.get("type") == "eMAID":
        uid = uid.replace("-", "")  # its separators are optional, and Odoo knows it without
    return uid, TOKEN_TYPES.get(str(token.get("type")), "OTHER") if uid else None


def _allowed(known: Question) -> Payload:
    return {"idTokenInfo": _id_token_info(known.permission)}


def _allowed_at_a_price(known: Question) -> Payload:
    """With what the driver pays (2.1, I08), when that is known."""
    permission = known.permission
    if permission is None or permission.status != "Accepted" or permission.tariff is None:
        return _allowed(known)
    return _allowed(known) | {"tariff": permission.tariff}


def _authorize(
    station: str, payload: Payload, desk: Desk, answer: Callable[[Question], Payload] = _allowed
) -> Payload | Question | Errand:
    """Authorize (C01), and with a contract certificate (C07): then the certificate must be good as well."""
    token_uid, _type = token_of(payload.get("idToken"))
    if token_uid is None:
        return {"idTokenInfo": {"status": "Invalid"}}
    if is_direct(payload.get("idToken")):
        return {"idTokenInfo": _direct_info(desk)}
    if payload.get("certificate") or payload.get("iso15118CertificateHashData"):
        return Errand(lambda: _authorize_contract(station, payload, desk, token_uid, answer))
    return Question(station, answer, token_uid, ask_after=ANEW)


async def _authorize_contract(
    station: str, payload: Payload, desk: Desk, emaid: str, answer: Callable[[Question], Payload]
) -> Payload | Question:
    status = await desk.plug_and_charge.check(payload, emaid)
    if status != "Accepted":
        return {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": status}
    question = Question(
        station,
        lambda known: answer(known) | {"certificateStatus": status},
        emaid,
        ask_after=ANEW,
    )
    return await desk.permit(question)


def _transaction_event(station: str, payload: Payload, desk: Desk) -> Payload | Question:
    """TransactionEvent (E01 to E15): always acknowledged, in any order, any number of times.

    The cost so far goes with the answer (I02) while the transaction runs; what it cost in the end is only known later.
    """
    answer: Payload = {}
    if payload.get("eventType") == "Updated":
        cost = desk.cost_of(text(mapping(payload.get("transactionInfo")).get("transactionId")))
        answer = {} if cost is None else {"totalCost": cost}
    token_uid, _type = token_of(payload.get("idToken"))
    if token_uid is None:
        return answer
    if is_direct(payload.get("idToken")):
        return answer | {"idTokenInfo": _direct_info(desk)}
    evse = integer(mapping(payload.get("evse")).get("id"))
    return Question(
        station,
        lambda known: answer | {"idTokenInfo": _id_token_info(known.permission)},
        token_uid,
        evse,
        ask_after=None if payload.get("eventType") == "Ended" else FOR_A_START,
    )


def _direct_info(desk: Desk) -> dict[str, Any]:
    """Who has paid at the station itself charges there: its own terminal has decided (2.1, C24)."""
    return {"status": "Accepted" if desk.accepted else "Invalid"}


def _vat_number(station: str, payload: Payload, desk: Desk) -> Payload:
    """VatNumberValidation (2.1): nobody here can check one; the number is echoed as the schema asks."""
    return {"status": "Rejected", "vatNumber": (text(payload.get("vatNumber")) or "")[:20]}


def _id_token_info(permission: Authorization | None) -> dict[str, Any]:
    if permission is None:
        return {"status": "Invalid"}
    info: dict[str, Any] = {"status": permission.status}
    if permission.valid_until is not None:
        info["cacheExpiryDateTime"] = iso(permission.valid_until)
    if permission.group and len(permission.group) <= 36:
        info["groupIdToken"] = {"idToken": permission.group, "type": "Central"}
    return info


ANSWERS_201: Answers = {
    "Authorize": _authorize,
    "BootNotification": boot,
    "ClearedChargingLimit": fixed({}),
    "DataTransfer": fixed({"status": "UnknownVendorId"}),
    "FirmwareStatusNotification": fixed({}),
    "Get15118EVCertificate": lambda station, payload, desk: Errand(
        lambda: desk.plug_and_charge.provision(station, payload)
    ),
    "GetCertificateStatus": lambda _station, payload, desk: Errand(
        lambda: desk.plug_and_charge.certificate_status(payload)
    ),
    "Heartbeat": heartbeat,
    "LogStatusNotification": fixed({}),
    "MeterValues": fixed({}),
    "NotifyChargingLimit": fixed({}),
    "NotifyCustomerInformation": fixed({}),
    "NotifyDisplayMessages": fixed({}),
    # No schedule is computed for the car: it charges within the limits that the station has.
    "NotifyEVChargingNeeds": fixed({"status": "Rejected"}),
    "NotifyEVChargingSchedule": fixed({"status": "Accepted"}),
    "NotifyEvent": fixed({}),
    "NotifyMonitoringReport": fixed({}),
    "NotifyReport": fixed({}),
    "PublishFirmwareStatusNotification": fixed({}),
    "ReportChargingProfiles": fixed({}),
    "ReservationStatusUpdate": fixed({}),
    "SecurityEventNotification": fixed({}),
    "SignCertificate": fixed({"status": "Accepted"}),
    "StatusNotification": fixed({}),
    "TransactionEvent": _transaction_event,
}
ANSWERS_21: Answers = ANSWERS_201 | {
    "Authorize": partial(_authorize, answer=_allowed_at_a_price),
    "BatterySwap": fixed({}),
    "ClosePeriodicEventStream": fixed({}),
    "NotifyDERAlarm": fixed({}),
    "NotifyDERStartStop": fixed({}),
    "NotifyPeriodicEventStream": fixed({}),
    "NotifyPriorityCharging": fixed({}),
    "NotifySettlement": fixed({}),
    "NotifyWebPaymentStarted": fixed({}),
    "OpenPeriodicEventStream": fixed({"status": "Rejected"}),
    "PullDynamicScheduleUpdate": fixed({"status": "Rejected"}),
    "ReportDERControl": fixed({}),
    "VatNumberValidation": _vat_number,
}
