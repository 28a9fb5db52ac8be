"""A local XML-RPC server that stands for Odoo's gateway, with faults that a test switches on."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import xmlrpc.client
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

API_KEY = "key-of-the-bridge"
PASSWORD = "correct horse"
TOKEN = "04A2B3C4D5E6F7"


def password_hash(password: str, iterations: int = 1000) -> str:
    """The format that Odoo synchronises."""
    salt = b"salt of the test"
    derived = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return (
        f"pbkdf2_sha256${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"
    )


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/xmlrpc/2/common", "/xmlrpc/2/object")

    def log_message(self, *_args: Any) -> None:
        return

    def do_POST(self) -> None:
        fake: FakeOdoo = self.server.fake  # type: ignore[attr-defined]
        if fake.fault == "http_500":
            self.send_error(500)
            return
        if fake.fault == "lose_answer":
            # the work is done, only the answer is lost
            self.connection_lost = True
        super().do_POST()

    def send_response(self, code: int, message: str | None = None) -> None:
        if getattr(self, "connection_lost", False):
            raise ConnectionResetError("answer lost")
        super().send_response(code, message)


class _Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_args: Any) -> None:
        return


class FakeOdoo:
    """`events` are the accepted events in the order of their first delivery; `fault` breaks the server.

    Faults: None, "http_500" (nothing works), "lose_answer" (work is done, the answer never arrives).
    """

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._port = 0
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget all events and faults; one good token, three stations."""
        with self._lock:
            self.events: list[dict[str, Any]] = []
            self.deliveries = 0
            self.fault: str | None = None
            self.refused_kinds: set[str] = set()  # push_events answers "error" to these
            self.breaking_kinds: set[str] = set()  # the whole call fails when one of these is in it
            self.tokens: list[dict[str, Any]] = [
                {"uid": TOKEN, "type": "RFID", "status": "Accepted", "valid_until": False, "group": False}
            ]
            self.stations: list[dict[str, Any]] = [self.station(f"CS-{number}") for number in (1, 2, 3)]
            self.commands: list[dict[str, Any]] = []
            self._uids: set[str] = set()
            self.asked: list[tuple[str, str, int | bool]] = []
            self.decision: dict[str, Any] = {"status": "Invalid", "type": False, "reference": False}
            self.thinking_seconds = 0.0

    def forget(self) -> None:
        """As if nothing had happened so far; stations and tokens stay."""
        with self._lock:
            self.events = []

    @staticmethod
    def station(identity: str, accepted: bool = True, policy: str = "accept_known") -> dict[str, Any]:
        """A station as `sync` returns it, with the password of all tests."""
        return {
            "identity": identity,
            "password_hash": password_hash(PASSWORD),
            "accepted": accepted,
            "offline_policy": policy,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _Handler, allow_none=True, logRequests=False)
        self._server.fake = self  # type: ignore[attr-defined]
        self._port = self._server.server_address[1]
        self._server.register_function(self._authenticate, "authenticate")
        self._server.register_function(self._execute, "execute_kw")
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Odoo is down; `start` brings it back at the same address."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        with self._lock:
            return [event for event in self.events if event["kind"] == kind]

    def kinds(self, prefix: str = "session.") -> list[str]:
        with self._lock:
            return [event["kind"] for event in self.events if event["kind"].startswith(prefix)]

    def _authenticate(self, _db: str, _login: str, key: str, _context: Any) -> int | bool:
        return 7 if key == API_KEY else False

    def _execute(self, db: str, user: int, key: str, model: str, method: str, arguments: list[Any]) -> Any:
        assert (db, user, model) == ("odoo", 7, "emobility.ocpp.gateway")
        if key != API_KEY:
            raise xmlrpc.client.Fault(3, "Access Denied")
        return getattr(self, f"_{method}")(*arguments)

    def _sync(self, cursor: Any) -> dict[str, Any]:
        return {
            "cursor": "next",
            "full": True,
            "tokens": self.tokens,
            "stations": self.stations,
            "commands": self.commands,
        }

    def _authorize(self, station: str, token_uid: str, evse: int | bool) -> dict[str, Any]:
        with self._lock:
            self.asked.append((station, token_uid, evse))
        time.sleep(self.thinking_seconds)
        return self.decision

    def _push_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.breaking_kinds & {event["kind"] for event in events}:
            raise xmlrpc.client.Fault(1, "Traceback\nValueError: cannot work with this")
        return [self._accept(event) for event in events]

    def _accept(self, event: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.deliveries += 1
            if event["kind"] in self.refused_kinds:
                return {"uid": event["uid"], "status": "error", "error": "The EVSE is not known."}
            if event["uid"] in self._uids:
                return {"uid": event["uid"], "status": "duplicate", "error": False}
            self._uids.add(event["uid"])
            self.events.append(event)
            self.commands = [
                command for command in self.commands if command["uid"] != event["payload"].get("command_uid")
            ]
        return {"uid": event["uid"], "status": "ok", "error": False}
