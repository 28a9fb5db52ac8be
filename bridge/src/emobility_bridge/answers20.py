"""OCPP 2.0.1 and 2.1: what each message of a station is answered (part 2; use cases in brackets)."""

from __future__ import annotations

from typing import Any

from .authorization import Authorization
from .desk import Answers, Desk, Payload, Question
from .normalise import integer, iso, mapping, text
from .standard_answers import boot, fixed, heartbeat

TOKEN_TYPES = {"ISO14443": "RFID", "ISO15693": "RFID", "eMAID": "EMAID"}


def token_of(id_token: Any) -> tuple[str | None, str | None]:
    """Token uid and OCPI type of an idToken; none for NoAuthorization."""
    token = mapping(id_token)
    if token.get("type") == "NoAuthorization":
        return None, None
    uid = text(token.get("idToken"))
    return uid, TOKEN_TYPES.get(str(token.get("type")), "OTHER") if uid else None


def _authorize(station: str, payload: Payload, desk: Desk) -> Payload | Question:
    """Authorize (C01)."""
    token_uid, _type = token_of(payload.get("idToken"))
    if token_uid is None:
        return {"idTokenInfo": {"status": "Invalid"}}
    return Question(station, lambda known: {"idTokenInfo": _id_token_info(known.permission)}, token_uid)


def _transaction_event(station: str, payload: Payload, desk: Desk) -> Payload | Question:
    """TransactionEvent (E01 to E15): always acknowledged, in any order, any number of times."""
    token_uid, _type = token_of(payload.get("idToken"))
    if token_uid is None:
        return {}
    evse = integer(mapping(payload.get("evse")).get("id"))
    return Question(station, lambda known: {"idTokenInfo": _id_token_info(known.permission)}, token_uid, evse)


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
    # No contract certificates are issued or checked here: stations fall back to other means, as M06 and C07 say.
    "Get15118EVCertificate": fixed({"status": "Failed", "exiResponse": ""}),
    "GetCertificateStatus": fixed({"status": "Failed"}),
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
