"""Calls to partners by HTTP: no redirects, no addresses of private networks, limits of time and size. No ORM."""

from __future__ import annotations

import ipaddress
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from .ocpi.transport import (
    CANNOT_USE_API,
    OcpiError,
    Page,
    authorization,
    depth_is_allowed,
    next_link,
    open_envelope,
    without_zero_offsets,
)

CONNECT_SECONDS = 5
READ_SECONDS = 20
MAX_BYTES = 16 * 1024 * 1024
MAX_PAGES = 10_000


class AddressError(requests.exceptions.InvalidURL):
    """The address may not be called."""


_NEVER_SENT = (
    AddressError,
    requests.ConnectTimeout,
    requests.exceptions.SSLError,
    urllib3.exceptions.NewConnectionError,
)
"""Why nothing was sent; these are often wrapped in others."""


class _PublicOnly:
    """A connection that is given up before anything is sent when the peer has no public address.

    The check looks at the peer that was reached and not at the name, so that a name that resolves to something
    else a moment later opens nothing.
    """

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        peer = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
        if not peer.is_global:
            sock.close()
            raise AddressError(f"{peer} is no public address.")
        return sock


class _PublicHttp(_PublicOnly, HTTPConnection):
    pass


class _PublicHttps(_PublicOnly, HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PublicHttps


class PublicAdapter(HTTPAdapter):
    """Reaches public addresses only."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        result = super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return result


@dataclass(frozen=True)
class Answer:
    """What came back. ``data`` is what the frame holds; ``error`` says why there is none."""

    status: int
    text: str
    headers: Mapping[str, str]
    seconds: float
    sent_headers: Mapping[str, str] = field(default_factory=dict)
    data: Any = None
    status_code: int | None = None
    error: str | None = None
    clock_difference: float | None = None
    is_sent: bool = True
    """False: nothing has reached the partner."""

    @property
    def is_lost(self) -> bool:
        """The partner may have done what it was asked for: it has the question, and nobody knows its answer."""
        unread = self.status < 300 and self.status_code is None
        return self.is_sent and not self.ok and (unread or self.status >= 500)

    @property
    def one(self) -> Any:
        """The object that was asked for; some partners put it into a list."""
        if isinstance(self.data, list) and len(self.data) == 1:
            return self.data[0]
        return self.data

    @property
    def ok(self) -> bool:
        return self.error is None


class Step(NamedTuple):
    """Where in a list: at the address that the partner has named, else by counting."""

    offset: int = 0
    link: str | None = None
    total: int | None = None
    number: int = 1


@dataclass
class OcpiClient:
    """Calls one partner. ``raw_token``, ``zero_offsets`` and ``no_link`` are deviations of the partner."""

    token: str
    raw_token: bool = False
    zero_offsets: bool = False
    no_link: bool = False
    allow_private: bool = False
    max_bytes: int = MAX_BYTES
    read_seconds: float = READ_SECONDS

    def __post_init__(self) -> None:
        self._session = requests.Session()
        # Neither a proxy nor a .netrc of the machine may change where a token goes.
        self._session.trust_env = False
        if not self.allow_private:
            self._session.mount("http://", PublicAdapter())
            self._session.mount("https://", PublicAdapter())

    def call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
    ) -> Answer:
        """One call. It never raises: what went wrong is in the answer."""
        sent = {
            "Authorization": authorization(self.token, raw=self.raw_token),
            "X-Request-ID": str(uuid.uuid4()),
            "X-Correlation-ID": correlation_id or str(uuid.uuid4()),
            "Accept": "application/json",
            **(headers or {}),
        }
        started = time.monotonic()
        try:
            self._check(url)
            # A time limit of requests is one for each read; a partner that drips bytes is stopped by the loop.
            with self._session.request(
                method,
                url,
                json=body,
                params=params,
                headers=sent,
                timeout=(min(CONNECT_SECONDS, self.read_seconds), self.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._content(response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            seconds = time.monotonic() - started
            return Answer(0, "", {}, seconds, sent, error=_reason(error), is_sent=_is_sent(error))
        return self._answer(response, content, time.monotonic() - started, sent)

    def pages(self, url: str, page: Page, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """The pages of a list, until the last or until one fails. :raises OcpiError: see ``page``"""
        step: Step | None = Step(offset=page.offset)
        while step:
            answer, step = self.page(url, page, step, headers)
            yield answer

    def page(
        self, url: str, page: Page, step: Step, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer, Step | None]:
        """One page of a list, and where the list goes on: nowhere after the last one, or one that failed.

        :raises OcpiError: when the partner says that it goes on at another host
        """
        if step.link and urlsplit(step.link).netloc != urlsplit(url).netloc:
            raise OcpiError(CANNOT_USE_API, f"The next page is at another host: {step.link}")
        params = None if step.link else replace(page, offset=step.offset).params()
        answer = self.call("GET", step.link or url, params=params, headers=headers)
        return answer, self._next(answer, step)

    def _next(self, answer: Answer, step: Step) -> Step | None:
        """One step back when the list got shorter, which would hide an object behind the border of two pages."""
        if not answer.ok or not isinstance(answer.data, list) or step.number >= MAX_PAGES:
            return None
        number, offset = step.number + 1, step.offset + len(answer.data)
        now = _integer(answer.headers.get("X-Total-Count"))
        total = step.total if now is None else now
        link = next_link(answer.headers.get("Link"))
        if link and answer.data and step.total is not None and now is not None and now < step.total:
            return Step(max(0, offset - 1), None, total, number)
        if link and not self.no_link:
            return Step(offset, link, total, number)
        if self.no_link and answer.data and (total is None or offset < total):
            return Step(offset, None, total, number)
        return None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in (("http", "https") if self.allow_private else ("https",)) or not parts.hostname:
            raise AddressError(f"{url} is no address that may be called: it has to begin with https://.")
        if parts.username or parts.password:
            raise AddressError("An address with a user name is not called.")

    def _content(self, response: requests.Response, started: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > self.max_bytes:
                raise ValueError(f"The answer has more than {self.max_bytes} bytes.")
            if time.monotonic() - started > 3 * self.read_seconds:
                raise ValueError("The answer takes too long.")
        return bytes(content)

    def _answer(
        self, response: requests.Response, content: bytes, seconds: float, sent: Mapping[str, str]
    ) -> Answer:
        text = content.decode(errors="replace")
        values: dict[str, Any] = {
            "status": response.status_code,
            "text": text,
            "headers": response.headers,
            "seconds": seconds,
            "sent_headers": sent,
            "clock_difference": _clock_difference(response.headers.get("Date")),
        }
        try:
            if not depth_is_allowed(content):
                raise OcpiError(CANNOT_USE_API, "The answer nests too deep.")
            answer = json.loads(without_zero_offsets(text) if self.zero_offsets else text) if text.strip() else None
            if response.status_code >= 300:
                reason = answer.get("status_message") if isinstance(answer, dict) else None
                raise OcpiError(CANNOT_USE_API, reason or f"HTTP {response.status_code}")
            if answer is None:
                # An answer without a body is what some peers send to a push.
                return Answer(**values, status_code=1000)
            return Answer(**values, data=open_envelope(answer), status_code=int(answer["status_code"]))
        except OcpiError as error:
            return Answer(**values, status_code=error.status_code, error=error.message)
        except (ValueError, RecursionError) as error:
            return Answer(**values, error=f"The answer is no JSON: {error}")


def _reason(error: BaseException) -> str:
    if isinstance(error, requests.Timeout):
        return "The partner does not answer in time."
    if isinstance(error, AddressError):
        return str(error)
    return f"{type(error).__name__}: {error}"[:500]


def _is_sent(error: BaseException | None) -> bool:
    """Whether the request may have reached the partner: there was a connection, and it was lost."""
    while error:
        if isinstance(error, _NEVER_SENT):
            return False
        error = error.__context__
    return True


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _clock_difference(text: str | None) -> float | None:
    """Seconds that the clock of the partner is ahead of ours, to the second."""
    try:
        return parsedate_to_datetime(text).timestamp() - time.time() if text else None
    except (TypeError, ValueError):
        return None
