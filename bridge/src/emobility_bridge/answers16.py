"""OCPP 1.6: what each message of a station is answered (edition 2, section 4, and the security whitepaper).

Nothing refuses a transaction message: the energy may already have flowed. A token that may not charge is told so.
"""

from __future__ import annotations

from typing import Any

from .authorization import Authorization
from .desk import ANEW, FOR_A_START, Answers, Desk, Payload, Question
from .normalise import OLDEST_PLAUSIBLE, integer, iso, parse_time, text
from .standard_answers import boot, fixed, heartbeat


def _authorize(station: str, payload: Payload, desk: Desk) -> Payload | Question:
    """Authorize (4.1)."""
    token_uid = text(payload.get("idTag"))
    if token_uid is None:
        return {"idTagInfo": {"status": "Invalid"}}
    return Question(
        station, lambda known: {"idTagInfo": _id_tag_info(known.permission)}, token_uid, ask_after=ANEW
    )


def _start_transaction(station: str, payload: Payload, desk: Desk) -> Question:
    """StartTransaction (4.8): the same start, however often it is sent, has the same id."""
    return Question(
        station,
        lambda known: {"transactionId": known.number, "idTagInfo": _id_tag_info(known.permission)},
        text(payload.get("idTag")),
        integer(payload.get("connectorId")) or 0,
        start_key=start_key(payload, desk.boots),
        ask_after=FOR_A_START,
    )


def _stop_transaction(station: str, payload: Payload, desk: Desk) -> Payload | Question:
    """StopTransaction (4.10): always acknowledged."""
    token_uid = text(payload.get("idTag"))
    if token_uid is None:
        return {}
    return Question(station, lambda known: {"idTagInfo": _id_tag_info(known.permission)}, token_uid)


def start_key(payload: Payload, boots: int) -> str:
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
    if at is None or at < OLDEST_PLAUSIBLE:
        parts.append(f"boot {boots}")
    return ("1.6|" + "|".join(map(str, parts)))[:1000]


def _id_tag_info(permission: Authorization | None) -> dict[str, Any]:
    if permission is None:
        return {"status": "Invalid"}
    info: dict[str, Any] = {"status": permission.status}
    if permission.valid_until is not None:
        info["expiryDate"] = iso(permission.valid_until)
    if permission.group and len(permission.group) <= 20:
        info["parentIdTag"] = permission.group
    return info


ANSWERS: Answers = {
    "Authorize": _authorize,
    "BootNotification": boot,
    "DataTransfer": fixed({"status": "UnknownVendorId"}),
    "DiagnosticsStatusNotification": fixed({}),
    "FirmwareStatusNotification": fixed({}),
    "Heartbeat": heartbeat,
    "LogStatusNotification": fixed({}),
    "MeterValues": fixed({}),
    "SecurityEventNotification": fixed({}),
    "SignCertificate": fixed({"status": "Accepted"}),
    "SignedFirmwareStatusNotification": fixed({}),
    "StartTransaction": _start_transaction,
    "StatusNotification": fixed({}),
    "StopTransaction": _stop_transaction,
}
