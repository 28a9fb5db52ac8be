"""The one place that talks to Odoo: `emobility.ocpp.gateway` over XML-RPC, each call in a thread."""

from __future__ import annotations

import asyncio
import http.client
import threading
import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError

_GATEWAY = "emobility.ocpp.gateway"
_ACCESS_FAULTS = (3, 4)  # access denied, access error: nothing about the events can mend that


class OdooUnavailable(Exception):
    """Odoo did not answer, or does not let the bridge in. The outcome is unknown: send again later."""


class OdooFault(Exception):
    """Odoo answered with an error to this very call."""


class Odoo:
    """Calls the gateway as the bridge's user. Raises OdooUnavailable and OdooFault."""

    def __init__(self, url: str, db: str, login: str, api_key: str, timeout: float) -> None:
        self._url, self._db, self._login, self._api_key = url.rstrip("/"), db, login, api_key
        self._timeout = timeout
        self._user_id: int | None = None
        self._lock = threading.Lock()

    async def push_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Deliver events; one `{"uid", "status", "error"}` per event comes back."""
        answer = await asyncio.to_thread(self._call, "push_events", events)
        if not isinstance(answer, list):
            raise OdooFault("push_events did not answer with a list.")
        return answer

    async def sync(self, cursor: Any) -> dict[str, Any]:
        """Changes since a cursor (False: everything)."""
        answer = await asyncio.to_thread(self._call, "sync", cursor)
        if not isinstance(answer, dict):
            raise OdooFault("sync did not answer with a dictionary.")
        return answer

    async def authorize(self, station: str, token_uid: str, evse: int | None) -> dict[str, Any]:
        """Ask whether a token may charge now: `{"status", "type", "reference"}`."""
        answer = await asyncio.to_thread(self._call, "authorize", station, token_uid, evse or False)
        if not isinstance(answer, dict):
            raise OdooFault("authorize did not answer with a dictionary.")
        return answer

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            with self._proxy("object") as models:
                return models.execute_kw(
                    self._db, self._user(), self._api_key, _GATEWAY, method, list(arguments)
                )
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in _ACCESS_FAULTS:
                self._user_id = None
                raise OdooUnavailable(f"Odoo refuses access: {_last_line(fault)}") from fault
            raise OdooFault(_last_line(fault)) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
            raise OdooUnavailable(f"Odoo at {self._url} cannot be reached: {error}") from error

    def _user(self) -> int:
        with self._lock:
            if self._user_id is None:
                with self._proxy("common") as common:
                    user_id = common.authenticate(self._db, self._login, self._api_key, {})
                if not isinstance(user_id, int) or not user_id:
                    raise OdooUnavailable(f"Odoo does not accept the login {self._login!r} with its API key.")
                self._user_id = user_id
            return self._user_id

    def _proxy(self, service: str) -> xmlrpc.client.ServerProxy:
        kind = _SecureTransport if self._url.startswith("https:") else _Transport
        return xmlrpc.client.ServerProxy(
            f"{self._url}/xmlrpc/2/{service}", transport=kind(self._timeout), allow_none=True
        )


class _Transport(xmlrpc.client.Transport):
    """HTTP with a time limit, which xmlrpc.client does not offer."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection


class _SecureTransport(xmlrpc.client.SafeTransport):
    """HTTPS with a time limit."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPSConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection


def _last_line(fault: xmlrpc.client.Fault) -> str:
    """The message of a fault, which for unexpected errors is a whole traceback."""
    lines = [line for line in str(fault.faultString).splitlines() if line.strip()]
    return lines[-1][:500] if lines else "unknown error"
