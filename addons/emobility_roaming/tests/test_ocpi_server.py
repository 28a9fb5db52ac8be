"""What partners call: who gets in, what they see, and what their messages do."""

from __future__ import annotations

import hmac
import json
from unittest.mock import patch

from odoo.tests import tagged

from ..models import ocpi_connection
from ..ocpi.internal import Party
from ..ocpi.transport import fingerprint
from ..server import caller
from .ocpi_common import AT, OcpiHttpCase, ok


@tagged("post_install", "-at_install")
class TestOcpiServer(OcpiHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, cls.secret = cls._connect()
        cls.stranger, cls.stranger_secret = cls._connect("FRAAA")

    # Who gets in

    def test_who_comes_without_a_good_token_is_noted_and_slowed_down_and_learns_nothing(self) -> None:
        messages = self.env["emobility.ocpi.message"]
        strangers = [("direction", "=", "in"), ("connection_id", "=", False)]
        with (
            patch.object(caller, "rate_limit", caller.RateLimit()),
            patch.object(caller, "FAILURES_PER_MINUTE", 3),
        ):
            answers = [
                self.call(token, "POST", f"{path}?secret=1", {"body": "BODY"})
                for token, path in (
                    (None, "/2.2.1/emsp/cdrs"),
                    ("WRONG-TOKEN-1", "/2.2.1/emsp/cdrs"),
                    (self.secret[:-1], "/2.2.1/cpo/commands/STOP_SESSION"),
                    ("WRONG-TOKEN-2", "/2.2.1/emsp/cdrs"),
                )
            ]
            self.data(self.secret, "GET", "/versions")
        self.assertEqual([answer.status_code for answer in answers], [401, 401, 401, 429])
        told = {answer.json()["status_message"] for answer in answers[:3]}
        self.assertEqual(told, {"The token is not known."}, "no token, a wrong one, nearly the right one: the same")
        noted = messages.search(strangers)
        self.assertEqual(noted.mapped("http_status"), [401] * 3, "what is beyond the limit fills no table")
        self.assertEqual(set(noted.mapped("address")), {"127.0.0.1"})
        written = str(noted.read(["path", "request_body", "response_body", "error", "credential"]))
        for secret in ("WRONG-TOKEN", self.secret[:-1], "BODY", "secret=1"):
            self.assertNotIn(secret, written)

    def test_each_use_of_a_credential_is_kept_and_tells_which_one_it_was(self) -> None:
        self.data(self.secret, "GET", "/versions")
        [used] = self.env["emobility.ocpi.message"].search([("connection_id", "=", self.connection.id)], limit=1)
        self.assertEqual((used.direction, used.method, used.address), ("in", "GET", "127.0.0.1"))
        self.assertEqual(used.credential, fingerprint(self.secret)[:8])
        self.assertTrue(used.create_date)
        secret = self.connection._issue_token("credentials")
        self.data(secret, "GET", "/versions")
        again = self.env["emobility.ocpi.message"].search([("connection_id", "=", self.connection.id)], limit=1)
        self.assertEqual(again.credential, fingerprint(secret)[:8])
        self.assertNotEqual(again.credential, used.credential)

    def test_a_token_is_compared_in_constant_time(self) -> None:
        compared = []

        def same(first: str, second: str) -> bool:
            compared.append(second)
            return hmac.compare_digest(first, second)

        with patch.object(ocpi_connection, "same", same):
            self.data(self.secret, "GET", "/versions")
            self.refused(2000, "WRONG", "GET", "/versions", status=401)
        self.assertIn(fingerprint(self.secret), compared)
        self.assertIn(fingerprint("WRONG"), compared, "also when no partner has it")

    def test_only_who_has_a_token_gets_in(self) -> None:
        for token in (None, "wrong", self.secret + "x"):
            self.refused(2000, token, "GET", "/versions", status=401)
        self.assertEqual(self.connection.token_fingerprint.find(self.secret), -1, "the token itself is kept")

    def test_a_token_that_is_not_encoded_gets_in_too(self) -> None:
        self.data(self.secret, "GET", "/versions", raw=True)

    def test_an_invitation_opens_nothing_but_the_registration(self) -> None:
        invited = self.env["emobility.ocpi.connection"].create({"name": "New", "company_id": self.company.id})
        token = invited._issue_token("invitation")
        invited.state = "invited"
        self.assertEqual(len(self.data(token, "GET", "/versions")), 3)
        self.refused(2000, token, "GET", "/2.2.1/cpo/locations", status=401)

    def test_a_paused_partner_is_not_answered(self) -> None:
        self.connection.action_pause()
        self.refused(2000, self.secret, "GET", "/2.2.1/cpo/locations", status=401)

    def test_who_calls_too_often_is_told_so(self) -> None:
        self.connection.rate_limit = 2
        with patch.object(caller, "rate_limit", caller.RateLimit()):
            statuses = [self.call(self.secret, "GET", "/versions").status_code for _number in range(4)]
        self.assertEqual(statuses, [200, 200, 429, 429])

    def test_messages_that_are_too_long_or_too_deep_or_no_json_are_refused(self) -> None:
        path = "/2.2.1/cpo/tokens/NL/XYZ/1"
        self.refused(2001, self.secret, "PUT", path, b"{" * 100)
        self.refused(2001, self.secret, "PUT", path, b'{"a":')
        self.refused(2001, self.secret, "PUT", path, b"[]")
        self.refused(2001, self.secret, "PUT", path, json.dumps({"uid": "\x00"}).encode())
        self.refused(2001, self.secret, "PUT", path, b" " * (caller.MAX_BODY + 1), status=413)

    # Versions

    def test_each_version_lists_its_modules(self) -> None:
        for version, count in (("2.1.1", 7), ("2.2.1", 17), ("2.3.0", 21)):
            with self.subTest(version=version):
                details = self.data(self.secret, "GET", f"/{version}")
                self.assertEqual(details["version"], version)
                self.assertEqual(len(details["endpoints"]), count, details["endpoints"])
        self.assertTrue(details["endpoints"][0]["url"].startswith("https://us.example.com/ocpi/"))

    def test_another_version_than_the_registered_one_is_refused(self) -> None:
        self.refused(2000, self.secret, "GET", "/2.1.1/cpo/locations", status=404)

    # What partners see

    def test_locations_come_in_pages_with_the_address_of_the_next(self) -> None:
        self.env["emobility.location"].create(
            [
                {"name": f"Place {number}", "code": f"P{number}", "city": "Town", "latitude": 50, "longitude": 8,
                 "time_zone": "Europe/Berlin", "country_id": self.env.ref("base.de").id,
                 "company_id": self.company.id}
                for number in range(3)
            ]
        )  # fmt: skip
        answer = self.call(self.secret, "GET", "/2.2.1/cpo/locations?limit=2&date_from=2020-01-01T00:00:00Z")
        self.assertEqual([each["id"] for each in answer.json()["data"]], ["MARKET", "P0"])
        self.assertEqual((answer.headers["X-Total-Count"], answer.headers["X-Limit"]), ("4", "1000"))
        following = answer.headers["Link"].split("us.example.com/ocpi")[1].split(">")[0]
        self.assertIn("date_from=2020", following)
        self.assertEqual([each["id"] for each in self.data(self.secret, "GET", following)], ["P1", "P2"])
        self.assertEqual(self.data(self.secret, "GET", "/2.2.1/cpo/locations?date_to=2020-01-01T00:00:00Z"), [])

    def test_a_location_and_its_parts_can_be_asked_for(self) -> None:
        place = self.data(self.secret, "GET", "/2.2.1/cpo/locations/market")
        self.assertEqual((place["country_code"], place["country"]), ("DE", "DEU"))
        evse = self.data(self.secret, "GET", "/2.2.1/cpo/locations/MARKET/MARKET-1")
        self.assertEqual(evse["connectors"][0]["tariff_ids"], ["STANDARD-1"])
        connector = self.data(self.secret, "GET", "/2.2.1/cpo/locations/MARKET/MARKET-1/1")
        self.assertEqual(connector["max_electric_power"], 22000)
        self.refused(2003, self.secret, "GET", "/2.2.1/cpo/locations/NOWHERE", status=404)

    def test_tariffs_that_the_partner_pays_are_listed_net_with_vat(self) -> None:
        [tariff] = self.data(self.secret, "GET", "/2.2.1/cpo/tariffs")
        component = tariff["elements"][0]["price_components"][0]
        self.assertEqual(tariff["id"], "STANDARD-1")
        self.assertEqual((component["price"], component["vat"]), (0.4118, 19.0))

    def test_tokens_are_ours_only(self) -> None:
        self.receive(self.connection, "tokens", self.token_data())
        uids = [each["uid"] for each in self.data(self.secret, "GET", "/2.2.1/emsp/tokens")]
        self.assertIn(self.token.uid, uids)
        self.assertNotIn("04DDEEFF", uids)

    # Authorise

    def test_our_token_may_charge_and_a_blocked_one_may_not(self) -> None:
        path = f"/2.2.1/emsp/tokens/{self.token.uid}/authorize"
        answer = self.data(self.secret, "POST", path, {"location_id": "X1", "evse_uids": ["E1"]})
        self.assertEqual(answer["allowed"], "ALLOWED")
        self.assertTrue(answer["authorization_reference"])
        self.assertEqual(answer["location"], {"location_id": "X1", "evse_uids": ["E1"]})
        self.token.state = "blocked"
        self.assertEqual(self.data(self.secret, "POST", path)["allowed"], "BLOCKED")
        self.refused(2004, self.secret, "POST", "/2.2.1/emsp/tokens/UNKNOWN/authorize", status=404)
        self.refused(2002, self.secret, "POST", f"{path}?type=SMELL")

    # Objects of the partner

    def test_a_location_is_put_patched_and_read_back(self) -> None:
        path = "/2.2.1/emsp/locations/NL/XYZ/LOC-9"
        self.refused(2003, self.secret, "PATCH", path, {"name": "X", "last_updated": AT}, status=404)
        self.data(self.secret, "PUT", path, self.location_data(unknown={"field": 1}))
        place = self.env["emobility.location"].search([("ocpi_id", "=", "LOC-9")])
        self.assertEqual((place.name, place.roaming_partner_id.party_id), ("Canal", "XYZ"))
        self.assertEqual(place.evse_ids.connector_ids.max_power_kw, 22.08)
        self.refused(2001, self.secret, "PATCH", path, {"name": "No time"})
        change = {"status": "CHARGING", "last_updated": "2026-03-01T12:00:00Z"}
        self.data(self.secret, "PATCH", f"{path}/e-9", change)
        self.assertEqual(place.evse_ids._live_status(), "occupied")
        self.assertEqual(self.data(self.secret, "GET", f"{path}/E-9")["status"], "CHARGING")
        self.assertEqual(self.data(self.secret, "GET", path)["unknown"], {"field": 1})

    def test_an_evse_that_is_new_is_put_into_its_location(self) -> None:
        path = "/2.2.1/emsp/locations/NL/XYZ/LOC-9"
        self.data(self.secret, "PUT", path, self.location_data())
        later = "2026-03-01T13:00:00Z"
        evse = {"uid": "e-10", "status": "AVAILABLE", "connectors": [], "last_updated": later}
        self.data(self.secret, "PUT", f"{path}/e-10", evse)
        connector = self.location_data()["evses"][0]["connectors"][0] | {"id": "2", "last_updated": later}
        self.data(self.secret, "PUT", f"{path}/e-10/2", connector)
        place = self.env["emobility.location"].search([("ocpi_id", "=", "LOC-9")])
        self.assertEqual(place.evse_ids.mapped("ocpi_uid"), ["e-9", "e-10"])
        self.assertEqual(place.evse_ids[1].connector_ids.code, "2")

    def test_an_object_that_says_another_id_than_its_address_is_refused(self) -> None:
        self.refused(2001, self.secret, "PUT", "/2.2.1/emsp/locations/NL/XYZ/OTHER", self.location_data())

    def test_a_token_of_the_partner_charges_at_our_stations(self) -> None:
        path = "/2.2.1/cpo/tokens/NL/XYZ/04DDEEFF"
        self.data(self.secret, "PUT", path, self.token_data())
        token = self.env["emobility.token"].search([("uid", "=", "04DDEEFF")])
        self.assertEqual((token.state, token.contract_id), ("active", self.partner_contract))
        self.assertEqual(token.roaming_partner_id.party_id, "XYZ")
        self.data(self.secret, "PATCH", path, {"valid": False, "last_updated": "2026-03-01T11:00:00Z"})
        self.assertEqual(token._authorization_status(), "Blocked")
        self.assertFalse(self.data(self.secret, "GET", path)["valid"])

    def test_f52_a_partner_neither_reads_nor_changes_what_is_of_another(self) -> None:
        self.data(self.secret, "PUT", "/2.2.1/emsp/locations/NL/XYZ/LOC-9", self.location_data())
        self.data(self.secret, "PUT", "/2.2.1/cpo/tokens/NL/XYZ/04DDEEFF", self.token_data())
        self.data(self.secret, "POST", "/2.2.1/emsp/cdrs", self.cdr_data())
        for path in ("emsp/locations/NL/XYZ/LOC-9", "cpo/tokens/NL/XYZ/04DDEEFF", "emsp/cdrs/NL/XYZ/CDR-1"):
            with self.subTest(path=path):
                self.data(self.secret, "GET", f"/2.2.1/{path}")
                self.refused(2001, self.stranger_secret, "GET", f"/2.2.1/{path}", status=404)
                own = path.replace("NL/XYZ", "FR/AAA")
                self.assertEqual(self.call(self.stranger_secret, "GET", f"/2.2.1/{own}").status_code, 404)
        foreign = self.location_data(name="Mine now", last_updated="2026-03-02T00:00:00Z")
        self.refused(
            2001, self.stranger_secret, "PUT", "/2.2.1/emsp/locations/NL/XYZ/LOC-9", foreign, status=404
        )
        self.refused(2001, self.stranger_secret, "PUT", "/2.2.1/emsp/locations/FR/AAA/LOC-9", foreign)
        self.refused(2001, self.stranger_secret, "POST", "/2.2.1/emsp/cdrs", self.cdr_data(id="CDR-2"))
        self.assertEqual(self.env["emobility.location"].search([("ocpi_id", "=", "LOC-9")]).name, "Canal")

    def test_f52_walking_through_ids_shows_sessions_of_own_drivers_only(self) -> None:
        self.receive(self.connection, "tokens", self.token_data())
        partner = self.connection.party_ids.filtered(lambda each: each.role == "EMSP")
        token = self.env["emobility.token"].search([("uid", "=", "04DDEEFF")])
        sessions = self.env["emobility.session"].sudo()._as_system()
        theirs, ours = (
            sessions.create(
                {
                    "uid": uid, "source": "ocpp", "state": "live", "company_id": self.company.id,
                    "evse_id": self.evse.id, "connector_id": self.connector.id, "token_id": used.id,
                    "start_at": "2026-03-01 10:00:00",
                }
            )
            for uid, used in (("theirs", token), ("ours", self.token))
        )  # fmt: skip
        self.assertEqual((theirs.roaming_partner_id, bool(ours.roaming_partner_id)), (partner, False))
        listed = self.data(self.secret, "GET", "/2.2.1/cpo/sessions")
        self.assertEqual([each["id"] for each in listed], ["theirs"])
        self.assertEqual(self.data(self.stranger_secret, "GET", "/2.2.1/cpo/sessions"), [])
        user = self.env.ref("emobility_roaming.user_ocpi")
        for connection, seen in ((self.connection, theirs), (self.stranger, sessions)):
            context = {"ocpi_connection_ids": (connection.id,), "allowed_company_ids": [self.company.id]}
            found = sessions.with_user(user).with_context(**context).search([("id", "in", (theirs | ours).ids)])
            self.assertEqual(found, seen)

    # PUT, PATCH, GET and DELETE are the same for all modules

    def test_each_module_puts_reads_patches_and_refuses_what_it_must(self) -> None:
        later = "2026-03-02T00:00:00Z"
        tariff = {"country_code": "NL", "party_id": "XYZ", "id": "T-1", "currency": "EUR", "last_updated": AT,
                  "elements": [{"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}]}]}  # fmt: skip
        cases = (
            ("emsp/locations", self.location_data(), "LOC-9", {"name": "Lock"}, 2003),
            ("emsp/sessions", self.session_data(), "s-1", {"kwh": 5.0}, 2001),
            ("emsp/tariffs", tariff, "T-1", None, 2001),
            ("cpo/tokens", self.token_data(), "04DDEEFF", {"valid": False}, 2004),
        )
        for path, whole, uid, change, unknown in cases:
            with self.subTest(path=path):
                base = f"/2.2.1/{path}/NL/XYZ"
                self.refused(unknown, self.secret, "GET", f"{base}/{uid}", status=404)
                self.data(self.secret, "PUT", f"{base}/{uid}", whole)
                self.assertEqual(self.data(self.secret, "GET", f"{base}/{uid.lower()}"), whole, "word for word")
                self.refused(2001, self.secret, "PUT", f"{base}/other", whole)
                self.refused(2001, self.secret, "PUT", f"{base}/{uid}", {"id": uid})
                if change is None:
                    self.refused(2000, self.secret, "PATCH", f"{base}/{uid}", {}, status=405)
                    self.data(self.secret, "DELETE", f"{base}/{uid}")
                    self.refused(unknown, self.secret, "DELETE", f"{base}/{uid}", status=404)
                    continue
                self.refused(2001, self.secret, "PATCH", f"{base}/{uid}", change)
                change |= {"last_updated": later}
                self.refused(unknown, self.secret, "PATCH", f"{base}/none", change, status=404)
                self.data(self.secret, "PATCH", f"{base}/{uid}", change)
                self.assertEqual(self.data(self.secret, "GET", f"{base}/{uid}"), whole | change)
                self.refused(2000, self.secret, "DELETE", f"{base}/{uid}", status=405)
        self.refused(2000, self.secret, "GET", "/2.2.1/nowhere", status=404)

    def test_a_patch_of_a_session_adds_periods_and_an_empty_one_none(self) -> None:
        periods = [{"start_date_time": f"2026-03-01T10:{minute}:00Z", "dimensions": []} for minute in (10, 20)]
        path = "/2.2.1/emsp/sessions/NL/XYZ/s-1"
        self.data(self.secret, "PUT", path, self.session_data(charging_periods=periods[:1]))
        for number, (added, known) in enumerate(((periods[1:], periods), ([], periods))):
            at = f"2026-03-02T00:0{number}:00Z"
            self.data(self.secret, "PATCH", path, {"charging_periods": added, "last_updated": at})
            self.assertEqual(self.data(self.secret, "GET", path)["charging_periods"], known)
        self.refused(2001, self.secret, "PATCH", path, {"charging_periods": 7, "last_updated": at})

    def test_pushes_that_come_twice_or_in_another_order_change_nothing(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        older = self.session_data(kwh=4.0, last_updated="2026-03-01T10:20:00Z")
        newer = self.session_data(kwh=8.0, last_updated="2026-03-01T10:40:00Z")
        path = "/2.2.1/emsp/sessions/NL/XYZ/s-1"
        for data in (newer, older, newer, older):
            self.data(self.secret, "PUT", path, data)
        self.assertEqual(self.data(self.secret, "GET", path)["kwh"], 8.0)
        session = self.env["emobility.session"].search([("source", "=", "ocpi")])
        self.assertEqual((len(session), session.energy_kwh), (1, 8.0))
        cdr = self.cdr_data()
        answers = [self.call(self.secret, "POST", "/2.2.1/emsp/cdrs", cdr) for _time in range(3)]
        self.assertEqual({(one.status_code, one.json()["status_code"]) for one in answers}, {(200, 1000)})
        self.assertEqual(len({one.headers["Location"] for one in answers}), 1)
        self.assertEqual(self.env["emobility.roaming.cdr"].search_count([("name", "=", "CDR-1")]), 1)

    def test_2_1_1_patches_tariffs(self) -> None:
        _connection, secret = self._connect("BEOLD", version="2.1.1", our_roles="EMSP")
        path = "/2.1.1/emsp/tariffs/BE/OLD/T-1"
        tariff = {"id": "T-1", "currency": "EUR", "last_updated": AT,
                  "elements": [{"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}]}]}  # fmt: skip
        self.data(secret, "PUT", path, tariff)
        change = {"tariff_alt_url": "https://be.example.com", "last_updated": "2026-03-02T00:00:00Z"}
        self.data(secret, "PATCH", path, change)
        self.assertEqual(self.data(secret, "GET", path), tariff | change)

    def test_addresses_with_a_slash_at_the_end_are_the_same(self) -> None:
        path = "/2.2.1/cpo/locations"
        self.assertEqual(self.data(self.secret, "GET", f"{path}/"), self.data(self.secret, "GET", path))
        self.connection.trailing_slash = True
        urls = [each["url"] for each in self.data(self.secret, "GET", "/2.2.1")["endpoints"]]
        self.assertTrue(all(url.endswith("/") for url in urls), urls)

    # Routing

    def test_through_a_hub_a_push_for_all_names_the_hub_and_another_its_receiver(self) -> None:
        self.connection.write({"is_hub": True, "hub_country_code": "NL", "hub_party_id": "HUB"})
        provider = self.connection.party_ids.filtered(lambda each: each.role == "EMSP")
        for module, receiver, named in (("tokens", None, "HUB"), ("sessions", provider, "XYZ")):
            headers = self.connection._routing(module, receiver).headers()
            self.assertEqual((headers["OCPI-to-party-id"], headers["OCPI-from-party-id"]), (named, "ABC"))
        for module in ("credentials", "versions", "hubclientinfo"):
            self.assertEqual(self.connection._routing(module).headers(), {}, "these are never passed on")

    def test_what_a_party_told_can_change_after_it_registered_anew(self) -> None:
        path, token = "/2.2.1/cpo/tokens/NL/XYZ/04DDEE09", self.token_data("04DDEE09")
        self.data(self.secret, "PUT", path, token)
        self.connection._end()
        again, secret = self._connect("NLNEW")
        for role in ("CPO", "EMSP"):
            again._take_party(Party.of("NL", "XYZ"), role, "Again")
        self.data(secret, "PUT", path, token | {"valid": False, "last_updated": "2026-03-02T00:00:00Z"})
        self.assertEqual(self.env["emobility.token"].search([("uid", "=", "04DDEE09")]).state, "blocked")
        self.assertFalse(self.data(secret, "GET", path)["valid"])

    def test_through_a_hub_the_result_of_a_command_is_for_whom_the_hub_finds(self) -> None:
        """Open routing: the message names nobody, and is neither for the hub nor for all behind it."""
        hub = {"is_hub": True, "hub_country_code": "NL", "hub_party_id": "HUB"}
        command = self.env["emobility.ocpi.command"].sudo()._receive(self.connection, "START_SESSION", None)
        command.write({"result": "ACCEPTED", "response_url": "https://nlxyz.example.com/result/1"})
        for values, named in (({"is_hub": False}, "XYZ"), (hub, None)):
            self.connection.write(values)
            with self.partner_answers(ok()) as asked:
                command._post_result()
            self.assertEqual(asked[0]["headers"]["OCPI-from-party-id"], "ABC")
            self.assertEqual(asked[0]["headers"].get("OCPI-to-party-id"), named)
        message = self.env["emobility.ocpi.message"].search([("direction", "=", "out")], limit=1)
        self.assertEqual((message.party_from, message.party_to), ("DE*ABC", False))
        with self.partner_answers(ok()) as asked:
            message.action_replay()
        self.assertNotIn("OCPI-to-party-id", asked[0]["headers"])

    def test_through_a_hub_the_same_message_again_is_for_the_same_party(self) -> None:
        self.connection.write({"is_hub": True, "hub_country_code": "NL", "hub_party_id": "HUB"})
        provider = self.connection.party_ids.filtered(lambda each: each.role == "EMSP")
        for receiver, named in ((provider, "XYZ"), (None, "HUB")):
            with self.partner_answers(ok()) as asked:
                self.connection._call("PUT", "https://nlxyz.example.com/x", module="sessions", receiver=receiver)
                self.env["emobility.ocpi.message"].search([("direction", "=", "out")], limit=1).action_replay()
            self.assertEqual([call["headers"]["OCPI-to-party-id"] for call in asked], [named, named])

    def test_routing_is_checked_and_swapped(self) -> None:
        path = "/2.2.1/cpo/locations"
        headers = {"OCPI_from_country_code": "NL", "OCPI_from_party_id": "XYZ"}
        answer = self.call(
            self.secret, "GET", path, **headers, OCPI_to_country_code="DE", OCPI_to_party_id="ABC",
            X_Request_ID="r1", X_Correlation_ID="c1",
        )  # fmt: skip
        self.assertEqual(answer.headers["OCPI-to-party-id"], "XYZ")
        self.assertEqual((answer.headers["X-Request-ID"], answer.headers["X-Correlation-ID"]), ("r1", "c1"))
        self.refused(
            4001, self.secret, "GET", path, **headers, OCPI_to_country_code="DE", OCPI_to_party_id="ZZZ"
        )
        self.refused(2001, self.secret, "GET", path, OCPI_from_country_code="FR", OCPI_from_party_id="AAA")

    def test_a_hub_tells_of_parties_and_nobody_else_does(self) -> None:
        info = {"party_id": "QQQ", "country_code": "BE", "role": "CPO", "status": "CONNECTED", "last_updated": AT}
        path = "/2.2.1/hubclientinfo/BE/QQQ"
        self.refused(2001, self.secret, "PUT", path, info)
        self.connection.is_hub = True
        self.data(self.secret, "PUT", path, info)
        partner = self.connection.party_ids.filtered(lambda each: each.party_id == "QQQ")
        self.assertEqual((partner.role, partner.hub_status), ("CPO", "CONNECTED"))
        self.assertEqual(self.data(self.secret, "GET", path)["status"], "CONNECTED")
        earlier = info | {"status": "OFFLINE", "last_updated": "2020-01-01T00:00:00Z"}
        self.data(self.secret, "PUT", path, earlier)
        self.assertEqual(partner.hub_status, "CONNECTED", "what was told earlier arrives late")

    # Log

    def test_messages_are_kept_without_secrets(self) -> None:
        credentials = {"token": "very-secret", "url": "https://x.example.com/versions", "roles": []}
        self.call(self.secret, "PUT", "/2.2.1/credentials", credentials, X_Correlation_ID="trace-1")
        message = self.env["emobility.ocpi.message"].search([("correlation_id", "=", "trace-1")])
        self.assertEqual((message.state, message.module), ("failed", "credentials"))
        self.assertIn('"token": "***"', message.request_body)
        self.assertNotIn("very-secret", message.request_body)

    def test_times_with_a_zero_offset_are_taken_from_a_partner_that_sends_them(self) -> None:
        data = self.token_data(last_updated="2026-03-01T10:00:00+00:00")
        self.refused(2001, self.secret, "PUT", "/2.2.1/cpo/tokens/NL/XYZ/04DDEEFF", data)
        self.connection.zero_offsets = True
        self.data(self.secret, "PUT", "/2.2.1/cpo/tokens/NL/XYZ/04DDEEFF", data)


@tagged("post_install", "-at_install")
class TestOcpiVersions(OcpiHttpCase):
    """The other two versions, by the messages in which they differ."""

    def test_2_1_1_has_one_party_plain_prices_and_whole_locations(self) -> None:
        connection, token = self._connect(version="2.1.1", our_roles="CPO")
        [place] = self.data(token, "GET", "/2.1.1/cpo/locations")
        self.assertNotIn("party_id", place)
        [tariff] = self.data(token, "GET", "/2.1.1/cpo/tariffs")
        self.assertEqual(
            tariff["elements"][0]["price_components"][0], {"type": "ENERGY", "price": 0.4118, "step_size": 1}
        )
        token_data = {"uid": "04DD", "type": "RFID", "auth_id": "NLXYZ1", "issuer": "XYZ", "valid": True,
                      "whitelist": "ALLOWED", "last_updated": AT}  # fmt: skip
        self.data(token, "PUT", "/2.1.1/cpo/tokens/NL/XYZ/04DD", token_data)
        self.assertEqual(
            self.env["emobility.token"].search([("uid", "=", "04DD")]).roaming_partner_id, connection.party_ids
        )

    def test_2_3_0_has_taxes_of_its_own(self) -> None:
        _connection, token = self._connect(version="2.3.0")
        [tariff] = self.data(token, "GET", "/2.3.0/cpo/tariffs")
        self.assertEqual(tariff["tax_included"], "YES")
        self.assertEqual(tariff["elements"][0]["price_components"][0]["price"], 0.49)

    def test_2_3_0_invoices_name_their_cdrs(self) -> None:
        connection, token = self._connect(version="2.3.0")
        cdr = self.cdr_data(total_cost={"before_taxes": 4.0, "taxes": [{"name": "VAT", "amount": 0.76}]})
        self.data(token, "POST", "/2.3.0/emsp/cdrs", cdr)
        received = self.env["emobility.roaming.cdr"].search([("connection_id", "=", connection.id)])
        self.assertEqual((received.total_net, received.total_gross), (4.0, 4.76))
        record = {"country_code": "NL", "party_id": "XYZ", "id": "R1", "invoice_id": "INV-7", "cdrs": ["CDR-1"],
                  "last_updated": AT}  # fmt: skip
        self.data(token, "POST", "/2.3.0/emsp/invoicereconciliation", record)
        self.assertEqual(received.invoice_reference, "INV-7")
        self.assertEqual(
            self.data(token, "GET", "/2.3.0/emsp/invoicereconciliation/NL/XYZ/R1")["cdrs"], ["CDR-1"]
        )
        self.data(token, "DELETE", "/2.3.0/emsp/invoicereconciliation/NL/XYZ/R1")
        self.assertFalse(received.invoice_reference)
        ours = self.env["emobility.ocpi.reconciliation"]._tell(connection, "RG-1", received)
        [listed] = self.data(token, "GET", "/2.3.0/cpo/invoicereconciliation")
        self.assertEqual((listed["id"], listed["invoice_id"]), (ours.uid, "RG-1"))
