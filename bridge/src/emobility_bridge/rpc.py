"""OCPP-J framing (OCPP-J 1.6, 2.0.1 and 2.1 part 4, section 4 of all): parse and build frames, check schemas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import jsonschema_rs
import orjson

from .normalise import clean, clean_text

Version = Literal["1.6", "2.0.1", "2.1"]
SUBPROTOCOLS: dict[str, Version] = {"ocpp2.1": "2.1", "ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}
CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6


@dataclass(slots=True)
class Call:
    """A request of the station; `message_id` is echoed as it came. A SEND wants no answer."""

    message_id: str | int
    action: str
    payload: dict[str, Any]
    answered: bool = True


@dataclass(slots=True)
class Answer:
    """The station's CALLRESULT (error is None) or CALLERROR to one of our calls."""

    message_id: str
    payload: dict[str, Any]
    error: str | None = None


class FrameError(Exception):
    """A frame that is no OCPP message; `message_id` is None when the frame had none that can be answered."""

    def __init__(self, reason: str, message_id: str | int | None = None) -> None:
        super().__init__(reason)
        self.message_id = message_id


class SchemaError(Exception):
    """A call that we were about to send does not fit its schema."""


def parse(raw: str | bytes) -> Call | Answer:
    """Read one frame. Raises FrameError. The payload is as it came; `clean` makes it storable."""
    frame = _load(raw)
    if not isinstance(frame, list) or len(frame) < 3:
        raise FrameError("The frame is not a JSON array of an OCPP message.")
    kind, message_id = frame[0], frame[1]
    if not _is_message_id(message_id):
        raise FrameError("The message id is not a text.")
    if kind in (CALL, SEND):
        if len(frame) < 4 or not isinstance(frame[2], str) or not isinstance(frame[3], dict):
            raise FrameError("A CALL needs an action and a payload object.", message_id)
        return Call(message_id, clean_text(frame[2]), frame[3], kind == CALL)
    if kind == RESULT and isinstance(frame[2], dict):
        return Answer(str(message_id), _cleaned(frame[2]))
    if kind in (ERROR, RESULT_ERROR):
        description = frame[3] if len(frame) > 3 else ""
        return Answer(str(message_id), {}, clean_text(f"{frame[2]}: {description}"))
    raise FrameError("The message type is unknown.")


def call(message_id: str, action: str, payload: dict[str, Any]) -> str:
    """A CALL frame."""
    return orjson.dumps([CALL, message_id, action, payload]).decode()


def result(message_id: str | int, payload: dict[str, Any]) -> str:
    """A CALLRESULT frame."""
    return orjson.dumps([RESULT, message_id, payload]).decode()


def error(message_id: str | int, code: str, description: str) -> str:
    """A CALLERROR frame; descriptions are limited to 255 characters."""
    return orjson.dumps([ERROR, message_id, code, description[:255], {}]).decode()


def format_violation(version: Version) -> str:
    """The error code for a malformed call, which the versions spell differently."""
    return "FormationViolation" if version == "1.6" else "FormatViolation"


def schema_problem(version: Version, action: str, payload: dict[str, Any]) -> str | None:
    """What the request schema of the edition says against a payload, or None; unknown actions have none."""
    validator = _validator(version, action)
    try:
        if validator is None or validator.is_valid(payload):
            return None
        first = next(iter(validator.iter_errors(payload)))
    except (ValueError, RecursionError) as reason:  # NaN, lone surrogates, very deep nesting
        return clean_text(f"The payload cannot be checked: {reason}")[:500]
    return clean_text(f"{'/'.join(map(str, first.instance_path))}: {first.message}")[:500]


def check_outgoing(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Raise SchemaError when a call of ours does not fit its schema."""
    problem = schema_problem(version, action, payload)
    if problem:
        raise SchemaError(f"{action} does not fit OCPP {version}: {problem}")


def is_known(version: Version, action: str) -> bool:
    """Whether the OCPP edition defines this action."""
    return action in _schema_files(version)


def payload_of(raw: str) -> dict[str, Any]:
    """The storable payload of a CALL that was parsed before. Raises FrameError when it is nested too deeply."""
    return _cleaned(_load(raw)[3])


@cache
def _schema_files(version: Version) -> dict[str, Any]:
    """Schema files of the `ocpp` package by action; 2.0.1 files start with a byte order mark."""
    folder = resources.files("ocpp") / f"v{version.replace('.', '')}" / "schemas"
    suffix = ".json" if version == "1.6" else "Request.json"
    found = {}
    for path in folder.iterdir():
        action = path.name.removesuffix(suffix)
        if path.name.endswith(suffix) and not action.endswith("Response"):
            found[action] = path
    return found


@cache
def _validator(version: Version, action: str) -> Any:
    path = _schema_files(version).get(action)
    if path is None:
        return None
    schema = json.loads(path.read_text(encoding="utf-8-sig"))
    # Format checks are left to `normalise`: a station's idea of a date is not its idea of a schema.
    return jsonschema_rs.validator_for(schema, validate_formats=False)


def _is_message_id(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= 255 and clean_text(value) == value
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _load(raw: str | bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:  # the standard parser also takes NaN and lone surrogates, which must not cost a billing message
        return json.loads(raw)
    except (ValueError, RecursionError) as reason:
        raise FrameError("The frame is not JSON.") from reason


def _cleaned(payload: dict[str, Any]) -> dict[str, Any]:
    try:
        cleaned = clean(payload)
    except RecursionError as reason:
        raise FrameError("The payload is nested too deeply.") from reason
    assert isinstance(cleaned, dict)
    return cleaned
