from __future__ import annotations

from datetime import date, timedelta

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SettlementCommon

OPERATIONS = ("read", "write", "create", "unlink")
MODELS = (
    "emobility.roaming.agreement",
    "emobility.roaming.dispute",
    "emobility.roaming.settlement",
    "emobility.settlement.line",
)
RIGHTS = {
    "emobility_crm.group_user": {"read"},
    "emobility_crm.group_customer_service": {"read"},
    "emobility_crm.group_roaming_manager": set(OPERATIONS),
    "emobility_crm.group_manager": set(OPERATIONS),
    "emobility_crm.group_auditor": {"read"},
    "base.group_user": set(),
    "base.group_portal": set(),
}
READ_ONLY = ("emobility.roaming.margin",)


@tagged("post_install", "-at_install")
class TestAccess(SettlementCommon):
    def test_roles_can_do_what_the_table_says(self) -> None:
        for number, (group, expected) in enumerate(RIGHTS.items()):
            user = new_test_user(self.env, f"settlement-{number}", group)
            for model in MODELS:
                records = self.env[model].with_user(user)
                self.assertEqual({op for op in OPERATIONS if records.has_access(op)}, expected, (group, model))
            for model in READ_ONLY:
                records = self.env[model].with_user(user)
                allowed = {op for op in OPERATIONS if records.has_access(op)}
                self.assertEqual(allowed, expected & {"read"}, (group, model))

    def test_records_of_another_company_are_hidden(self) -> None:
        dispute_cdr = self.receive_cdr("4.50")
        dispute_cdr.action_dispute()
        settlement = self.env["emobility.roaming.settlement"].create(
            {
                "roaming_partner_id": self.operator.id,
                "currency_id": self.euro.id,
                "date_from": date.today(),
                "date_to": date.today() + timedelta(days=1),
            }
        )
        settlement._compare("X", {"UNKNOWN": 1.0})
        other = self.env["res.company"].create({"name": "Other operator"})
        manager = new_test_user(
            self.env, "other-manager", "emobility_crm.group_manager", company_id=other.id, company_ids=other.ids
        )
        for record in (self.buy, dispute_cdr.dispute_ids, settlement, settlement.line_ids):
            with self.subTest(record=record), self.assertRaises(AccessError):
                record.with_user(manager).read(["display_name"])

    def test_who_answers_for_partners_decides_on_their_cdrs(self) -> None:
        for number, group in enumerate(("emobility_crm.group_roaming_manager", "emobility_crm.group_manager")):
            with self.subTest(group):
                user = self._make_user(f"decider-{number}", group)
                cdrs = [self.receive_cdr("4.50").with_user(user) for _ in range(3)]
                for cdr in cdrs:
                    cdr.action_check()
                cdrs[0].action_accept()
                cdrs[1].action_refuse()
                self.env["emobility.roaming.dispute"].with_user(user).browse(
                    cdrs[2].action_dispute()["res_id"]
                ).action_open()
                states = [cdr.sudo().check_state for cdr in cdrs]
                self.assertEqual(states, ["accepted", "refused", "disputed"])
                with self.assertRaises(AccessError):
                    cdrs[0].write({"total_net": 1.0})

    def test_clerk_cannot_decide_on_a_partner_s_cdr(self) -> None:
        cdr = self.receive_cdr("4.50")
        clerk = self._make_user("clerk-of-money", "emobility_crm.group_user")
        for method in ("action_accept", "action_refuse", "action_check", "action_dispute"):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(cdr.with_user(clerk), method)()
