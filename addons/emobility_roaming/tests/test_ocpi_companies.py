"""Several of our companies behind one connection: each is a party of its own and sees its own objects only."""

from __future__ import annotations

from typing import Any

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from ..ocpi import v221
from .ocpi_common import AT, OcpiHttpCase, failed, ok


@tagged("post_install", "-at_install")
class TestCompanies(OcpiHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, cls.secret = cls._connect()
        cls.other = cls.env["res.company"].create(
            {"name": "Second", "emobility_country_code": "AT", "emobility_party_id": "TWO"}
        )
        cls.env["res.users"].browse(cls.env.uid).company_ids |= cls.other
        cls.side = cls.env["emobility.ocpi.connection"].create(
            {"parent_id": cls.connection.id, "company_id": cls.other.id}
        )
        cls.other_location = cls.env["emobility.location"].create(
            {
                "name": "Wien", "code": "WIEN", "street": "Ring 1", "city": "Wien", "zip": "1010", "latitude": 48.2,
                "longitude": 16.4, "country_id": cls.env.ref("base.at").id, "company_id": cls.other.id,
                "is_public": True,
            }
        )  # fmt: skip

    @staticmethod
    def to(party: str) -> dict[str, str]:
        return {"OCPI_from_country_code": "NL", "OCPI_from_party_id": "XYZ", "OCPI_to_country_code": party[:2],
                "OCPI_to_party_id": party[2:]}  # fmt: skip

    def test_the_credentials_name_all_our_parties(self) -> None:
        ours = self.data(self.secret, "GET", "/2.2.1/credentials")
        parties = [(role["country_code"] + role["party_id"], role["role"]) for role in ours["roles"]]
        self.assertEqual(parties, [("DEABC", "CPO"), ("DEABC", "EMSP"), ("ATTWO", "CPO"), ("ATTWO", "EMSP")])

    def test_who_is_named_by_the_headers_shows_its_own_objects_only(self) -> None:
        for party, places in (("DEABC", ["MARKET"]), ("ATTWO", ["WIEN"])):
            listed = self.data(self.secret, "GET", "/2.2.1/cpo/locations", **self.to(party))
            self.assertEqual([(each["id"], each["party_id"]) for each in listed], [(places[0], party[2:])])
        self.refused(4001, self.secret, "GET", "/2.2.1/cpo/locations", **self.to("ATZZZ"))
        answer = self.call(self.secret, "GET", "/2.2.1/cpo/locations/WIEN", **self.to("DEABC"))
        self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.data(self.secret, "GET", "/2.2.1/cpo/locations/WIEN")["party_id"], "TWO")

    def test_without_headers_all_our_parties_are_listed(self) -> None:
        answer = self.call(self.secret, "GET", "/2.2.1/cpo/locations?limit=1")
        self.assertEqual(answer.headers["X-Total-Count"], "2")
        listed = self.data(self.secret, "GET", "/2.2.1/cpo/locations")
        self.assertEqual({(each["id"], each["party_id"]) for each in listed}, {("MARKET", "ABC"), ("WIEN", "TWO")})

    def test_a_token_is_for_the_party_of_the_headers_and_else_for_all(self) -> None:
        def companies(uid: str) -> Any:
            return self.env["emobility.token"].search([("uid", "=", uid)]).company_id

        path = "/2.2.1/cpo/tokens/NL/XYZ"
        self.data(self.secret, "PUT", f"{path}/04DDEE01", self.token_data("04DDEE01"), **self.to("ATTWO"))
        self.assertEqual(companies("04DDEE01"), self.other)
        self.data(self.secret, "PUT", f"{path}/04DDEE02", self.token_data("04DDEE02"))
        self.assertEqual(companies("04DDEE02"), self.other | self.company)
        self.data(self.secret, "PATCH", f"{path}/04DDEE02", {"valid": False, "last_updated": "2026-03-02T00:00:00Z"})
        tokens = self.env["emobility.token"].search([("uid", "=", "04DDEE02")])
        self.assertEqual(tokens.mapped("state"), ["blocked", "blocked"])

    def test_a_cdr_goes_to_the_provider_of_the_driver(self) -> None:
        theirs = self.cdr_token(country_code="AT", party_id="TWO", uid="04CAFE")
        self.data(self.secret, "POST", "/2.2.1/emsp/cdrs", self.cdr_data(cdr_token=theirs))
        cdr = self.env["emobility.roaming.cdr"].search([("name", "=", "CDR-1")])
        self.assertEqual((cdr.company_id, cdr.connection_id), (self.other, self.side))
        self.assertEqual(self.data(self.secret, "GET", "/2.2.1/emsp/cdrs/NL/XYZ/CDR-1")["id"], "CDR-1")
        # The other company neither has it nor shows it.
        self.refused(2001, self.secret, "GET", "/2.2.1/emsp/cdrs/NL/XYZ/CDR-1", status=404, **self.to("DEABC"))

    def test_a_command_goes_to_the_company_of_the_location(self) -> None:
        server = self.env["emobility.ocpi.server"]
        command = v221.UnlockConnector(
            response_url="https://nlxyz.example.com/r", location_id="WIEN", evse_uid="x", connector_id="1"
        )
        self.assertEqual(server._meant(self.connection._sides(), command), self.side)

    def test_our_changes_are_sent_by_the_company_that_has_them(self) -> None:
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.other_location.street = "Ring 2"
        [call] = asked
        self.assertEqual(call["url"].split("/")[-3:], ["AT", "TWO", "WIEN"])
        self.assertEqual(call["headers"]["OCPI-from-party-id"], "TWO")

    def test_a_new_company_is_told_to_the_partner_and_so_is_its_end(self) -> None:
        third = self.env["res.company"].create(
            {"name": "Third", "emobility_country_code": "CH", "emobility_party_id": "TRI"}
        )
        with trap_jobs() as trap:
            side = self.env["emobility.ocpi.connection"].create(
                {"parent_id": self.connection.id, "company_id": third.id, "our_roles": "CPO"}
            )
            trap.assert_enqueued_job(self.connection._rotate_now)
            trap.assert_enqueued_job(self.connection._push_client_info, kwargs={"attempt": 0})
        self.assertEqual(
            (side.state, side.version, side.party_ids.mapped("role")), ("connected", "2.2.1", ["CPO", "EMSP"])
        )
        with trap_jobs() as trap:
            side.active = False
            trap.assert_enqueued_job(self.connection._rotate_now)
        self.assertNotIn("TRI", str(self.data(self.secret, "GET", "/2.2.1/credentials")))

    def test_what_is_common_follows_the_connection(self) -> None:
        self.connection.raw_token = True
        self.connection.action_pause()
        self.assertEqual((self.side.raw_token, self.side.state), (True, "paused"))
        self.assertEqual(self.side._client().token, self.connection._client().token)

    def test_a_company_that_cannot_share_is_refused(self) -> None:
        same = self.env["res.company"].create(
            {"name": "Same Party", "emobility_country_code": "AT", "emobility_party_id": "TWO"}
        )
        nobody = self.env["res.company"].create({"name": "No Party"})
        for company, error in ((self.company, ValidationError), (same, ValidationError), (nobody, UserError)):
            with self.subTest(company.name), self.assertRaises(error), self.env.cr.savepoint():
                self.env["emobility.ocpi.connection"].create(
                    {"parent_id": self.connection.id, "company_id": company.id}
                )

    # Module hubclientinfo, sender

    def test_our_parties_are_listed_as_a_hub_does(self) -> None:
        infos = self.data(self.secret, "GET", "/2.2.1/hubclientinfo?limit=3")
        self.assertEqual([(each["party_id"], each["role"]) for each in infos],
                         [("ABC", "CPO"), ("ABC", "EMSP"), ("TWO", "CPO")])  # fmt: skip
        answer = self.call(self.secret, "GET", "/2.2.1/hubclientinfo?limit=3")
        self.assertEqual(answer.headers["X-Total-Count"], "4")
        self.assertIn("offset=3", answer.headers["Link"])
        self.assertEqual(self.data(self.secret, "GET", "/2.2.1/hubclientinfo?date_to=2020-01-01T00:00:00Z"), [])
        self.side.active = False
        infos = self.data(self.secret, "GET", "/2.2.1/hubclientinfo")
        self.assertEqual({each["party_id"]: each["status"] for each in infos}, {"ABC": "CONNECTED", "TWO": "SUSPENDED"})

    def test_a_partner_that_takes_them_is_told_our_parties(self) -> None:
        self.env["emobility.ocpi.module"].create(
            {
                "connection_id": self.connection.id, "module": "hubclientinfo", "interface": "RECEIVER",
                "url": "https://nlxyz.example.com/ocpi/2.2.1/clients",
            }
        )  # fmt: skip
        with self.partner_answers(ok()) as asked:
            self.connection._push_client_info()
        self.assertEqual({call["url"].split("/clients/")[1] for call in asked}, {"DE/ABC", "AT/TWO"})
        self.assertEqual({call["method"] for call in asked}, {"PUT"})
        self.assertFalse(any("OCPI-to-party-id" in call["headers"] for call in asked), "this module is not routed")

    def test_what_the_partner_did_not_take_is_told_again(self) -> None:
        self.env["emobility.ocpi.module"].create(
            {
                "connection_id": self.connection.id, "module": "hubclientinfo", "interface": "RECEIVER",
                "url": "https://nlxyz.example.com/ocpi/2.2.1/clients",
            }
        )  # fmt: skip
        with self.partner_answers(failed(401)) as asked, trap_jobs() as trap:
            self.connection._push_client_info()
            trap.assert_enqueued_job(self.connection._push_client_info, kwargs={"attempt": 1})
        self.assertEqual(len(asked), 1)
        with self.partner_answers(failed(401)), trap_jobs() as trap:
            self.connection._push_client_info(attempt=5)
            trap.assert_jobs_count(0)

    def test_a_hub_tells_all_our_companies_of_a_party(self) -> None:
        self.connection.is_hub = True
        info = {"party_id": "QQQ", "country_code": "BE", "role": "CPO", "status": "OFFLINE", "last_updated": AT}
        self.data(self.secret, "PUT", "/2.2.1/hubclientinfo/BE/QQQ", info)
        partners = self.env["emobility.roaming.partner"].search([("party_id", "=", "QQQ")])
        self.assertEqual(partners.company_id, self.company | self.other)
