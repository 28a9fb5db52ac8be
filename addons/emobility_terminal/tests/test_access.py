from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_billing.tests.access_common import BillingRecords
from odoo.addons.emobility_crm.tests.common import AccessCase, public_methods, staff

READ_ONLY = staff(user="r", manager="r")
# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.terminal.action_new_key",
    "emobility.terminal.action_open_orders",
    "emobility.terminal.action_open_sessions",
    "emobility.terminal.confirmation.action_close_attention",
    "emobility.terminal.order.action_mark_done",
    "emobility.terminal.order.action_mark_failed",
}


@tagged("post_install", "-at_install")
class TestAccess(BillingRecords, AccessCase):
    MATRIX = {
        "emobility.terminal": staff(user="r", manager="rwcd"),
        "emobility.terminal.order": READ_ONLY,
        "emobility.terminal.confirmation": READ_ONLY,
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records = cls.create_billing_records(super().create_records())
        for scope, evse in list(records["emobility.evse"].items()):
            company = evse.company_id
            env = cls.env["emobility.guarded"]._as_system().with_company(company).env
            provider = env.ref("emobility_terminal.payment_provider_terminal").copy({"company_id": company.id})
            provider.state = "test"
            tariff = env["emobility.tariff"].create(
                {"name": scope, "code": f"TERMINAL-{scope}", "company_id": company.id, "version_ids": [Command.create({
                    "valid_from": "2020-01-01", "element_ids": [Command.create({"component_ids": [
                        Command.create({"dimension": "ENERGY", "price": 0.5})]})]})]}
            )  # fmt: skip
            terminal, unused = env["emobility.terminal"].create(
                [{"name": name, "company_id": company.id, "provider_id": provider.id} for name in ("used", "unused")]
            )
            adhoc = env["emobility.adhoc.session"].create({"name": f"TE-{scope}", "company_id": company.id,
                "evse_id": evse.id, "tariff_version_id": tariff.version_ids.id,
                "terminal_id": terminal.id, "terminal_reference": "1", "hold_amount": 5})  # fmt: skip
            terminal.sudo()._make_hold(adhoc)
            adhoc.transaction_id = adhoc.transaction_ids
            adhoc.transaction_id._capture(1.0)
            confirmation = env["emobility.terminal.confirmation"].create({"terminal_id": terminal.id, "uid": "1",
                "authorization_reference": "1", "status": "FAILED", "told_at": "2026-01-01"})  # fmt: skip
            for record in (unused, terminal.order_ids, confirmation):
                records.setdefault(record._name, {})[scope] = record
        return records

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_terminal")

    def test_manager_makes_a_terminal_with_the_provider_of_the_company(self) -> None:
        terminal = self.as_role("manager", self.env["emobility.terminal"]).create({"name": "New"})
        self.assertEqual(terminal.sudo().provider_id.company_id, self.company_a)

    def test_nobody_reads_the_hash_of_a_key(self) -> None:
        for role in ("user", "manager", "auditor"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_role(role, self.records["emobility.terminal"]["own"]).read(["key_hash"])

    def test_who_may_not_change_terminals_gives_no_key_and_decides_nothing(self) -> None:
        for role in ("user", "auditor", "portal", "employee"):
            for model, action in (
                ("emobility.terminal", "action_new_key"),
                ("emobility.terminal.order", "action_mark_done"),
                ("emobility.terminal.order", "action_mark_failed"),
            ):
                record = self.as_role(role, self.records[model]["own"])
                with self.subTest(role=role, action=action), self.assertRaises(UserError):
                    getattr(record, action)()
        for role in ("auditor", "portal", "employee"):
            record = self.as_role(role, self.records["emobility.terminal.confirmation"]["own"])
            with self.subTest(role=role), self.assertRaises(UserError):
                record.action_close_attention()


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_terminal"), PUBLIC_METHODS)
