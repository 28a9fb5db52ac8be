from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon

from .common import new_charging_contract


@tagged("post_install", "-at_install")
class TestPartner(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.fleet = cls.env["res.partner"].create({"name": "Fleet Ltd", "is_company": True})
        cls.driver = cls.env["res.partner"].create({"name": "Driver", "parent_id": cls.fleet.id})
        cls.group = cls.env["emobility.customer.group"].create({"name": "Fleets", "code": "FLT"})

    def test_people_of_a_company_have_the_customer_group_of_the_company(self) -> None:
        self.fleet.customer_group_id = self.group
        newcomer = self.env["res.partner"].create({"name": "New", "parent_id": self.fleet.id})
        self.assertEqual(self.driver.customer_group_id, self.group)
        self.assertEqual(newcomer.customer_group_id, self.group)
        self.assertEqual(self.group.partner_count, 3)

    def test_partner_of_one_company_cannot_be_in_a_group_of_another(self) -> None:
        company = self.env["res.company"].create({"name": "Another"})
        self.partner.customer_group_id = self.group
        self.assertTrue(self.partner.customer_group_id, "a shared partner may be in a group of any company")
        with self.assertRaisesRegex(UserError, "no company crossover"):
            self.partner.company_id = company

    def test_smart_buttons_count_what_they_open(self) -> None:
        contract = new_charging_contract(self.env, self.fleet)
        new_charging_contract(self.env, self.fleet, is_charging=False)
        self.env["emobility.token"].create(
            {"uid": "B1", "contract_id": contract.id, "partner_id": self.driver.id}
        )
        for partner, contracts, tokens in ((self.fleet, 1, 1), (self.driver, 0, 1), (self.partner, 0, 0)):
            with self.subTest(partner=partner.name):
                self.assertEqual(partner.charging_contract_count, contracts)
                self.assertEqual(partner.emobility_token_count, tokens)
                for action, count in (
                    (partner.action_view_charging_contracts(), contracts),
                    (partner.action_view_emobility_tokens(), tokens),
                ):
                    self.assertEqual(self.env[action["res_model"]].search_count(action["domain"]), count)

    def test_payer_sees_the_contracts_of_others_that_they_pay(self) -> None:
        new_charging_contract(self.env, self.driver, invoice_partner_id=self.fleet.id)
        self.assertEqual(self.fleet.charging_contract_count, 1)

    def test_customer_group_opens_its_customers(self) -> None:
        self.fleet.customer_group_id = self.group
        action = self.group.action_view_partners()
        self.assertEqual(self.env["res.partner"].search(action["domain"]), self.fleet | self.driver)
