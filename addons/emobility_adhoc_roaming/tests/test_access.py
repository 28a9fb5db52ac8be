"""Nothing is sold at the stations of others unless somebody who answers for partners wants it."""

from __future__ import annotations

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.emobility_crm.tests.common import public_methods

from .common import AdhocRoamingCommon


@tagged("post_install", "-at_install")
class TestAccess(AdhocRoamingCommon, HttpCase):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_adhoc_roaming"), {"emobility.evse.action_print_stickers"})

    def test_only_who_answers_for_partners_switches_it_on(self) -> None:
        partner = self.operator
        for group, may in (("group_user", False), ("group_auditor", False), ("group_roaming_manager", True)):
            user = new_test_user(self.env, group, f"emobility_crm.{group}", company_id=self.company.id,
                                 company_ids=[fields.Command.set(self.company.ids)])  # fmt: skip
            as_user = partner.with_env(self.env(user=user, su=False))
            with self.subTest(group=group):
                if may:
                    as_user.sells_adhoc = True
                else:
                    with self.assertRaises(AccessError):
                        as_user.sells_adhoc = True

    def test_it_is_off_for_a_new_partner(self) -> None:
        self._connect("FRAAA", our_roles="EMSP")
        partner = self.env["emobility.roaming.partner"].search([("party_id", "=", "AAA")])
        self.assertFalse(partner.sells_adhoc)

    def test_a_general_price_rule_does_not_count_at_the_stations_of_others(self) -> None:
        self.operator.sells_adhoc = False
        self.assertFalse(self.evse._adhoc_version())
        self.assertTrue(self.own_evse._adhoc_version())
        with self.assertRaisesRegex(UserError, "without a contract"):
            self.check_out()
        rules = self.env["emobility.price.rule"]
        nobody, connector = self.env["contract.contract"], self.env["emobility.connector"]
        answer = rules._answer(self.company, nobody, self.evse, connector, fields.Datetime.now(), relation="adhoc")
        self.assertIn("not switched on", rules._answer_text(answer))

    def test_a_session_that_goes_on_is_charged_when_it_is_switched_off(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        self.tell(adhoc)
        self.operator.sells_adhoc = False
        self.bill(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("settled", (590, 0)))

    def test_the_page_sells_and_names_the_operator_only_when_it_is_on(self) -> None:
        path = f"/charge/{self.evse.adhoc_code}"
        page = self.url_open(path).text
        self.assertIn("0.59", page)
        self.assertIn(self.operator.name, page)
        self.assertIn("Pay and charge", page)
        self.operator.sells_adhoc = False
        page = self.url_open(path).text
        self.assertIn("Charging without a contract is not possible here.", page)
        self.assertNotIn("Pay and charge", page)

    def test_what_the_operator_says_cannot_be_used_is_not_sold(self) -> None:
        self.assertTrue(self.evse._adhoc_is_available())
        for status in ("OUTOFORDER", "INOPERATIVE", "PLANNED", "REMOVED", "RESERVED"):
            self.evse.ocpi_status = status
            self.assertFalse(self.evse._adhoc_is_available(), status)

    def test_stations_of_others_are_not_published_as_ours(self) -> None:
        publications = self.env["emobility.price.publication"]
        made = publications._publish(self.evse | self.own_evse)
        self.assertEqual(made.evse_id, self.own_evse)
        with self.assertRaisesRegex(UserError, "your own charging points"):
            self.evse.action_print_stickers()
        self.own_evse.action_print_stickers()
        publisher = self.env["emobility.ocpi.publisher"]
        provider, _secret = self._connect("FRAAA", our_roles="CPO")
        self.assertFalse(publisher._may_see(provider, "locations", self.evse.location_id))
        self.assertFalse(publisher._may_see(provider, "tariffs", self.adhoc_tariff.version_ids))
        if "emobility.nap.publication" in self.env:
            publication = self.env["emobility.nap.publication"].create(
                {"company_id": self.company.id, "country_id": self.env.ref("base.nl").id, "national_identifier": "NL-1"}
            )
            self.assertFalse(self.env["emobility.nap.feed"]._locations(publication))
