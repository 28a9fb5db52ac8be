"""The events that the bridge delivers: parsing, validation, translation to session events.

Plain Python: imports nothing from odoo, knows no database. ``docs/architecture.md`` describes the format.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

MAX_UID_LENGTH = 200
"""Longest uid of an event that is accepted, in characters."""


class EventError(ValueError):
    """An event that cannot be applied; the text is a sentence for a person."""


class PersonNeeded(EventError):
    """The event is understood, but no repetition will apply it: a person has to look at it."""


@dataclass(frozen=True, slots=True)
class BridgeEvent:
    """A validated event of the bridge.

    ``at`` is an aware UTC instant, ``at_text`` the same as the bridge wrote it.
    """

    uid: str
    station: str
    kind: str
    at: datetime
    at_text: str
    payload: dict[str, Any]

    @property
    def is_session(self) -> bool:
        return self.kind.startswith("session.")


# What each kind must carry. None means "absent" everywhere: the bridge sends null for what it does not know.
_REQUIRED: dict[str, dict[str, Any]] = {
    "station.boot": {},
    "station.connected": {},
    "station.disconnected": {},
    "station.heartbeat": {},
    "station.configuration": {"items": list},
    "station.alarm": {"text": str},
    "station.csr": {"csr": str},
    "station.progress": {"subject": str, "status": str},
    "station.notice": {"subject": str, "content": Mapping},
    "station.unknown": {},
    "payment.settlement": {"reference": str, "status": str, "amount": str},
    "connector.status": {"evse": int, "status": str},
    "session.started": {"session_uid": str, "evse": int},
    "session.meter": {"session_uid": str, "readings": list},
    "session.state": {"session_uid": str, "state": str},
    "session.ended": {"session_uid": str},
    "session.unplugged": {"session_uid": str},
    "session.conflict": {"reason": str},
    "command.result": {"command_uid": str, "status": str},
}
_TYPE_NAMES = {int: "a whole number", str: "a text", list: "a list", Mapping: "a mapping"}

# What of the bridge's payload goes on to the session; the rest stays in the message log.
_SESSION_KEYS: dict[str, tuple[str, ...]] = {
    "session.started": (
        "token_uid",
        "token_type",
        "meter_kwh",
        "authorization",
        "remote_ref",
        "authorization_reference",
    ),
    "session.meter": ("readings",),
    "session.state": ("state",),
    "session.ended": ("meter_kwh", "energy_kwh", "reason", "estimated"),
    "session.unplugged": (),
    "session.conflict": ("reason", "raw"),
}


def parse_event(raw: object) -> BridgeEvent:
    """Check one raw event and return it in typed form.

    :raises EventError: says which part is missing or wrong.
    """
    if not isinstance(raw, Mapping):
        raise EventError("An event must be a mapping of names to values.")
    uid = _text(raw, "uid")
    if len(uid) > MAX_UID_LENGTH:
        raise EventError(f"The uid of an event may have at most {MAX_UID_LENGTH} characters.")
    kind = _text(raw, "kind")
    if kind not in _REQUIRED:
        raise EventError(f"The event kind “{kind}” is not known.")
    payload = raw.get("payload")
    if payload is None:
        payload = {}
    if not isinstance(payload, Mapping):
        raise EventError("The payload of an event must be a mapping of names to values.")
    _check_payload(kind, payload)
    at_text = _text(raw, "at")
    return BridgeEvent(uid, _text(raw, "station"), kind, parse_instant(at_text), at_text, dict(payload))


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant that names its offset; return it in UTC.

    :raises EventError: when the text is no time, or does not say its offset.
    """
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise EventError(f"The time “{text}” does not say that it is UTC (it must end with Z).")
        return instant.astimezone(UTC)
    except EventError:
        raise
    except (ValueError, OverflowError) as error:
        raise EventError(f"“{text}” is not an ISO 8601 time.") from error


def session_event(
    event: BridgeEvent, evse_id: int | None = None, connector_id: int | None = None
) -> dict[str, Any]:
    """Translate a ``session.*`` event to what ``emobility.session._ingest_events`` takes.

    ``evse_id`` and ``connector_id`` are database ids; only a start has them.
    """
    session_uid = event.payload.get("session_uid")
    if not session_uid:
        raise PersonNeeded("The event contradicts what is known, but names no session.")
    payload = {key: event.payload.get(key) for key in _SESSION_KEYS[event.kind]}
    if event.kind == "session.started":
        payload |= {"evse_id": evse_id, "connector_id": connector_id}
    return {
        "uid": event.uid,
        "source": "ocpp",
        "session_uid": session_uid,
        "kind": event.kind.removeprefix("session."),
        "at": event.at_text,
        "payload": payload,
    }


def uid_of(raw: object) -> str:
    """The uid to file a raw event under: its own, or a fingerprint when it has none that can be used.

    The fingerprint is the same each time, so that a broken event which is sent again is filed once.
    """
    uid = raw.get("uid") if isinstance(raw, Mapping) else None
    if isinstance(uid, str) and 0 < len(uid) <= MAX_UID_LENGTH:
        return storable(uid)
    content = json.dumps(storable(raw), sort_keys=True)
    return "invalid-" + hashlib.sha256(content.encode()).hexdigest()


def storable(value: Any) -> Any:
    """Copy of a value that jsonb of PostgreSQL can hold: no NUL characters, no NaN, no foreign types."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return storable(str(value))


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise EventError(f"The event has no “{key}”.")
    return value


def _check_payload(kind: str, payload: Mapping[str, Any]) -> None:
    for key, expected in _REQUIRED[kind].items():
        value = payload.get(key)
        if value is None or value == "":
            raise EventError(f"The payload of “{kind}” has no “{key}”.")
        if not isinstance(value, expected) or isinstance(value, bool):
            raise EventError(f"“{key}” in the payload of “{kind}” must be {_TYPE_NAMES[expected]}.")
