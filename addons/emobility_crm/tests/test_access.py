from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import AccessCase, Rights, staff

PORTAL_READS_OWN = Rights("r", "", "")
SHARED = "rwcd"


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    MATRIX = {
        "emobility.customer.group": staff(user="r", manager="rwcd"),
        "emobility.token": staff(user="rwc", manager="rwcd", portal=PORTAL_READS_OWN),
        "emobility.location.group": staff(user="r", manager="rwcd"),
        "emobility.location": staff(user="rw", manager="rwcd"),
        "emobility.evse": staff(user="rw", manager="rwcd"),
        "emobility.opening.hours": staff(user="rwcd", manager="rwcd"),
        "emobility.connector": staff(user="rw", manager="rwcd"),
        "contract.contract": staff(user="rwc", manager="rwcd", portal=PORTAL_READS_OWN),
        "contract.line": staff(user="rwcd", manager="rwcd", portal=PORTAL_READS_OWN),
        "emobility.contract.phase": staff(user="r", manager="r", portal=PORTAL_READS_OWN),
        "emobility.plan.price": staff(user="r", manager="rwcd"),
        "contract.modification": staff(user="rwcd", manager="rwcd", portal=PORTAL_READS_OWN),
    }

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_crm")

    def test_f52_portal_user_cannot_walk_through_the_contract_lines_of_others(self) -> None:
        """The module contract lets any portal user read all lines with their prices: our rule closes that."""
        foreign = self.records["contract.line"]["foreign"]
        lines = self.as_role("portal", foreign)
        with self.assertRaises(AccessError):
            lines.read(["price_unit"])
        everything = lines.search([])
        self.assertEqual(everything.contract_id.partner_id, self.own_partner)

    def test_f52_portal_user_cannot_walk_through_the_contract_modifications_of_others(self) -> None:
        foreign = self.records["contract.modification"]["foreign"]
        modifications = self.as_role("portal", foreign)
        with self.assertRaises(AccessError):
            modifications.read(["description"])
        self.assertEqual(modifications.search([]).contract_id.partner_id, self.own_partner)

    def test_portal_user_sees_a_contract_that_they_pay_for_someone_else(self) -> None:
        contract = self.records["contract.contract"]["foreign"]
        contract.invoice_partner_id = self.own_partner
        for model_name in ("contract.contract", "contract.line", "contract.modification", "emobility.token"):
            with self.subTest(model=model_name):
                self.assertEqual(self.allowed_operations("portal", self.records[model_name]["foreign"]), "r")

    def test_driver_sees_the_token_but_not_the_contract_of_the_company_that_pays(self) -> None:
        self.records["emobility.token"]["foreign"].partner_id = self.own_partner
        self.assertEqual(self.allowed_operations("portal", self.records["emobility.token"]["foreign"]), "r")
        for model_name in ("contract.contract", "contract.line"):
            with self.subTest(model=model_name):
                self.assertEqual(self.allowed_operations("portal", self.records[model_name]["foreign"]), "")

    def test_portal_user_who_follows_a_contract_sees_its_lines(self) -> None:
        contract = self.records["contract.contract"]["foreign"]
        contract.message_subscribe(self.own_partner.ids)
        for model_name in ("contract.contract", "contract.line", "contract.modification"):
            with self.subTest(model=model_name):
                self.assertEqual(self.allowed_operations("portal", self.records[model_name]["foreign"]), "r")

    def test_previous_customer_of_a_draft_contract_cannot_see_it_any_more(self) -> None:
        contract = self.records["contract.contract"]["own"]
        contract.partner_id = self.foreign_partner
        self.assertEqual(contract.invoice_partner_id, self.foreign_partner)
        self.assertEqual(self.allowed_operations("portal", contract), "")
        self.assertEqual(self.allowed_operations("portal", contract.contract_line_ids), "")

    def test_portal_user_cannot_change_the_state_of_an_own_token(self) -> None:
        token = self.as_role("portal", self.records["emobility.token"]["own"])
        for action in ("action_activate", "action_block", "action_report_lost"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(token, action)()

    def test_portal_user_cannot_read_how_the_company_classifies_customers(self) -> None:
        self.own_partner.customer_group_id = self.records["emobility.customer.group"]["own"]
        with self.assertRaises(AccessError):
            self.as_role("portal", self.own_partner).read(["customer_group_id"])

    def test_customer_group_without_company_is_shared_between_companies(self) -> None:
        shared = self.env["emobility.customer.group"].create(
            {"name": "Shared", "code": "SHARED", "company_id": False}
        )
        self.assertEqual(self.allowed_operations("user", shared), "r")
        self.assertEqual(self.allowed_operations("manager", shared), SHARED)

    def test_auditor_cannot_act_on_contracts_and_tokens(self) -> None:
        with self.assertRaises(AccessError):
            self.as_role("auditor", self.records["contract.contract"]["own"]).action_activate()
        with self.assertRaises(AccessError):
            self.as_role("auditor", self.records["emobility.token"]["own"]).action_activate()

    def test_the_check_notices_a_right_too_many(self) -> None:
        """The table would be worthless if the check passed whatever the rights are."""
        self.env["ir.model.access"].create(
            {
                "name": "hole",
                "model_id": self.env["ir.model"]._get_id("emobility.connector"),
                "group_id": self.env.ref("base.group_public").id,
                "perm_read": True,
            }
        )
        self.assertEqual(
            self.matrix_mismatches(),
            [
                "public on own emobility.connector: may r, should -; finds it: True",
                "public on foreign emobility.connector: may r, should -; finds it: True",
            ],
        )

    def test_the_check_notices_a_right_too_few(self) -> None:
        self.env.ref("emobility_crm.access_connector_auditor").unlink()
        self.assertEqual(
            self.matrix_mismatches(),
            [
                "auditor on own emobility.connector: may -, should r; finds it: False",
                "auditor on foreign emobility.connector: may -, should r; finds it: False",
            ],
        )
