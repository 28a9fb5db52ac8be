from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_billing.tests.access_common import BillingRecords
from odoo.addons.emobility_crm.tests.common import NONE, AccessCase, public_methods, staff

READ_ONLY = staff(user="r", manager="r")
SYSTEM_ONLY = dict.fromkeys(("user", "manager", "auditor", "portal", "employee", "public"), NONE)
# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.adhoc.block.action_lift",
    "emobility.adhoc.report.action_done",
    "emobility.adhoc.session.action_block_card",
    "emobility.adhoc.session.action_close_attention",
    "emobility.adhoc.session.action_open_block",
    "emobility.adhoc.session.action_open_move",
    "emobility.adhoc.session.action_open_session",
    "emobility.adhoc.session.action_retry",
    "emobility.evse.action_print_stickers",
    "emobility.payout.action_compare",
    "emobility.payout.import.action_import",
}


@tagged("post_install", "-at_install")
class TestAccess(BillingRecords, AccessCase):
    MATRIX = {
        "emobility.adhoc.session": READ_ONLY,
        "emobility.adhoc.block": staff(user="rw", manager="rw"),
        "emobility.adhoc.voucher": staff(user="r", manager="rwcd"),
        "emobility.adhoc.report": staff(user="rw", manager="rw"),
        "emobility.price.publication": READ_ONLY,
        "emobility.adhoc.attempt": SYSTEM_ONLY,
        "emobility.adhoc.code": SYSTEM_ONLY,
        "emobility.payout": READ_ONLY,
        "emobility.payout.line": READ_ONLY,
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records = cls.create_billing_records(super().create_records())
        for scope, evse in list(records["emobility.evse"].items()):
            company = evse.company_id
            env = cls.env["emobility.guarded"]._as_system().with_company(company).env
            tariff = env["emobility.tariff"].create(
                {"name": scope, "code": f"WALKUP-{scope}", "company_id": company.id, "version_ids": [Command.create({
                    "valid_from": "2020-01-01", "element_ids": [Command.create({"component_ids": [
                        Command.create({"dimension": "ENERGY", "price": 0.5})]})]})]}
            )  # fmt: skip
            provider = env["payment.provider"].create({"name": scope, "company_id": company.id})
            payout = env["emobility.payout"].create({"name": scope, "provider_id": provider.id, "date": "2026-01-01",
                "currency_id": company.currency_id.id,
                "line_ids": [Command.create({"uid": scope, "kind": "other", "amount": 1})]})  # fmt: skip
            adhoc = env["emobility.adhoc.session"].create({"name": f"AH-{scope}", "company_id": company.id,
                "evse_id": evse.id, "tariff_version_id": tariff.version_ids.id, "card_digest": scope})  # fmt: skip
            for record in (
                payout,
                payout.line_ids,
                adhoc,
                env["emobility.adhoc.block"]._block(adhoc, "clerk"),
                env["emobility.adhoc.voucher"].create({"amount": 5, "company_id": company.id}),
                env["emobility.adhoc.report"].create({"evse_id": evse.id, "reason": "price"}),
                env["emobility.price.publication"].create({"evse_id": evse.id}),
                env["emobility.adhoc.attempt"].create({"kind": "code", "client": scope}),
                env["emobility.adhoc.code"]._issue(evse),
            ):  # fmt: skip
                records.setdefault(record._name, {})[scope] = record
        return records

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_adhoc")

    def test_nobody_reads_the_link_of_a_session(self) -> None:
        for role in ("user", "manager", "auditor"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_role(role, self.records["emobility.adhoc.session"]["own"]).read(["access_token"])

    def test_auditor_portal_and_employee_can_call_no_action_that_changes_something(self) -> None:
        for role in ("auditor", "portal", "employee"):
            adhoc = self.as_role(role, self.records["emobility.adhoc.session"]["own"])
            for action in ("action_close_attention", "action_retry", "action_block_card"):
                with self.subTest(role=role, action=action), self.assertRaises(UserError):
                    getattr(adhoc, action)()


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_adhoc"), PUBLIC_METHODS)
        self.assertEqual(public_methods(self.env, "emobility_payment_stripe"), set())
