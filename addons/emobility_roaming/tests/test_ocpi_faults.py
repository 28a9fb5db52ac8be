"""A partner with all faults that a partner can have, on a socket of its own."""

from __future__ import annotations

import json
import socket
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from unittest.mock import patch

import requests

from odoo.tests import tagged
from odoo.tests.common import _super_send

from ..ocpi.transport import Page
from ..ocpi_client import OcpiClient
from .ocpi_common import AT, OcpiCommon


class FaultyPeer(BaseHTTPRequestHandler):
    """Answers by the path. ``/pages`` has one object on each page; the second comes twice."""

    protocol_version = "HTTP/1.1"
    hits: ClassVar[list[str]] = []
    items: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.hits.append(self.path)
        name = self.path.strip("/").split("?")[0]
        getattr(self, f"_{name.split('/')[0]}")()

    def _send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response_only(status)
        for key, value in ({"Date": formatdate(usegmt=True), "Content-Length": str(len(body))} | headers).items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _json(self, data: Any, **headers: str) -> None:
        self._send(json.dumps({"status_code": 1000, "data": data, "timestamp": AT}).encode(), **headers)

    def _slow(self) -> None:
        time.sleep(1)
        self._json([])

    def _busy(self) -> None:
        self._send(b'{"status_message": "slow down"}', 429)

    def _broken(self) -> None:
        self._send(b"<h1>Internal Server Error</h1>", 500)

    def _html(self) -> None:
        self._send(b"<html>")

    def _deep(self) -> None:
        self._send(b'{"status_code": 1000, "data": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")

    def _big(self) -> None:
        self._send(b" " * 200_000)

    def _cut(self) -> None:
        self._send(b"{}", Content_Length="1000")
        self.close_connection = True

    def _elsewhere(self) -> None:
        self._send(b"", 302, Location="/html")

    def _frameless(self) -> None:
        self._send(b"[]")

    def _ahead(self) -> None:
        self._json([], Date=formatdate(time.time() + 3600, usegmt=True))

    def _pages(self) -> None:
        number = int(self.path.rsplit("/", 1)[-1]) if "?" not in self.path else 0
        headers = {"X_Total_Count": str(len(self.items))}
        if number + 1 < len(self.items):
            headers["Link"] = f'<http://{self.headers["Host"]}/pages/{number + 1}>; rel="next"'
        self._json([self.items[number]], **headers)


@tagged("post_install", "-at_install")
class TestFaults(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), FaultyPeer)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.base = f"http://127.0.0.1:{cls.server.server_port}"
        # Odoo keeps tests from the network; this peer is in the same process.
        network = patch.object(requests.Session, "send", _super_send)
        network.start()
        cls.addClassCleanup(network.stop)
        cls.connection, _token = cls._connect(allow_private_address=True)

    def setUp(self) -> None:
        super().setUp()
        FaultyPeer.hits.clear()

    def client(self, **values: Any) -> OcpiClient:
        limits = {"allow_private": True, "read_seconds": 0.4, "max_bytes": 100_000}
        return OcpiClient(token="x" * 20, **limits | values)

    def test_whatever_the_partner_does_the_answer_says_it(self) -> None:
        faults = {
            "slow": "does not answer in time", "busy": "slow down", "broken": "no JSON", "html": "no JSON",
            "deep": "too deep", "big": "more than 100000 bytes", "cut": "", "elsewhere": "HTTP 302",
            "frameless": "no status code",
        }  # fmt: skip
        for path, reason in faults.items():
            with self.subTest(path=path):
                answer = self.client().call("GET", f"{self.base}/{path}")
                self.assertFalse(answer.ok)
                self.assertIn(reason, answer.error)
        self.assertNotIn("/html?", FaultyPeer.hits)
        self.assertEqual(FaultyPeer.hits.count("/html"), 1, "a redirect is not followed")

    def test_whether_a_question_may_have_been_heard_is_known(self) -> None:
        """Who asked for something to be done has to know whether it may happen although no answer came."""
        lost = {path for path in ("slow", "busy", "broken", "html", "big", "cut", "elsewhere", "ahead")
                if self.client().call("GET", f"{self.base}/{path}").is_lost}  # fmt: skip
        self.assertEqual(lost, {"slow", "broken", "html", "big", "cut"})
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = self.client().call("GET", f"http://127.0.0.1:{free.getsockname()[1]}/")
        refused = self.client(allow_private=False).call("GET", self.base.replace("http://", "https://"))
        for answer in (nobody, refused):
            self.assertEqual((answer.ok, answer.is_sent, answer.is_lost), (False, False, False), answer.error)

    def test_nothing_is_sent_to_an_address_that_is_not_public(self) -> None:
        url = self.base.replace("http://", "https://")
        answer = self.client(allow_private=False).call("GET", f"{url}/html")
        self.assertIn("no public address", answer.error)
        self.assertEqual(FaultyPeer.hits, [])

    def test_a_partner_whose_clock_is_wrong_is_noted(self) -> None:
        self.connection._call("GET", f"{self.base}/ahead", module="locations")
        self.connection.invalidate_recordset()
        self.assertAlmostEqual(self.connection.clock_difference, 3600, delta=3)
        self.assertEqual(self.connection.health, "trouble")

    def test_pages_of_one_object_with_one_twice_and_one_old_are_read(self) -> None:
        tokens = [self.token_data("04AA0001"), self.token_data("04AA0002"),
                  self.token_data("04AA0002", valid=False, last_updated="2026-04-01T00:00:00Z"),
                  self.token_data("04AA0002"), self.token_data("04AA0003")]  # fmt: skip
        FaultyPeer.items[:] = tokens
        pages = list(self.client().pages(f"{self.base}/pages", Page()))
        self.assertEqual(len(pages), 5)
        self.env["emobility.ocpi.module"]._of(self.connection, "tokens", "SENDER").url = f"{self.base}/pages"
        self.assertEqual(self.connection._pull("tokens", True), 4, "the old state that came late changes nothing")
        found = self.env["emobility.token"].search([("uid", "=like", "04AA000%")], order="uid")
        self.assertEqual(found.mapped("state"), ["active", "blocked", "active"])

    def test_a_partner_that_fails_is_left_alone_and_taken_up_again(self) -> None:
        for _time in range(5):
            self.connection._call("GET", f"{self.base}/broken", module="locations")
        self.messages_are_of_now()
        self.assertEqual(self.connection.health, "down")
        self.connection.action_pause()
        self.connection.action_resume()
        self.connection._call("GET", f"{self.base}/ahead", module="locations")
        self.connection.invalidate_recordset()
        self.assertEqual(self.connection.failures, 0)
