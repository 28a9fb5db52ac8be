"""Registration from both sides, rotation, its end, and what can go wrong."""

from __future__ import annotations

import base64
import json
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ..ocpi_client import AddressError, OcpiClient
from .ocpi_common import OcpiHttpCase, failed, ok

URL = "https://nlxyz.example.com/ocpi"


def credentials(**changes):
    return {
        "token": "their-token-for-us-0123456789",
        "url": f"{URL}/versions",
        "roles": [
            {"role": "EMSP", "country_code": "NL", "party_id": "XYZ", "business_details": {"name": "Provider XYZ"}},
            {"role": "CPO", "country_code": "NL", "party_id": "XYO", "business_details": {"name": "Operator XYO"}},
        ],
    } | changes


VERSIONS = ok([{"version": "2.1.1", "url": f"{URL}/2.1.1"}, {"version": "2.2.1", "url": f"{URL}/2.2.1"}])
DETAILS = ok(
    {
        "version": "2.2.1",
        "endpoints": [
            {"identifier": "credentials", "role": "RECEIVER", "url": f"{URL}/2.2.1/credentials"},
            {"identifier": "tokens", "role": "SENDER", "url": f"{URL}/2.2.1/tokens"},
            {"identifier": "teleport", "role": "SENDER", "url": f"{URL}/2.2.1/teleport"},
        ],
    }
)


@tagged("post_install", "-at_install")
class TestRegistration(OcpiHttpCase):
    def invite(self):
        wizard = self.env["emobility.ocpi.invite"].create({"name": "XYZ", "company_id": self.company.id})
        wizard.action_invite()
        return wizard

    def test_an_invitation_is_shown_as_text_qr_code_and_file(self) -> None:
        wizard = self.invite()
        content = json.loads(base64.b64decode(wizard.file))
        self.assertEqual(content, {"token": wizard.token, "url": "https://us.example.com/ocpi/versions"})
        self.assertTrue(base64.b64decode(wizard.qr).startswith(b"\x89PNG"))
        self.assertEqual(wizard.connection_id.state, "invited")
        self.assertNotEqual(wizard.connection_id.token_fingerprint, wizard.token)

    def test_a_partner_registers_here_rotates_and_leaves(self) -> None:
        wizard = self.invite()
        connection = wizard.connection_id
        with self.partner_answers(VERSIONS, DETAILS):
            answer = self.data(wizard.token, "POST", "/2.2.1/credentials", credentials())
        self.assertEqual((connection.state, connection.version), ("connected", "2.2.1"))
        self.assertEqual([role["role"] for role in answer["roles"]], ["CPO", "EMSP"])
        self.assertEqual(
            [(each.party_id, each.role) for each in connection.party_ids.sorted("party_id")],
            [("XYO", "CPO"), ("XYZ", "EMSP")], "several parties behind one connection",
        )  # fmt: skip
        self.assertNotIn("their-token", connection.sealed_token)
        self.refused(2000, wizard.token, "GET", "/versions", status=401)
        token = answer["token"]
        self.assertEqual(self.data(token, "GET", "/2.2.1/credentials")["token"], token)
        self.refused(2001, token, "POST", "/2.2.1/credentials", credentials(), status=405)
        with self.partner_answers(VERSIONS, DETAILS):
            rotated = self.data(token, "PUT", "/2.2.1/credentials", credentials(token="their-second-token"))["token"]
        self.data(rotated, "GET", "/versions")
        self.refused(2000, token, "GET", "/versions", status=401)
        self.data(rotated, "DELETE", "/2.2.1/credentials")
        self.assertEqual(connection.state, "ended")
        self.refused(2000, rotated, "GET", "/versions", status=401)

    def test_a_partner_that_lost_the_answer_with_its_new_token_changes_it_again(self) -> None:
        invited = self.invite().token
        with self.partner_answers(VERSIONS, DETAILS):
            token = self.data(invited, "POST", "/2.2.1/credentials", credentials())["token"]
        lost = []
        for number in range(2):
            with self.partner_answers(VERSIONS, DETAILS):
                told = self.data(token, "PUT", "/2.2.1/credentials", credentials(token=f"their-token-{number}"))
            lost.append(told["token"])
        self.refused(2000, lost[0], "GET", "/versions", status=401)
        self.data(lost[1], "GET", "/versions")
        self.refused(2000, token, "GET", "/versions", status=401)

    def test_who_is_not_registered_can_neither_change_nor_leave(self) -> None:
        token = self.invite().token
        self.refused(2001, token, "PUT", "/2.2.1/credentials", credentials(), status=405)
        self.refused(2000, token, "DELETE", "/2.2.1/credentials", status=405)

    def test_a_partner_whose_interface_cannot_be_used_is_told_so(self) -> None:
        wizard = self.invite()
        for answers, code in (
            ((failed(),), 3001),
            ((ok([]),), 3002),
            ((VERSIONS, ok({"version": "2.2.1", "endpoints": []})), 3003),
        ):
            with self.subTest(code=code), self.partner_answers(*answers):
                self.refused(code, wizard.token, "POST", "/2.2.1/credentials", credentials())
        self.assertEqual(wizard.connection_id.state, "invited", "nothing of it is left")

    def test_f52_nobody_takes_over_the_party_of_another_or_ours(self) -> None:
        self._connect("NLXYZ")
        wizard = self.invite()
        for party in ({"country_code": "NL", "party_id": "XYZ"}, {"country_code": "DE", "party_id": "ABC"}):
            roles = [{"role": "EMSP", "business_details": {"name": "Thief"}, **party}]
            with self.subTest(party=party), self.partner_answers(VERSIONS, DETAILS):
                self.refused(2001, wizard.token, "POST", "/2.2.1/credentials", credentials(roles=roles))

    def test_we_register_with_the_invitation_of_a_partner(self) -> None:
        content = base64.b64encode(json.dumps({"token": "token-a", "url": f"{URL}/versions"}).encode())
        wizard = self.env["emobility.ocpi.accept"].create(
            {"name": "XYZ", "file": content, "company_id": self.company.id}
        )
        self.assertEqual((wizard.token, wizard.url), ("token-a", f"{URL}/versions"))
        with self.partner_answers(VERSIONS, DETAILS, ok(credentials()), ok([])) as asked, self.jobs_run():
            action = wizard.action_accept()
            connection = self.env["emobility.ocpi.connection"].browse(action["res_id"])
            self.assertEqual(connection.state, "registering")
            handed_over = connection._next_token()
        self.assertEqual((connection.state, connection.version), ("connected", "2.2.1"))
        self.assertEqual(asked[2]["body"]["token"], handed_over)
        self.data(handed_over, "GET", "/2.2.1/cpo/locations")
        self.assertEqual(connection._client().token, "their-token-for-us-0123456789")
        self.assertEqual(connection.module_ids.mapped("module"), ["credentials", "tokens"])
        with self.partner_answers(VERSIONS, DETAILS, ok(credentials(token="second"))), self.jobs_run():
            connection.action_rotate()
            self.data(handed_over, "GET", "/versions")
            self.data(connection._next_token(), "GET", "/versions")
        self.refused(2000, handed_over, "GET", "/versions", status=401)
        self.assertEqual(connection._client().token, "second")
        with self.partner_answers(ok()) as asked:
            connection.action_unregister()
        self.assertEqual((asked[0]["method"], connection.state), ("DELETE", "ended"))

    def test_a_registration_that_fails_says_why(self) -> None:
        wizard = self.env["emobility.ocpi.accept"].create(
            {"name": "XYZ", "token": "a", "url": f"{URL}/versions", "company_id": self.company.id}
        )
        with self.partner_answers(failed(401)), self.jobs_run():
            connection = self.env["emobility.ocpi.connection"].browse(wizard.action_accept()["res_id"])
        self.assertEqual(connection.state, "draft")
        self.assertIn("HTTP 401", connection.last_error)

    def test_a_company_without_party_is_told_what_it_lacks(self) -> None:
        self.company.emobility_party_id = False
        with self.assertRaisesRegex(UserError, "no OCPI country code"):
            self.invite()

    def test_a_file_that_holds_no_invitation_is_refused(self) -> None:
        with self.assertRaisesRegex(UserError, "holds no invitation"):
            self.env["emobility.ocpi.accept"].create({"name": "X", "file": base64.b64encode(b"[]")}).token  # noqa: B018

    # Addresses

    def test_only_public_addresses_with_tls_are_called(self) -> None:
        client = OcpiClient(token="x" * 20)
        for url in ("http://93.184.216.34/", "ftp://x/", "https://user:pw@x/", "https:///x"):
            with self.subTest(url=url), self.assertRaises(AddressError):
                client._check(url)
        connection, _token = self._connect()
        with self.assertRaisesRegex(ValidationError, "no address of versions"):
            connection.versions_url = "http://partner.example.com/versions"

    def test_an_answer_to_a_command_goes_to_the_partners_host_only(self) -> None:
        connection, token = self._connect()
        body = {"response_url": "https://evil.example.com/x", "session_id": "s"}
        self.refused(2001, token, "POST", "/2.2.1/cpo/commands/STOP_SESSION", body)
        body["response_url"] = f"https://{connection.versions_url.split('/')[2]}/result"
        answer = self.data(token, "POST", "/2.2.1/cpo/commands/STOP_SESSION", body)
        self.assertEqual(answer["result"], "UNKNOWN_SESSION")

    # Self-test

    def test_the_self_test_walks_through_all_modules(self) -> None:
        connection, _token = self._connect()
        pages = {
            "versions": VERSIONS, "credentials": ok(credentials()), "locations": ok([self.location_data()]),
            "sessions": ok([{"id": "broken"}]), "cdrs": ok([], X_Total_Count="0"),
            "tariffs": failed(500), "tokens": ok([self.token_data(party_id="QQQ")], X_Total_Count="1"),
        }  # fmt: skip
        self.env["emobility.ocpi.module"].create(
            {
                "connection_id": connection.id,
                "module": "credentials",
                "interface": "RECEIVER",
                "url": f"{URL}/credentials",
            }
        )

        def call(_client, _method, url, **_values):
            return pages[url.rstrip("/").rsplit("/", 1)[-1]]

        group = "emobility_crm.group_roaming_manager"
        manager = new_test_user(self.env, "self-test", group, company_id=self.company.id)
        with patch.object(OcpiClient, "call", call):
            action = connection.with_user(manager).action_self_test()
        test = self.env["emobility.ocpi.self.test"].browse(action["res_id"])
        results = dict(zip(test.line_ids.mapped("step"), test.line_ids.mapped("result"), strict=True))
        self.assertEqual(
            {name: results[name] for name in pages},
            {"versions": "good", "credentials": "good", "locations": "warning", "sessions": "warning", "cdrs": "good",
             "tariffs": "bad", "tokens": "warning"},
        )  # fmt: skip
        self.assertEqual(test.verdict, "bad")
        self.assertIn("foreign party NL*QQQ", test.report)
        report = self.env["ir.actions.report"].with_user(manager)
        html, _kind = report._render_qweb_html("emobility_roaming.self_test_report", test.ids)
        for text in ("foreign party NL*QQQ", "Something does not work", "DE*ABC", connection.name):
            self.assertIn(text, html.decode())
