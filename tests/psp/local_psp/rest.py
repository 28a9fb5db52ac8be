"""What payment providers with JSON APIs have in common here: a loopback server, faults that are asked for in advance,
and answers that are kept by idempotency key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .psp import Fault, Json

Answer = tuple[int, Json]


@dataclass
class RestPsp:
    """Base of the providers; each says what it does in `obey`.

    :ivar faults: `before`: an error, and nothing was done; `after`: done, and an error is answered; `drop`: done, and
        the connection breaks before the answer
    """

    api_key: str = "test_local"
    base_url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def fault(self, path: str, kind: str) -> None:
        """What goes wrong with the next request whose path begins so."""
        self.faults.append(Fault(path, kind))

    def authorized(self, headers: Any) -> bool:
        raise NotImplementedError

    def obey(self, method: str, path: str, query: Json, body: Json) -> Answer:
        raise NotImplementedError

    def failure(self, status: int, text: str) -> Answer:
        raise NotImplementedError

    def answer(self, method: str, path: str, query: Json, body: Json, key: str | None) -> Answer:
        """Status (0: the connection breaks) and body; a repeated idempotency key gets the first answer again."""
        with self.lock:
            self.requests.append((method, path))
            fault = next((one for one in self.faults if path.startswith(one.path)), None)
            if fault:
                self.faults.remove(fault)
            if fault and fault.kind == "before":
                return self.failure(500, "Something went wrong on our end.")
            if method == "POST" and key and key in self.answers:
                answer = self.answers[key]
            else:
                answer = deepcopy(self.obey(method, path, query, body))
                if method == "POST" and key and answer[0] < 400:
                    self.answers[key] = answer
        if fault and fault.kind == "after":
            return self.failure(500, "Something went wrong on our end.")
        return (0 if fault and fault.kind == "drop" else answer[0]), deepcopy(answer[1])


class Handler(BaseHTTPRequestHandler):
    psp: RestPsp

    def do_GET(self) -> None:  # noqa: N802
        self._handle("GET")

    def do_POST(self) -> None:  # noqa: N802
        self._handle("POST")

    def do_DELETE(self) -> None:  # noqa: N802
        self._handle("DELETE")

    def log_message(self, *_args: Any) -> None:
        """Quiet: what was asked is in `RestPsp.requests`."""

    def _handle(self, method: str) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.psp.authorized(self.headers):
            status, answer = self.psp.failure(401, "Unauthorized")
        else:
            status, answer = self.psp.answer(method, address.path, dict(parse_qsl(address.query)),
                                             json.loads(body or b"{}"), self.headers.get("Idempotency-Key"))
        if status == 0:
            self.close_connection = True
            return
        text = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def serving_rest(psp: Any, port: int = 0, base: type[BaseHTTPRequestHandler] = Handler) -> Iterator[Any]:
    """Serve until the block ends, on loopback. `psp.base_url` says where."""
    handler = type("BoundHandler", (base,), {"psp": psp})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    psp.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield psp
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
