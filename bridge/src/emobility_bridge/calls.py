"""From a command to the call that says it in the station's version. Payloads are described in the README."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .normalise import integer
from .rpc import Version

Payload = dict[str, Any]
Call = tuple[str, Payload]

_ID_TOKEN_TYPES = {"RFID": "ISO14443", "EMAID": "eMAID"}
_GOOD = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})


class Refused(Exception):
    """A command that cannot be turned into a call; the text says why."""


def translate(ocpp: Version, action: str, payload: Payload, number: int) -> Call:
    """Action and payload of the call. `number` is unique among commands. Raises Refused."""
    table = _CALLS_16 if ocpp == "1.6" else _CALLS_20
    if action not in table:
        raise Refused(f"The action {action!r} is not known for OCPP {ocpp}.")
    try:
        return table[action](payload, number)
    except (KeyError, TypeError, ValueError) as reason:
        raise Refused(f"The command {action} is not complete: {reason!r}.") from reason


def verdict(answer: Payload) -> tuple[bool, str]:
    """Whether the station does what it was asked, and its own word for that; some answers have no status."""
    results = answer.get("setVariableResult")
    if isinstance(results, list) and results and isinstance(results[0], dict):
        word = str(results[0].get("attributeStatus") or "")
    else:
        word = str(answer.get("status") or "")
    return not word or word in _GOOD, word


def id_token(uid: str, token_type: str | None) -> Payload:
    """An idToken of OCPP 2."""
    return {"idToken": uid, "type": _ID_TOKEN_TYPES.get(token_type or "", "Central")}


def _token(payload: Payload) -> str:
    if not payload.get("token_uid"):
        raise Refused("The command needs a token.")
    return str(payload["token_uid"])


def _evse(payload: Payload) -> int:
    return integer(payload.get("evse")) or 0


def _profile(payload: Payload, number: int, schedules: str, whole_station: str) -> Payload:
    """One limit without end: what grid operators and load management ask for most."""
    schedule: Payload = {
        "chargingRateUnit": payload.get("unit") or "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": float(payload["limit"])}],
    }
    if schedules == "list":
        schedule["id"] = number
    evse = _evse(payload)
    return {
        "chargingProfileId" if schedules == "one" else "id": number,
        "stackLevel": integer(payload.get("stack_level")) or 0,
        "chargingProfilePurpose": payload.get("purpose") or ("TxDefaultProfile" if evse else whole_station),
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule if schedules == "one" else [schedule],
    }


# -- OCPP 1.6 ---------------------------------------------------------------------------------------------


def _remote_start_16(payload: Payload, _number: int) -> Call:
    evse = _evse(payload)
    return "RemoteStartTransaction", {**({"connectorId": evse} if evse else {}), "idTag": _token(payload)}


def _trigger_16(payload: Payload, _number: int) -> Call:
    evse = _evse(payload)
    return "TriggerMessage", {
        "requestedMessage": payload["message"],
        **({"connectorId": evse} if evse else {}),
    }


def _local_list_16(payload: Payload, _number: int) -> Call:
    tokens = [{"idTag": t["uid"], "idTagInfo": {"status": t["status"]}} for t in payload["tokens"]]
    update = {"listVersion": payload["version"], "localAuthorizationList": tokens, "updateType": "Full"}
    return "SendLocalList", update


_CALLS_16: dict[str, Callable[[Payload, int], Call]] = {
    "remote_start": _remote_start_16,
    "remote_stop": lambda p, _n: ("RemoteStopTransaction", {"transactionId": int(p["transaction_id"])}),
    "unlock": lambda p, _n: ("UnlockConnector", {"connectorId": _evse(p)}),
    "reset": lambda p, _n: ("Reset", {"type": "Hard" if p.get("kind") == "hard" else "Soft"}),
    "availability": lambda p, _n: (
        "ChangeAvailability",
        {"connectorId": _evse(p), "type": "Operative" if p["available"] else "Inoperative"},
    ),
    "trigger": _trigger_16,
    "get_configuration": lambda p, _n: ("GetConfiguration", {"key": p["keys"]} if p.get("keys") else {}),
    "set_configuration": lambda p, _n: ("ChangeConfiguration", {"key": p["key"], "value": p["value"]}),
    "clear_cache": lambda _p, _n: ("ClearCache", {}),
    "set_profile": lambda p, n: (
        "SetChargingProfile",
        {"connectorId": _evse(p), "csChargingProfiles": _profile(p, n, "one", "ChargePointMaxProfile")},
    ),
    "clear_profile": lambda p, _n: (
        "ClearChargingProfile",
        {"connectorId": _evse(p)} if p.get("evse") is not None else {},
    ),
    "reserve": lambda p, n: (
        "ReserveNow",
        {
            "connectorId": _evse(p),
            "expiryDate": p["expires_at"],
            "idTag": _token(p),
            "reservationId": p.get("reservation") or n,
        },
    ),
    "cancel_reservation": lambda p, _n: ("CancelReservation", {"reservationId": int(p["reservation"])}),
    "diagnostics": lambda p, _n: ("GetDiagnostics", {"location": p["url"]}),
    "firmware": lambda p, _n: ("UpdateFirmware", {"location": p["url"], "retrieveDate": p["at"]}),
    "local_list": _local_list_16,
    "certificate": lambda p, _n: ("CertificateSigned", {"certificateChain": p["chain"]}),
    "rotate_certificate": lambda _p, _n: (
        "ExtendedTriggerMessage",
        {"requestedMessage": "SignChargePointCertificate"},
    ),
}

# -- OCPP 2.0.1 and 2.1 -----------------------------------------------------------------------------------


def _remote_start_20(payload: Payload, number: int) -> Call:
    evse = _evse(payload)
    token = id_token(_token(payload), payload.get("token_type"))
    return "RequestStartTransaction", {
        **({"evseId": evse} if evse else {}),
        "idToken": token,
        "remoteStartId": number,
    }


def _set_variable(payload: Payload, _number: int) -> Call:
    """A key is written `Component.Variable`, as the configuration of the station is shown."""
    component, dot, variable = str(payload["key"]).partition(".")
    if not dot:
        raise Refused("The name of a variable is Component.Variable.")
    data = {
        "component": {"name": component},
        "variable": {"name": variable},
        "attributeValue": str(payload["value"]),
    }
    return "SetVariables", {"setVariableData": [data]}


def _trigger_20(payload: Payload, _number: int) -> Call:
    evse = _evse(payload)
    return "TriggerMessage", {
        "requestedMessage": payload["message"],
        **({"evse": {"id": evse}} if evse else {}),
    }


def _availability_20(payload: Payload, _number: int) -> Call:
    evse = _evse(payload)
    return "ChangeAvailability", {
        "operationalStatus": "Operative" if payload["available"] else "Inoperative",
        **({"evse": {"id": evse}} if evse else {}),
    }


def _clear_profile_20(payload: Payload, _number: int) -> Call:
    if payload.get("evse") is None:
        return "ClearChargingProfile", {"chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile"}}
    return "ClearChargingProfile", {"chargingProfileCriteria": {"evseId": _evse(payload)}}


def _local_list_20(payload: Payload, _number: int) -> Call:
    tokens = [
        {"idToken": id_token(t["uid"], t.get("type")), "idTokenInfo": {"status": t["status"]}}
        for t in payload["tokens"]
    ]
    update = {"versionNumber": payload["version"], "updateType": "Full"}
    return "SendLocalList", update | ({"localAuthorizationList": tokens} if tokens else {})


_CALLS_20: dict[str, Callable[[Payload, int], Call]] = {
    "remote_start": _remote_start_20,
    "remote_stop": lambda p, _n: ("RequestStopTransaction", {"transactionId": p["transaction_id"]}),
    "unlock": lambda p, _n: ("UnlockConnector", {"evseId": _evse(p), "connectorId": int(p.get("connector") or 1)}),
    "reset": lambda p, _n: ("Reset", {"type": "Immediate" if p.get("kind") == "hard" else "OnIdle"}),
    "availability": _availability_20,
    "trigger": _trigger_20,
    "get_configuration": lambda _p, n: ("GetBaseReport", {"requestId": n, "reportBase": "FullInventory"}),
    "set_configuration": _set_variable,
    "clear_cache": lambda _p, _n: ("ClearCache", {}),
    "set_profile": lambda p, n: (
        "SetChargingProfile",
        {"evseId": _evse(p), "chargingProfile": _profile(p, n, "list", "ChargingStationMaxProfile")},
    ),
    "clear_profile": _clear_profile_20,
    "reserve": lambda p, n: (
        "ReserveNow",
        {
            "id": p.get("reservation") or n,
            "expiryDateTime": p["expires_at"],
            "idToken": id_token(_token(p), p.get("token_type")),
            "evseId": _evse(p),
        },
    ),
    "cancel_reservation": lambda p, _n: ("CancelReservation", {"reservationId": int(p["reservation"])}),
    "diagnostics": lambda p, n: (
        "GetLog",
        {"logType": "DiagnosticsLog", "requestId": n, "log": {"remoteLocation": p["url"]}},
    ),
    "firmware": lambda p, n: (
        "UpdateFirmware",
        {"requestId": n, "firmware": {"location": p["url"], "retrieveDateTime": p["at"]}},
    ),
    "local_list": _local_list_20,
    "rotate_certificate": lambda _p, _n: (
        "TriggerMessage",
        {"requestedMessage": "SignChargingStationCertificate"},
    ),
    "certificate": lambda p, _n: (
        "CertificateSigned",
        {"certificateChain": p["chain"], "certificateType": "ChargingStationCertificate"},
    ),
}
ACTIONS = frozenset(_CALLS_16) | frozenset(_CALLS_20)
