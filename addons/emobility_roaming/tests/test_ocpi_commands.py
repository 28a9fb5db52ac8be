"""What the partner's drivers ask our stations to do, and the answer that comes later."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from odoo.tests import tagged

from .ocpi_common import OcpiHttpCase, ok


@tagged("post_install", "-at_install")
class TestCommands(OcpiHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, cls.secret = cls._connect()
        cls.host = cls.connection.versions_url.split("/")[2]

    def ask(self, kind: str, **body: Any) -> str:
        """Ask for a command at a station that can do all, and calls it station-1."""
        evses = type(self.env["emobility.evse"])
        body["response_url"] = f"https://{self.host}/result/{kind}"
        with (
            patch.object(evses, "_can_start_remotely", return_value=True),
            patch.object(evses, "_start_remotely", return_value="station-1"),
            patch.object(evses, "_unlock_remotely", return_value="station-2"),
            patch.object(evses, "_reserve_remotely", return_value="station-3") as reserve,
            patch.object(evses, "_cancel_reservation_remotely", return_value="station-4") as cancel,
        ):
            result: str = self.data(self.secret, "POST", f"/2.2.1/cpo/commands/{kind}", body)["result"]
        self.numbers = [call.args[-1] for mock in (reserve, cancel) for call in mock.call_args_list]
        return result

    def start(self) -> str:
        return self.ask("START_SESSION", token=self.token_data(), location_id="MARKET", evse_uid="MARKET-1",
                        authorization_reference="theirs")  # fmt: skip

    def test_a_session_is_started_and_the_result_is_posted_later(self) -> None:
        self.assertEqual(self.start(), "ACCEPTED")
        command = self.env["emobility.ocpi.command"].search([])
        self.assertEqual((command.state, command.token_id.uid), ("sent", "04DDEEFF"))
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.env["emobility.session"]._remote_answered("station-1", "ACCEPTED")
            self.env["emobility.session"]._remote_answered("station-1", "REJECTED")
        self.assertEqual([call["body"] for call in asked], [{"result": "ACCEPTED"}])
        self.assertEqual(asked[0]["url"], f"https://{self.host}/result/START_SESSION")
        started = {"uid": "e1", "source": "ocpp", "session_uid": "live-1", "kind": "started",
                   "at": "2026-03-01T10:00:00Z", "payload": {"evse_id": self.evse.id, "token_uid": "04DDEEFF",
                                                             "remote_ref": "station-1"}}  # fmt: skip
        self.env["emobility.session"]._ingest_events([started])
        session = self.env["emobility.session"].search([("uid", "=", "live-1")])
        self.assertEqual(session.authorization_reference, "theirs", "F47")
        self.assertEqual(self.data(self.secret, "GET", "/2.2.1/cpo/sessions")[0]["authorization_reference"], "theirs")

    def test_a_station_that_is_not_reached_refuses_and_a_strange_token_too(self) -> None:
        body = {"response_url": f"https://{self.host}/r", "token": self.token_data(), "location_id": "MARKET"}
        self.assertEqual(
            self.data(self.secret, "POST", "/2.2.1/cpo/commands/START_SESSION", body)["result"], "REJECTED"
        )
        answer = self.ask(
            "START_SESSION", token=self.token_data(party_id="QQQ"), location_id="MARKET", evse_uid="MARKET-1"
        )
        self.assertEqual(answer, "REJECTED")
        self.assertFalse(self.env["emobility.token"].search([("party_id", "=", "QQQ")]))

    def test_a_reservation_is_made_and_cancelled_under_one_number(self) -> None:
        reservation = {"token": self.token_data(), "expiry_date": "2036-01-01T00:00:00Z", "reservation_id": "R-1",
                       "location_id": "MARKET", "evse_uid": "MARKET-1"}  # fmt: skip
        self.assertEqual(self.ask("CANCEL_RESERVATION", reservation_id="R-1"), "UNKNOWN_RESERVATION")
        self.assertEqual(self.ask("RESERVE_NOW", **reservation), "ACCEPTED")
        [number] = self.numbers
        self.assertEqual(self.ask("RESERVE_NOW", **reservation), "ACCEPTED")
        self.assertEqual(self.numbers, [number], "the same reservation, changed")
        self.assertEqual(self.ask("CANCEL_RESERVATION", reservation_id="R-1"), "ACCEPTED")
        self.assertEqual(self.numbers, [number])
        self.assertEqual(self.ask("RESERVE_NOW", **reservation | {"expiry_date": "2020-01-01T00:00:00Z"}), "REJECTED")

    def test_a_connector_is_unlocked(self) -> None:
        self.assertEqual(
            self.ask("UNLOCK_CONNECTOR", location_id="MARKET", evse_uid="MARKET-1", connector_id="1"), "ACCEPTED"
        )
        self.assertEqual(self.ask("UNLOCK_CONNECTOR", location_id="X", evse_uid="X", connector_id="1"), "REJECTED")

    def test_the_partner_posts_the_result_of_our_command_once(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        evse = self.env["emobility.evse"].search([("ocpi_uid", "=", "e-9")])
        with self.partner_answers(ok({"result": "ACCEPTED"})):
            evse._start_remotely(self.token)
        command = self.env["emobility.ocpi.command"].search([])
        path = command.response_url.removeprefix("https://us.example.com/ocpi")
        self.data(self.secret, "POST", path, {"result": "FAILED"})
        self.data(self.secret, "POST", path, {"result": "ACCEPTED"})
        self.assertEqual((command.state, command.result), ("failed", "FAILED"))
        _stranger, stranger = self._connect("FRAAA")
        self.refused(2001, stranger, "POST", path, {"result": "ACCEPTED"}, status=404)
