from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessCase, Rights, staff

EVERYWHERE = {
    "user": Rights("r", "r", "r"),
    "manager": Rights("rwcd", "rwcd", "rwcd"),
    "auditor": Rights("r", "r", "r"),
    "portal": Rights(),
    "employee": Rights(),
    "public": Rights(),
}


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    MATRIX = {
        "emobility.return.file": staff(user="r", manager="r"),
        "emobility.return.item": staff(user="rw", manager="rw"),
        "emobility.payment.rule": staff(user="r", manager="rwcd"),
        "emobility.decline.reason": EVERYWHERE,
        "emobility.wallet": staff(user="rw", manager="rw"),
        "emobility.instalment.plan": staff(user="rwc", manager="rwcd"),
        "emobility.instalment": staff(user="r", manager="r"),
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records: dict[str, dict[str, Any]] = {}
        owners = {
            "own": (cls.own_partner, cls.company_a),
            "foreign": (cls.foreign_partner, cls.company_a),
            "other": (cls.own_partner, cls.company_b),
        }
        for scope, (partner, company) in owners.items():
            for record in cls._create_records_of(scope, partner, company):
                records.setdefault(record._name, {})[scope] = record
        return records

    @classmethod
    def _create_records_of(cls, scope: str, partner: Any, company: Any) -> list[Any]:
        env = cls.env["emobility.guarded"]._as_system().with_company(company).env
        file = env["emobility.return.file"].create({"name": scope, "company_id": company.id, "content_hash": scope})
        plan = env["emobility.instalment.plan"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "line_ids": [Command.create({"date": "2026-01-01", "amount": 5})],
            }
        )
        return [
            file,
            env["emobility.return.item"].create({"file_id": file.id, "uid": scope, "kind": "camt"}),
            env["emobility.payment.rule"].create(
                {
                    "name": scope,
                    "company_id": company.id,
                    "provider_ids": [Command.create({"name": scope, "company_id": company.id, "code": "none"})],
                }
            ),
            env["emobility.decline.reason"].create({"name": scope, "pattern": f"access {scope}"}),
            env["emobility.wallet"].create(
                {"partner_id": partner.id, "company_id": company.id, "currency_id": company.currency_id.id}
            ),
            plan,
            plan.line_ids,
        ]

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_collection")

    def test_portal_user_can_call_no_action_that_moves_money(self) -> None:
        for model, action in (
            ("emobility.wallet", "action_pay_out"),
            ("emobility.return.item", "action_ignore"),
            ("emobility.instalment.plan", "action_start"),
        ):
            record = self.as_role("portal", self.records[model]["own"])
            with self.subTest(action=action), self.assertRaises(UserError):
                getattr(record, action)()
        with self.assertRaises(AccessError):
            self.env["account.move"].with_user(self.users["portal"]).action_emobility_refund()
