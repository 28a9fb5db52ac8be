"""From a command to the call that says it in the station's version. Payloads are described in the README."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from .normalise import integer, mapping
from .rpc import Version

Payload = dict[str, Any]
Call = tuple[str, Payload]

_ID_TOKEN_TYPES = {"RFID": "ISO14443", "EMAID": "eMAID"}
_KEY = re.compile(
    r"(?P<component>[^.\[#]+)(\[(?P<instance>[^\]]+)\])?(#(?P<evse>\d+))?"
    r"\.(?P<variable>[^.\[#]+)(\[(?P<variable_instance>[^\]]+)\])?"
)
_GOOD = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})


_RESULTS = ("setVariableResult", "getVariableResult", "setMonitoringResult", "clearMonitoringResult")
_COST_VENDOR = "org.openchargealliance.costmsg"  # OCPP 1.6 and California pricing requirements, section 3
_MONITORS = {"above": "UpperThreshold", "below": "LowerThreshold", "delta": "Delta", "periodic": "Periodic"}
_USES_16 = {"central_system": "CentralSystemRootCertificate", "manufacturer": "ManufacturerRootCertificate"}
_USES_20 = {
    "central_system": "CSMSRootCertificate",
    "manufacturer": "ManufacturerRootCertificate",
    "mo": "MORootCertificate",
    "v2g": "V2GRootCertificate",
}


class Refused(Exception):
    """A command that cannot be turned into a call; the text says why."""


def translate(ocpp: Version, action: str, payload: Payload, number: int) -> Call:
    """Action and payload of the call. `number` is unique among commands. Raises Refused."""
    table = _TABLES[ocpp]
    if action not in table:
        raise Refused(f"The action {action!r} is not known for OCPP {ocpp}.")
    try:
        return table[action](payload, number)
    except (KeyError, TypeError, ValueError) as reason:
        raise Refused(f"The command {action} is not complete: {reason!r}.") from reason


def verdict(answer: Payload) -> tuple[bool, str]:
    """Whether the station does what it was asked, and its own word for that; some answers have no status."""
    results = next((answer[name] for name in _RESULTS if isinstance(answer.get(name), list)), None)
    if results is None:
        word = str(answer.get("status") or "")
        return not word or word in _GOOD, word
    words = [str(mapping(r).get("attributeStatus") or mapping(r).get("status") or "") for r in results]
    bad = [word for word in words if word not in _GOOD]
    return not bad, (bad or words or [""])[0]


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
    """One limit without end, which grid operators and load management ask for most, or several one after another."""
    periods = payload.get("periods") or [{"start": 0, "limit": payload["limit"]}]
    schedule: Payload = {
        "chargingRateUnit": payload.get("unit") or "W",
        "chargingSchedulePeriod": [
            {"startPeriod": int(period["start"]), "limit": float(period["limit"])} for period in periods
        ],
    }
    names = {"begins_at": "startSchedule", "duration": "duration", "minimum": "minChargingRate"}
    schedule |= {name: payload[key] for key, name in names.items() if payload.get(key)}
    if schedules == "list":
        schedule["id"] = number
    evse = _evse(payload)
    of_session = payload.get("transaction_id") is not None
    profile = {
        "chargingProfileId" if schedules == "one" else "id": integer(payload.get("profile")) or number,
        "stackLevel": integer(payload.get("stack_level")) or 0,
        "chargingProfilePurpose": payload.get("purpose") or ("TxDefaultProfile" if evse else whole_station),
        "chargingProfileKind": "Relative" if of_session and not payload.get("begins_at") else "Absolute",
        "chargingSchedule": schedule if schedules == "one" else [schedule],
    }
    if of_session:
        transaction = payload["transaction_id"]
        profile["transactionId"] = int(transaction) if schedules == "one" else str(transaction)
    return profile


def _use(payload: Payload, uses: dict[str, str]) -> str:
    use = str(payload.get("use") or "central_system")
    if use not in uses:
        raise Refused(f"A certificate for {use!r} is not known in this version of OCPP.")
    return uses[use]


def _hash_data(payload: Payload) -> Payload:
    names = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
    return {"certificateHashData": {name: payload[name] for name in names}}


def _log(payload: Payload, number: int) -> Call:
    """GetLog, which is the same in all versions (1.6: security extension)."""
    times = {"oldestTimestamp": payload.get("since"), "latestTimestamp": payload.get("until")}
    return "GetLog", {
        "logType": "SecurityLog" if payload.get("kind") == "security" else "DiagnosticsLog",
        "requestId": number,
        "log": {"remoteLocation": payload["url"], **{name: at for name, at in times.items() if at}},
    }


def _data_transfer(payload: Payload, _number: int) -> Call:
    content = {"vendorId": payload["vendor"], "messageId": payload.get("message"), "data": payload.get("data")}
    return "DataTransfer", {name: value for name, value in content.items() if value is not None}


def _composite(payload: Payload, evse_name: str) -> Call:
    unit = payload.get("unit")
    return "GetCompositeSchedule", {
        evse_name: _evse(payload),
        "duration": integer(payload.get("duration")) or 86_400,
        **({"chargingRateUnit": unit} if unit else {}),
    }


def _signing(payload: Payload) -> Payload:
    """What a station checks a signed firmware image with; nothing for one without signature."""
    if not payload.get("certificate"):
        return {}
    return {"signingCertificate": payload["certificate"], "signature": payload["signature"]}


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


def _firmware_16(payload: Payload, number: int) -> Call:
    if not payload.get("certificate"):
        return "UpdateFirmware", {"location": payload["url"], "retrieveDate": payload["at"]}
    firmware = {"location": payload["url"], "retrieveDateTime": payload["at"], **_signing(payload)}
    return "SignedUpdateFirmware", {"requestId": number, "firmware": firmware}


def _cost_message(name: str, content: Payload) -> Call:
    data = orjson.dumps({key: value for key, value in content.items() if value is not None}).decode()
    return "DataTransfer", {"vendorId": _COST_VENDOR, "messageId": name, "data": data}


def _running_cost_16(payload: Payload, _number: int) -> Call:
    content = {
        "transactionId": int(payload["transaction_id"]),
        "timestamp": payload.get("at"),
        "meterValue": integer(payload.get("meter_wh")),
        "cost": float(payload["total_cost"]),
        "state": payload.get("state") or "Charging",
    }
    return _cost_message("RunningCost", content)


def _final_cost_16(payload: Payload, _number: int) -> Call:
    cost = {"transactionId": int(payload["transaction_id"]), "cost": float(payload["total_cost"])}
    return _cost_message("FinalCost", cost | {"priceText": payload.get("text") or ""})


def _display_16(payload: Payload, _number: int) -> Call:
    """With a token the price for this driver, else the one that everybody sees."""
    if payload.get("token_uid"):
        return _cost_message("SetUserPrice", {"idToken": payload["token_uid"], "priceText": payload["text"]})
    text = orjson.dumps({"priceText": payload["text"]}).decode()
    return "ChangeConfiguration", {"key": "DefaultPrice", "value": text}


def _clear_profile_16(payload: Payload, _number: int) -> Call:
    if payload.get("profile"):
        return "ClearChargingProfile", {"id": int(payload["profile"])}
    return "ClearChargingProfile", {"connectorId": _evse(payload)} if payload.get("evse") is not None else {}


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
    "clear_profile": _clear_profile_16,
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
    "log": _log,
    "firmware": _firmware_16,
    "composite_schedule": lambda p, _n: _composite(p, "connectorId"),
    "data_transfer": _data_transfer,
    "install_certificate": lambda p, _n: (
        "InstallCertificate",
        {"certificateType": _use(p, _USES_16), "certificate": p["pem"]},
    ),
    "delete_certificate": lambda p, _n: ("DeleteCertificate", _hash_data(p)),
    "installed_certificates": lambda p, _n: ("GetInstalledCertificateIds", {"certificateType": _use(p, _USES_16)}),
    "cost_updated": _running_cost_16,
    "final_cost": _final_cost_16,
    "display_message": _display_16,
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
    component, variable = _split(payload["key"])
    data = {"component": component, "variable": variable, "attributeValue": str(payload["value"])}
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
    if payload.get("profile"):
        return "ClearChargingProfile", {"chargingProfileId": int(payload["profile"])}
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


def _split(key: object) -> tuple[Payload, Payload]:
    """Component and variable of a key as `Component.Variable`, each perhaps with `[instance]`, and `#evse`."""
    parts = _KEY.fullmatch(str(key))
    if parts is None:
        raise Refused("The name of a variable is Component.Variable.")
    component: Payload = {"name": parts["component"]}
    variable: Payload = {"name": parts["variable"]}
    if parts["evse"]:
        component["evse"] = {"id": int(parts["evse"])}
    for part, instance in ((component, parts["instance"]), (variable, parts["variable_instance"])):
        if instance:
            part["instance"] = instance
    return component, variable


def _get_configuration_20(payload: Payload, number: int) -> Call:
    if not payload.get("keys"):
        base = payload.get("base") or "FullInventory"
        return "GetBaseReport", {"requestId": number, "reportBase": base}
    wanted = [dict(zip(("component", "variable"), _split(key), strict=True)) for key in payload["keys"]]
    return "GetVariables", {"getVariableData": wanted}


def _report_20(payload: Payload, number: int) -> Call:
    components = [{"component": {"name": name}} for name in payload.get("components") or []]
    criteria = payload.get("criteria") or []
    return "GetReport", {
        "requestId": number,
        **({"componentCriteria": criteria} if criteria else {}),
        **({"componentVariable": components} if components else {}),
    }


def _monitor_20(payload: Payload, _number: int) -> Call:
    component, variable = _split(payload["key"])
    monitor = {
        "component": component,
        "variable": variable,
        "type": _MONITORS[payload["kind"]],
        "value": float(payload["value"]),
        "severity": int(payload.get("severity", 5)),
    }
    return "SetVariableMonitoring", {"setMonitoringData": [monitor]}


def _customer_20(payload: Payload, number: int) -> Call:
    return "CustomerInformation", {
        "requestId": number,
        "report": bool(payload.get("report", True)),
        "clear": bool(payload.get("clear")),
        "idToken": id_token(_token(payload), payload.get("token_type")),
    }


def _installed_20(payload: Payload, _number: int) -> Call:
    if not payload.get("use"):
        return "GetInstalledCertificateIds", {}
    return "GetInstalledCertificateIds", {"certificateType": [_use(payload, _USES_20)]}


def _firmware_20(payload: Payload, number: int) -> Call:
    firmware = {"location": payload["url"], "retrieveDateTime": payload["at"], **_signing(payload)}
    return "UpdateFirmware", {"requestId": number, "firmware": firmware}


def _content(payload: Payload) -> Payload:
    content = {"format": payload.get("format") or "UTF8", "content": payload["text"]}
    return content | ({"language": payload["language"]} if payload.get("language") else {})


def _display_20(payload: Payload, number: int) -> Call:
    message: Payload = {
        "id": integer(payload.get("id")) or number,
        "priority": payload.get("priority") or "NormalCycle",
        "message": _content(payload),
    }
    if payload.get("extra"):
        message["messageExtra"] = [_content(each) for each in payload["extra"]]
    names = {"state": "state", "until": "endDateTime", "transaction_id": "transactionId"}
    message |= {name: payload[key] for key, name in names.items() if payload.get(key)}
    return "SetDisplayMessage", {"message": message}


def _cost_20(payload: Payload, _number: int) -> Call:
    cost = {"totalCost": float(payload["total_cost"]), "transactionId": payload["transaction_id"]}
    return "CostUpdated", cost


_CALLS_20: dict[str, Callable[[Payload, int], Call]] = {
    "remote_start": _remote_start_20,
    "remote_stop": lambda p, _n: ("RequestStopTransaction", {"transactionId": p["transaction_id"]}),
    "unlock": lambda p, _n: ("UnlockConnector", {"evseId": _evse(p), "connectorId": int(p.get("connector") or 1)}),
    "reset": lambda p, _n: ("Reset", {"type": "Immediate" if p.get("kind") == "hard" else "OnIdle"}),
    "availability": _availability_20,
    "trigger": _trigger_20,
    "get_configuration": _get_configuration_20,
    "report": _report_20,
    "monitor": _monitor_20,
    "clear_monitors": lambda p, _n: ("ClearVariableMonitoring", {"id": [int(number) for number in p["ids"]]}),
    "monitoring_report": lambda _p, n: ("GetMonitoringReport", {"requestId": n}),
    "monitoring_base": lambda p, _n: ("SetMonitoringBase", {"monitoringBase": p["base"]}),
    "monitoring_level": lambda p, _n: ("SetMonitoringLevel", {"severity": int(p["severity"])}),
    "customer_information": _customer_20,
    "composite_schedule": lambda p, _n: _composite(p, "evseId"),
    "charging_profiles": lambda _p, n: ("GetChargingProfiles", {"requestId": n, "chargingProfile": {}}),
    "data_transfer": _data_transfer,
    "install_certificate": lambda p, _n: (
        "InstallCertificate",
        {"certificateType": _use(p, _USES_20), "certificate": p["pem"]},
    ),
    "delete_certificate": lambda p, _n: ("DeleteCertificate", _hash_data(p)),
    "installed_certificates": _installed_20,
    "cost_updated": _cost_20,
    "final_cost": _cost_20,
    "display_message": _display_20,
    "display_messages": lambda _p, n: ("GetDisplayMessages", {"requestId": n}),
    "clear_display": lambda p, _n: ("ClearDisplayMessage", {"id": int(p["id"])}),
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
    "log": _log,
    "firmware": _firmware_20,
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
_CALLS_21 = _CALLS_20 | {
    "default_tariff": lambda p, _n: ("SetDefaultTariff", {"evseId": _evse(p), "tariff": p["tariff"]}),
    "web_payment_started": lambda p, _n: (
        "NotifyWebPaymentStarted",
        {"evseId": _evse(p), "timeout": int(p["timeout"])},
    ),
    "transaction_tariff": lambda p, _n: (
        "ChangeTransactionTariff",
        {"transactionId": p["transaction_id"], "tariff": p["tariff"]},
    ),
    "tariffs": lambda p, _n: ("GetTariffs", {"evseId": _evse(p)}),
    "clear_tariffs": lambda p, _n: ("ClearTariffs", {"evseId": _evse(p)} if p.get("evse") is not None else {}),
}
_TABLES: dict[Version, dict[str, Callable[[Payload, int], Call]]] = {
    "1.6": _CALLS_16,
    "2.0.1": _CALLS_20,
    "2.1": _CALLS_21,
}
