from typing import Any

from odoo import models
from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import give_prices


@tagged("post_install", "-at_install")
class TestLeadContract(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        give_prices(cls.env)
        cls.env["account.journal"].search([("type", "=", "sale")], limit=1) or cls.env[
            "account.journal"
        ].create({"name": "Sales", "code": "SALE", "type": "sale"})
        cls.plan = cls.env["product.template"].create(
            {"name": "Plan", "type": "service", "is_charging_plan": True}
        )
        cls.lead = cls.env["crm.lead"].create(
            {
                "name": "Wants to charge",
                "type": "opportunity",
                "contact_name": "Lena Lead",
                "email_from": "lena@example.com",
                "street": "Weg 1",
                "city": "Berlin",
                "charging_plan_id": cls.plan.id,
                "charging_card_count": 2,
            }
        )

    def _make(self, **values: Any) -> models.BaseModel:
        wizard = self.env["emobility.lead.contract"].create({"lead_id": self.lead.id, **values})
        wizard.action_make()
        return self.lead.charging_contract_id

    def test_lead_becomes_customer_active_contract_and_ordered_cards(self) -> None:
        contract = self._make(cost_centre="KST 7")
        partner = contract.partner_id
        self.assertEqual((partner.name, partner.email, partner.city), ("Lena Lead", "lena@example.com", "Berlin"))
        self.assertEqual(
            (contract.plan_id, contract.charging_state, contract.cost_centre), (self.plan, "active", "KST 7")
        )
        self.assertEqual(contract.token_ids.mapped("state"), ["ordered", "ordered"])
        self.assertEqual((self.lead.partner_id, self.lead.stage_id.is_won), (partner, True))
        action = self.lead.action_view_charging_contract()
        self.assertEqual(action["res_id"], contract.id)

    def test_known_customer_is_found_by_the_mail_and_not_made_twice(self) -> None:
        known = self.env["res.partner"].create({"name": "Lena Known", "email": "Lena@Example.com"})
        form = Form(self.env["emobility.lead.contract"].with_context(default_lead_id=self.lead.id))
        self.assertEqual(form.partner_id, known)
        self.assertEqual((form.plan_id, form.card_count), (self.plan, 2))
        form.save().action_make()
        self.assertEqual(self.lead.charging_contract_id.partner_id, known)

    def test_contact_with_the_same_phone_is_shown_as_duplicate(self) -> None:
        self.lead.phone = "+49 30 1234567"
        other = self.env["res.partner"].create({"name": "Lena Again", "phone": "+49301234567"})
        form = Form(self.env["emobility.lead.contract"].with_context(default_lead_id=self.lead.id))
        self.assertIn(other, form.duplicate_ids[:])

    def test_somebody_else_can_pay(self) -> None:
        payer = self.env["res.partner"].create({"name": "Employer", "is_company": True})
        self.assertEqual(self._make(payer_id=payer.id).invoice_partner_id, payer)

    def test_company_of_the_lead_becomes_a_company_with_a_contact(self) -> None:
        self.lead.partner_name = "Fleet GmbH"
        partner = self._make().partner_id
        self.assertEqual((partner.parent_id.name, partner.parent_id.is_company), ("Fleet GmbH", True))

    def test_customer_is_invited_to_the_portal(self) -> None:
        partner = self._make(invite=True).partner_id
        self.assertTrue(partner.user_ids._is_portal())

    def test_mistakes_are_explained_and_nothing_is_saved(self) -> None:
        count = self.env["res.partner"].search_count([])
        for values, lead_values, problem in (
            ({"card_count": 1001}, {}, "Between 0 and 1000 cards"),
            ({"activate": False}, {}, "activate it, or order no card"),
            ({"invite": True}, {"email_from": False}, "Without an e-mail address"),
            ({}, {"contact_name": False, "partner_name": False}, "The lead names nobody"),
        ):
            with self.subTest(problem=problem):
                self.lead.write(
                    {"email_from": "lena@example.com", "contact_name": "Lena Lead", **lead_values}
                )
                with self.assertRaisesRegex(UserError, problem):
                    self._make(**values)
        self.assertFalse(self.lead.charging_contract_id)
        self.assertEqual(self.env["res.partner"].search_count([]), count)

    def test_lead_becomes_a_contract_only_once(self) -> None:
        self._make()
        with self.assertRaisesRegex(UserError, "has become the contract"):
            self.lead.action_make_charging_contract()
        with self.assertRaisesRegex(UserError, "has become the contract"):
            self._make()

    def test_clerk_can_do_it_without_rights_of_sales(self) -> None:
        clerk = new_test_user(self.env, "lead-clerk", groups="emobility_crm.group_user")
        wizard = self.env["emobility.lead.contract"].with_user(clerk).create({"lead_id": self.lead.id})
        wizard.action_make()
        self.assertEqual(self.lead.charging_contract_id.charging_state, "active")
