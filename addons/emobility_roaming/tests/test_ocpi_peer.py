"""We register with, pull from and push to an implementation of OCPI that is not ours: extrawest-ocpi from PyPI.

It is installed by name into an environment of its own, beside the one that runs the tests, because it wants an older
pydantic. What it does otherwise than the text, and what helps:

- It answers addresses with a slash at the end only, and joins ours without one: switch "Addresses End With a Slash".
- The address of its next page cannot be called: switch "No Link Header".
- It writes identifiers in lower case and absent fields as null, wraps single objects in a list, and its CDRs name the
  EVSE by its public ID only: these are read as they are meant.

Of other packages on PyPI (py-ocpi, the ancestor of this one; python-ocpi; ocpi) the files were read and nothing was
run; from npm nothing was installed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from odoo.tests import tagged
from odoo.tests.common import _super_send

from ..ocpi.transport import authorization
from .ocpi_common import OcpiHttpCase

PEER = "extrawest-ocpi==2025.7.16"
SCRIPT = Path(__file__).with_name("peer_extrawest.py")
HOME = Path(sys.prefix) / "peers" / PEER.replace("==", "-")
PATIENCE = 90


def peer_python() -> str:
    """The interpreter of the environment of the peer, which is made when there is none. :raises OSError:"""
    python = HOME / "bin" / "python"
    if not (HOME / "ready").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", HOME], check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "install", "-q", PEER, "uvicorn"], check=True,
                           capture_output=True)  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise OSError(f"{PEER} cannot be installed: {error.stderr.decode()[-500:]}") from error
        (HOME / "ready").touch()
    return str(python)


class Peer:
    """The process of the peer, and what it said so far."""

    def __init__(self, process: subprocess.Popen[str], host: str) -> None:
        self.process, self.host = process, host
        self.said: list[dict[str, Any]] = []
        self.noise: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.said.append(json.loads(line))
            except ValueError:
                self.noise.append(line)

    def received(self, module: str) -> list[dict[str, Any]]:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            found = [each["data"] for each in self.said if each["what"] == "received" and each["module"] == module]
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"the peer received nothing of {module}: {self.said} {self.noise[-20:]}")


@tagged("post_install", "-at_install")
class TestPeer(OcpiHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        try:
            cls.python = peer_python()
        except OSError as error:
            raise unittest.SkipTest(str(error)) from error
        # Odoo keeps tests from the network; this peer is on this machine.
        network = patch.object(requests.Session, "send", _super_send)
        network.start()
        cls.addClassCleanup(network.stop)
        cls.env["ir.config_parameter"].set_param("emobility_roaming.public_url", cls.base_url())

    @contextmanager
    def peer(self, role: str, **objects: list[dict[str, Any]]) -> Iterator[Peer]:
        with socket.socket() as probe, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            probe.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{probe.getsockname()[1]}"
            probe.close()
            json.dump(objects, file)
            file.flush()
            environment = {**os.environ, "OCPI_HOST": host, "PROTOCOL": "http", "COUNTRY_CODE": "NL", "PARTY_ID": "XYZ",
                           "TOKEN_A": "invitation-of-the-peer", "OBJECTS": file.name, "ROLE": role}  # fmt: skip
            environment.pop("PYTHONPATH", None)
            process = subprocess.Popen([self.python, str(SCRIPT)], env=environment, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            peer = Peer(process, host)
            try:
                self._wait(peer)
                yield peer
            finally:
                process.kill()
                process.wait()

    def _wait(self, peer: Peer) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                socket.create_connection(tuple(peer.host.split(":")), 1).close()
                return
            except OSError:
                self.assertIsNone(peer.process.poll(), peer.noise)
                time.sleep(0.1)
        self.fail("the peer does not listen")

    def register(self, peer: Peer, our_roles: str) -> Any:
        """We accept the invitation of the peer, which calls back before it answers."""
        connection = self.env["emobility.ocpi.connection"].create(
            {
                "name": "Extrawest", "company_id": self.company.id, "our_roles": our_roles,
                "versions_url": f"http://{peer.host}/ocpi/versions", "allow_private_address": True,
                "trailing_slash": True,
            }
        )  # fmt: skip
        connection._keep_token("invitation-of-the-peer")
        connection._prepare_token()
        connection.state = "registering"
        with self.calls_back():
            connection._register_now()
        self.assertEqual((connection.state, connection.version), ("connected", "2.2.1"), connection.last_error)
        return connection

    @contextmanager
    def calls_back(self) -> Iterator[None]:
        """The peer may call our server meanwhile."""
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            yield
        self.env.invalidate_all()

    def test_we_are_the_provider_of_a_foreign_operator(self) -> None:
        tariff = {
            "country_code": "NL", "party_id": "XYZ", "id": "T1", "currency": "EUR",
            "last_updated": "2026-01-01T00:00:00Z",
            "elements": [{"price_components": [{"type": "ENERGY", "price": 0.4, "vat": 19, "step_size": 1}]}],
        }  # fmt: skip
        objects = {
            "locations": [self.location_data(), self.location_data(id="LOC-8", evses=[])], "tariffs": [tariff],
            "sessions": [self.session_data()], "cdrs": [self.cdr_data()],
        }  # fmt: skip
        with self.peer("CPO", **objects) as peer:
            connection = self.register(peer, "EMSP")
            self.assertEqual(connection.party_ids.mapped("display_name"), ["Extrawest (NL*XYZ)"] * 2)
            connection.write({"page_size": 1, "no_link": True})
            counts = {module: connection._pull(module, True) for module in ("locations", "tariffs", "sessions", "cdrs")}
            self.assertEqual(counts, {"locations": 2, "tariffs": 1, "sessions": 1, "cdrs": 1},
                             connection.module_ids.mapped("last_error"))  # fmt: skip
            self.assertEqual(connection._pull("cdrs", True), 0, "each once")
            session = self.env["emobility.session"].search([("source", "=", "ocpi")])
            self.assertEqual((session.token_id, session.energy_kwh), (self.token, 4.0))
            # Our token goes there; a location of theirs comes here by itself.
            connection._push("tokens", self.token.id)
            [told] = peer.received("tokens")
            self.assertEqual((told["uid"].upper(), told["valid"]), (self.token.uid, True))
            self._let_it_push(peer, connection, "locations", "loc-9")
            message = self.env["emobility.ocpi.message"].search(
                [("direction", "=", "in"), ("module", "=", "locations"), ("method", "=", "PUT")]
            )
            self.assertEqual(message.mapped("state"), ["ok"], message.mapped("response_body"))
            connection.action_unregister()
            self.assertEqual(connection.state, "ended")
            self.assertIn("unregistered", [each["what"] for each in peer.said])

    def _let_it_push(self, peer: Peer, connection: Any, module: str, uid: str) -> None:
        [registered] = [each for each in peer.said if each["what"] == "registered"]
        theirs = connection._client().token
        push = {
            "module_id": module, "object_id": uid,
            "receivers": [{"endpoints_url": f"{self.base_url()}/ocpi/2.2.1", "auth_token": registered["token"]}],
        }  # fmt: skip
        with self.calls_back():
            answer = requests.post(f"http://{peer.host}/push/2.2.1", json=push, timeout=20,
                                   headers={"Authorization": authorization(theirs, raw=False)})  # fmt: skip
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual([each["status_code"] for each in answer.json()["receiver_responses"]], [200], answer.text)

    def test_we_are_the_operator_of_a_foreign_provider(self) -> None:
        with self.peer("EMSP", tokens=[self.token_data(whitelist="NEVER")]) as peer:
            connection = self.register(peer, "CPO")
            provider = connection.party_ids.filtered(lambda each: each.role == "EMSP")
            provider.contract_id = self.partner_contract
            self.assertEqual(connection._pull("tokens", True), 1, connection.module_ids.mapped("last_error"))
            token = self.env["emobility.token"].search([("uid", "=", "04DDEEFF")])
            self.assertEqual((token.roaming_partner_id, token._station_status()), (provider, "Ask"))
            decision = self.env["emobility.token"]._authorize_at(token.uid, self.company, self.location, self.evse)
            self.assertEqual((decision["status"], decision["reference"]), ("Accepted", "peer-1"))
            connection._push("locations", self.location.id)
            [place] = peer.received("locations")
            self.assertEqual((place["id"].upper(), len(place["evses"])), ("MARKET", 1))
            self.evse.evse_id = "DE*ABC*E1"
            session = self._charge()
            session._process()
            connection._push("sessions", session.id)
            connection._push("cdrs", session.cdr_ids.id)
            self.assertEqual(peer.received("sessions")[0]["kwh"], 10.0)
            [cdr] = peer.received("cdrs")
            self.assertEqual((cdr["total_energy"], cdr["cdr_token"]["uid"].upper()), (10.0, "04DDEEFF"))
            self.assertTrue(session.cdr_ids.exchange_ids.exchanged_at, session.cdr_ids.exchange_ids.error)

    def _charge(self) -> Any:
        events = [
            {"uid": f"p{kind}", "source": "ocpp", "session_uid": "peer-s1", "kind": kind, "at": at, "payload": payload}
            for kind, at, payload in (
                ("started", "2026-03-01T10:00:00.000Z",
                 {"evse_id": self.evse.id, "connector_id": self.connector.id, "token_uid": "04DDEEFF",
                  "meter_kwh": "0", "authorization": "Accepted", "authorization_reference": "peer-1"}),
                ("ended", "2026-03-01T11:00:00.000Z", {"meter_kwh": "10"}),
                ("unplugged", "2026-03-01T11:00:00.000Z", {}),
            )
        ]  # fmt: skip
        self.env["emobility.session"]._ingest_events(events)
        return self.env["emobility.session"].search([("uid", "=", "peer-s1")])
