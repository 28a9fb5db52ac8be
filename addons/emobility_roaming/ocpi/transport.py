"""What is the same in all modules: status codes, envelope, authorisation header, paging, routing headers.

Plain Python: no I/O, no clock.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from .internal import Party
from .v221 import instant_text

SUCCESS = 1000
CLIENT_ERROR = 2000
INVALID = 2001
NOT_ENOUGH = 2002
UNKNOWN_LOCATION = 2003
UNKNOWN_TOKEN = 2004
SERVER_ERROR = 3000
CANNOT_USE_API = 3001
UNSUPPORTED_VERSION = 3002
MISSING_ENDPOINTS = 3003
UNKNOWN_RECEIVER = 4001

MAX_DEPTH = 20
"""OCPI's deepest object has about ten levels."""


class OcpiError(Exception):
    """A message that is answered with a status code other than success.

    :param http_status: nearly always 200, because the error is one of the business
    """

    def __init__(self, status_code: int, message: str, http_status: int = 200) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.http_status = http_status


def envelope(
    data: Any, *, now: datetime, status_code: int = SUCCESS, message: str | None = None
) -> dict[str, Any]:
    """The frame around every answer; ``data`` is left out when there is none."""
    answer: dict[str, Any] = {"status_code": status_code}
    if data is not None:
        answer["data"] = data
    if message:
        answer["status_message"] = message
    return answer | {"timestamp": instant_text(now)}


def open_envelope(answer: object) -> Any:
    """The data in an answer.

    :raises OcpiError: when the partner reports an error, or the answer has no frame
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("status_code"), int):
        raise OcpiError(SERVER_ERROR, "The answer is no message of OCPI: it has no status code.")
    code = int(answer["status_code"])
    if not 1000 <= code < 2000:
        raise OcpiError(code, str(answer.get("status_message") or "no reason was given"))
    return answer.get("data")


# Tokens


def authorization(token: str, *, raw: bool) -> str:
    """The header; from 2.2 on the token is encoded, and some partners do not do that."""
    text = token if raw else base64.b64encode(token.encode()).decode()
    return f"Token {text}"


def tokens_in(header: str | None) -> tuple[str, ...]:
    """What the header may mean: the token as it is, and decoded. Stray line breaks at its end are dropped.

    A partner that does not encode cannot be told from one that does by the header alone, so both are tried; a
    token that we issue is long and random, so that the two never mean two partners.
    """
    scheme, _separator, text = (header or "").strip().partition(" ")
    text = text.strip()
    if scheme.lower() != "token" or not text or len(text) > 256:
        return ()
    found = [text]
    try:
        decoded = base64.b64decode(text, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    if decoded and decoded.isprintable():
        found.append(decoded)
    return tuple(found)


def fingerprint(token: str) -> str:
    """What is kept of a token that others call us with. It is random and long, so that a plain hash is enough."""
    return sha256(token.encode()).hexdigest()


def same(first: str, second: str) -> bool:
    """Whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(first.encode(), second.encode())


# Paging


@dataclass(frozen=True)
class Page:
    """What a list is asked for."""

    offset: int = 0
    limit: int = 100
    date_from: datetime | None = None
    date_to: datetime | None = None

    def params(self) -> dict[str, str]:
        """As the query of an address."""
        values: dict[str, str] = {}
        if self.date_from:
            values["date_from"] = instant_text(self.date_from)
        if self.date_to:
            values["date_to"] = instant_text(self.date_to)
        return values | {"offset": str(self.offset), "limit": str(self.limit)}


def page_headers(url: str, page: Page, total: int, count: int, most: int) -> dict[str, str]:
    """Headers of a page: the total, the upper bound of a page, and the address of the next one with all filters."""
    headers = {"X-Total-Count": str(total), "X-Limit": str(most)}
    following = page.offset + count
    if count and following < total:
        query = urlencode(Page(following, page.limit, page.date_from, page.date_to).params())
        headers["Link"] = f'<{url}?{query}>; rel="next"'
    return headers


_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*rel="?next"?', re.IGNORECASE)


def next_link(header: str | None) -> str | None:
    """The address of the next page."""
    match = _NEXT.search(header or "")
    return match[1] if match else None


# Routing


@dataclass(frozen=True)
class Routing:
    """From whom to whom. ``receiver`` is absent in open routing."""

    sender: Party | None = None
    receiver: Party | None = None

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Routing:
        def party(direction: str) -> Party | None:
            country = headers.get(f"ocpi-{direction}-country-code")
            name = headers.get(f"ocpi-{direction}-party-id")
            return Party.of(country, name) if country and name else None

        return cls(party("from"), party("to"))

    def headers(self) -> dict[str, str]:
        values = {}
        for direction, party in (("from", self.sender), ("to", self.receiver)):
            if party:
                values[f"OCPI-{direction}-country-code"] = party.country_code
                values[f"OCPI-{direction}-party-id"] = party.party_id
        return values

    def swapped(self) -> Routing:
        """Of the answer."""
        return Routing(self.receiver, self.sender)


# Deviations and limits

_ZERO_OFFSET = re.compile(r'(\d{2}:\d{2}:\d{2}(?:\.\d+)?)\+00:?00(?=")')


def without_zero_offsets(text: str) -> str:
    """Times with ``+00:00``, which OCPI does not allow, are UTC all the same."""
    return _ZERO_OFFSET.sub(r"\1Z", text)


def depth_is_allowed(text: bytes, most: int = MAX_DEPTH) -> bool:
    """Whether brackets nest no deeper than ``most``; looked at before anything is parsed."""
    depth = 0
    in_string = escaped = False
    for byte in text:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            if depth > most:
                return False
        elif byte in b"}]":
            depth -= 1
    return True


_SECRETS = ("token", "authorization")


def redacted(value: Any) -> Any:
    """The message without what opens doors: the token of credentials, and of the authorisation header.

    The tokens of drivers stay: they are objects, and without them a message log is of no use.
    """
    if isinstance(value, Mapping):
        return {
            key: "***" if key.lower() in _SECRETS and isinstance(item, str) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def utc(value: datetime) -> datetime:
    """Aware UTC of a naive one, which is UTC by convention."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
