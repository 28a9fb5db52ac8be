from lxml import etree

from odoo import models
from odoo.tests import Form, tagged

from .common import AccessCase

ROLES_WITH_MENU = ("user", "manager", "auditor")
MENUS = {
    "menu_root",
    "menu_customers",
    "menu_infrastructure",
    "menu_operations",
    "menu_pricing",
    "menu_billing",
    "menu_configuration",
}


@tagged("post_install", "-at_install")
class TestViews(AccessCase):
    @classmethod
    def create_records(cls) -> dict[str, dict[str, models.BaseModel]]:
        plan = cls.env["product.template"].create(
            {"name": "Plan", "is_charging_plan": True, "type": "service"}
        )
        return {
            **super().create_records(),
            "res.partner": {"own": cls.own_partner},
            "product.template": {"own": plan},
        }

    def _actions(self) -> list:
        data = self.env["ir.model.data"].search(
            [("module", "=", "emobility_crm"), ("model", "=", "ir.actions.act_window")]
        )
        actions = self.env["ir.actions.act_window"].browse(data.mapped("res_id"))
        return [action for action in actions if not self.env[action.res_model]._transient]

    def test_menus_that_other_addons_fill_are_there(self) -> None:
        found = {name for name in MENUS if self.env.ref(f"emobility_crm.{name}", raise_if_not_found=False)}
        self.assertEqual(found, MENUS)

    def test_every_role_can_open_every_list_and_form(self) -> None:
        """Reads all fields of the views, so that a field that a role cannot compute does not stay unseen."""
        for role in ROLES_WITH_MENU:
            for action in self._actions():
                for view_id, view_type in action.views:
                    if view_type not in ("list", "form"):
                        continue
                    with self.subTest(role=role, action=action.name, view=view_type):
                        self._read_view(role, action, view_id, view_type)

    def _read_view(self, role: str, action: object, view_id: int, view_type: str) -> None:
        model = self.as_role(role, self.env[action.res_model])
        arch = model.get_view(view_id, view_type)["arch"]
        names = etree.fromstring(arch).xpath("//field[not(ancestor::field)]/@name")
        record = self.as_role(role, self.records[action.res_model]["own"])
        self.assertTrue(record.web_read({name: {} for name in names}))

    def test_every_window_has_a_help_text_for_an_empty_list(self) -> None:
        for action in self._actions():
            with self.subTest(action=action.name):
                self.assertIn("o_view_nocontent_smiling_face", action.help or "")

    def test_clerk_creates_a_contract_and_a_token_in_the_forms(self) -> None:
        env = self.as_role("user", self.env["contract.contract"]).env
        action = env.ref("emobility_crm.action_charging_contract").sudo()
        form_view = next(view_id for view_id, view_type in action.views if view_type == "form")
        contracts = env["contract.contract"].with_context(
            default_is_charging=True, default_contract_type="sale"
        )
        self.env["account.journal"].create(
            {"name": "Sales", "code": "SALE", "type": "sale", "company_id": self.company_a.id}
        )
        with Form(contracts, view=form_view) as form:
            form.name = "New customer"
            form.partner_id = self.foreign_partner.with_env(env)
        contract = form.record
        contract.action_activate()
        with Form(env["emobility.token"].with_context(default_contract_id=contract.id)) as form:
            form.uid = "04:11:22:33"
        form.record.action_activate()
        self.assertEqual(form.record.partner_id, self.foreign_partner)
        self.assertEqual(form.record._authorization_status(), "Accepted")

    def test_manager_creates_a_location_with_an_evse_in_the_forms(self) -> None:
        env = self.as_role("manager", self.env["emobility.location"]).env
        with Form(env["emobility.location"]) as form:
            form.name = "Car park"
            form.time_zone = "Europe/Berlin"
        with Form(env["emobility.evse"].with_context(default_location_id=form.record.id)) as evse_form:
            evse_form.evse_id = "DE*ABC*E77"
            with evse_form.connector_ids.new() as connector:
                connector.code = "1"
                connector.max_power_kw = 22.0
        self.assertEqual(form.record.evse_ids.connector_ids.max_power_kw, 22.0)

    def test_settings_write_the_identity_of_the_company(self) -> None:
        settings = self.env["res.config.settings"].create(
            {"emobility_country_code": "fr", "emobility_party_id": "x1y"}
        )
        settings.execute()
        self.assertEqual(self.env.company.emobility_country_code, "FR")
        self.assertEqual(self.env.company.emobility_party_id, "X1Y")
