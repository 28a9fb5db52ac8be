"""A station reads a card of a provider that wants to be asked: real-time authorisation (module tokens)."""

from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from ..ocpi_client import Answer
from .ocpi_common import OcpiCommon, failed, ok


@tagged("post_install", "-at_install")
class TestAuthorize(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _secret = cls._connect()
        cls.provider = cls.connection.party_ids.filtered(lambda each: each.role == "EMSP")

    def known(self, whitelist: str, **changes: Any) -> Any:
        self.receive(self.connection, "tokens", self.token_data(whitelist=whitelist, **changes))
        return self.env["emobility.token"].search([("uid", "=", "04DDEEFF")])

    def decide(self, *answers: Answer, uid: str = "04DDEEFF", evse: bool = True) -> dict[str, Any]:
        with self.partner_answers(*answers) as self.asked:
            return dict(
                self.env["emobility.token"]._authorize_at(
                    uid, self.company, self.location, self.evse if evse else self.env["emobility.evse"]
                )
            )

    def info(self, allowed: str = "ALLOWED", **changes: Any) -> Answer:
        return ok({"allowed": allowed, "token": self.token_data(), "authorization_reference": "their-7"} | changes)

    def test_what_a_station_is_told_of_a_token_follows_its_whitelist(self) -> None:
        for number, (whitelist, valid, status) in enumerate((
            ("ALWAYS", True, "Accepted"), ("ALLOWED", True, "Accepted"), ("ALLOWED", False, "Blocked"),
            ("ALLOWED_OFFLINE", True, "AskOnline"), ("NEVER", True, "Ask"), ("NEVER", False, "Ask"),
        )):  # fmt: skip
            with self.subTest(whitelist=whitelist, valid=valid):
                at = f"2026-03-02T10:00:0{number}Z"
                token = self.known(whitelist, valid=valid, last_updated=at)
                self.assertEqual(token._station_status(), status)
        self.token.whitelist = "NEVER"
        self.assertEqual(self.token._station_status(), "Accepted", "our own cards ask nobody")

    def test_the_provider_is_asked_where_the_driver_stands(self) -> None:
        self.known("NEVER")
        self.assertEqual(self.decide(self.info()), {"status": "Accepted", "type": "RFID", "reference": "their-7"})
        [call] = self.asked
        self.assertEqual((call["method"], call["params"]), ("POST", {"type": "RFID"}))
        self.assertTrue(call["url"].endswith("/sender/tokens/04DDEEFF/authorize"), call["url"])
        self.assertEqual(call["body"], {"location_id": "MARKET", "evse_uids": [self.evse.uid]})
        self.assertEqual(call["headers"]["OCPI-to-party-id"], "XYZ")
        self.decide(self.info(), evse=False)
        self.assertEqual(self.asked[0]["body"], {"location_id": "MARKET"})

    def test_each_answer_of_a_provider_is_one_for_the_station(self) -> None:
        self.known("ALLOWED_OFFLINE")
        for allowed, status in (("BLOCKED", "Blocked"), ("EXPIRED", "Expired"), ("NO_CREDIT", "Blocked"),
                                ("NOT_ALLOWED", "Invalid"), ("WHO_KNOWS", "Invalid")):  # fmt: skip
            self.assertEqual(self.decide(self.info(allowed))["status"], status)
        elsewhere = {"location_id": "MARKET", "evse_uids": ["another"]}
        self.assertEqual(self.decide(self.info(location=elsewhere))["status"], "Invalid")

    def test_a_provider_that_does_not_answer_decides_nothing(self) -> None:
        self.known("NEVER")
        for answer in (failed(500), failed(0), ok("nonsense"), ok({}), ok({"allowed": None})):
            self.assertEqual(self.decide(answer)["status"], "Unavailable")
        self.connection.state = "paused"
        self.assertEqual(self.decide(self.info())["status"], "Unavailable")
        self.assertEqual(self.asked, [])

    def test_a_token_that_its_provider_does_not_know_any_more_is_invalid(self) -> None:
        self.known("NEVER")
        self.assertEqual(self.decide(failed(404, 2004))["status"], "Invalid")

    def test_an_unknown_card_is_asked_about_and_kept_when_a_provider_wants_that(self) -> None:
        tokens = self.env["emobility.token"]
        self.assertEqual(self.decide(self.info(), uid="04FFFFFF")["status"], "Invalid")
        self.assertEqual(self.asked, [])
        self.assertFalse(tokens._asks_about_unknown(self.company))
        self.provider.ask_unknown = True
        self.assertTrue(tokens._asks_about_unknown(self.company))
        told = self.info(token=self.token_data("04FFFFFF"))
        self.assertEqual(self.decide(told, uid="04FFFFFF")["status"], "Accepted")
        self.assertEqual(tokens.search([("uid", "=", "04FFFFFF")]).roaming_partner_id, self.provider)
        for answer in (self.info(token=None), self.info(token=self.token_data("04AAAAAA", party_id="QQQ"))):
            self.assertEqual(self.decide(answer, uid="04AAAAAA")["status"], "Invalid", "whose it is stays unknown")
        self.assertEqual(self.decide(failed(404, 2004), uid="04AAAAAA")["status"], "Invalid")

    def test_of_several_providers_the_one_that_knows_the_card_decides(self) -> None:
        self.provider.ask_unknown = True
        second, _secret = self._connect("FRAAA", our_roles="CPO")
        second.party_ids.ask_unknown = True
        for uid, first in (("04EEEEE1", failed(404, 2004)), ("04EEEEE2", failed(500))):
            theirs = self.info(token=self.token_data(uid, country_code="FR", party_id="AAA"))
            self.assertEqual(self.decide(first, theirs, uid=uid)["status"], "Accepted")
            hosts = [call["url"].split("/")[2] for call in self.asked]
            self.assertEqual(hosts, ["nlxyz.example.com", "fraaa.example.com"])
        self.assertEqual(self.decide(failed(500), failed(404, 2004), uid="04EEEEEE")["status"], "Unavailable")

    def test_2_1_1_is_asked_too(self) -> None:
        connection, _secret = self._connect("FRAAA", version="2.1.1", our_roles="CPO")
        data = self.token_data("04BBBBBB", whitelist="NEVER", auth_id="A1")
        self.receive(connection, "tokens", {key: data[key] for key in data if key not in ("country_code", "party_id")})
        self.assertEqual(self.decide(ok({"allowed": "ALLOWED"}), uid="04BBBBBB")["status"], "Accepted")
        self.assertEqual(self.decide(ok({"allowed": "BLOCKED"}), uid="04BBBBBB")["status"], "Blocked")

    def test_f47_the_reference_of_the_provider_goes_with_session_and_cdr(self) -> None:
        self.known("NEVER")
        self.evse.evse_id = "DE*ABC*E1"
        events = [
            {"uid": f"a{kind}", "source": "ocpp", "session_uid": "asked-1", "kind": kind, "at": at, "payload": payload}
            for kind, at, payload in (
                ("started", "2026-03-01T10:00:00.000Z",
                 {"evse_id": self.evse.id, "connector_id": self.connector.id, "token_uid": "04DDEEFF",
                  "meter_kwh": "0", "authorization": "Accepted", "authorization_reference": "their-7"}),
                ("ended", "2026-03-01T11:00:00.000Z", {"meter_kwh": "10"}),
                ("unplugged", "2026-03-01T11:00:00.000Z", {}),
            )
        ]  # fmt: skip
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.env["emobility.session"]._ingest_events(events)
            self.env["emobility.session"].search([("uid", "=", "asked-1")])._process()
        sent = {call["method"]: call["body"] for call in asked if call.get("body")}
        for method in ("PUT", "POST"):
            self.assertEqual(sent[method]["authorization_reference"], "their-7")
            self.assertEqual(sent[method]["auth_method"], "AUTH_REQUEST")
