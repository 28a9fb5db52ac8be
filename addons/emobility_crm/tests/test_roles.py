from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import NONE, AccessCase, in_company

READ = in_company("r")
SERVICE = {
    "emobility.customer.group": "r",
    "emobility.location.group": "r",
    "emobility.plan.price": "r",
    "emobility.token": "rwc",
    "contract.contract": "rwc",
    "emobility.location": "rw",
    "emobility.evse": "rw",
    "emobility.connector": "rw",
}
# What a role may do, where it differs from customer service.
DIFFERENCES = {
    "customer_service": {},
    "billing_clerk": {},
    "roaming_manager": {},
    "product_manager": {
        "emobility.customer.group": "rwcd",
        "emobility.location.group": "rwcd",
        "emobility.plan.price": "rwcd",
    },
    "technician": {
        "emobility.customer.group": "",
        "emobility.plan.price": "",
        "emobility.token": "",
        "contract.contract": "",
        "emobility.location": "rwc",
        "emobility.evse": "rwc",
        "emobility.connector": "rwcd",
    },
}


@tagged("post_install", "-at_install")
class TestRoles(AccessCase):
    """What people in the company may do, by their work."""

    ROLES = {role: f"emobility_crm.group_{role}" for role in DIFFERENCES} | {"portal": "base.group_portal"}
    MATRIX = {
        model: {
            role: in_company(differences.get(model, operations))
            for role, differences in DIFFERENCES.items()
        }
        | {"portal": NONE}
        for model, operations in SERVICE.items()
        if model not in ("emobility.token", "contract.contract")
    } | {
        model: {
            role: in_company(differences.get(model, SERVICE[model]))
            for role, differences in DIFFERENCES.items()
        }
        | {"portal": READ._replace(foreign="", other="")}
        for model in ("emobility.token", "contract.contract")
    }

    def test_every_role_has_what_its_work_needs_and_no_more(self) -> None:
        self.check_matrix()

    def test_technician_opens_places_without_seeing_who_pays(self) -> None:
        location = self.as_role("technician", self.records["emobility.location"]["own"])
        arch = location.get_view(False, "form")["arch"]
        self.assertFalse(etree.fromstring(arch).xpath("//field[@name='default_contract_id']"))
        location.name = "Yard 2"
        evse = self.as_role("technician", self.records["emobility.evse"]["own"])
        evse.calibrated_until = "2030-12-31"
        self.assertEqual(evse.calibration_state, "valid")

    def test_technician_cannot_act_on_contracts(self) -> None:
        contract = self.as_role("technician", self.records["contract.contract"]["own"])
        with self.assertRaises(AccessError):
            contract.action_suspend()

    def test_product_manager_makes_a_plan(self) -> None:
        plan = (
            self.as_role("product_manager", self.env["product.template"])
            .create({"name": "New plan", "type": "service", "is_charging_plan": True})
        )
        self.assertTrue(plan.is_charging_plan)

    def test_manager_has_all_roles(self) -> None:
        manager = self.env.ref("emobility_crm.group_manager")
        implied = manager.all_implied_ids
        for role in DIFFERENCES:
            with self.subTest(role=role):
                self.assertIn(self.env.ref(f"emobility_crm.group_{role}"), implied)
