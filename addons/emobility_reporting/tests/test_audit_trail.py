from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models.audit_trail import AUDITED
from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestAuditTrail(ReportingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": False, "mail_notrack": False})
        cls.auditor = cls._make_user("audit-trail", "emobility_crm.group_auditor")

    def _trail(self, record: Any) -> Any:
        self.env.flush_all()
        self.env.cr.precommit.run()
        return (
            self.env["emobility.audit.trail"]
            .with_user(self.auditor)
            .search([("res_model", "=", record._name), ("res_id", "=", record.id)])
        )

    def _change(self, record: Any, field: str) -> tuple[str, str, str]:
        row = self._trail(record).filtered(lambda one: one.sudo().field_id.name == field)[:1]
        return row.before, row.after, row.author_id.name

    def test_price_rules_say_who_changed_what(self) -> None:
        rule = self.price_rule.with_env(self.env)
        self._trail(rule)
        cheap = self._make_tariff("CHEAP", {"ENERGY": 0.1})
        rule.write({"tariff_id": cheap.id, "sequence": 3, "date_from": "2026-07-01"})
        me = self.env.user.partner_id.name
        self.assertEqual(self._change(rule, "tariff_id"), (self.gross_tariff.name, "Cheap", me))
        self.assertEqual(self._change(rule, "sequence"), ("10", "3", me))
        self.assertEqual(self._change(rule, "date_from"), (False, "2026-07-01", me))

    def test_prices_of_a_tariff_are_noted_before_and_after(self) -> None:
        tariff = self._make_tariff("NOTED", {"ENERGY": 0.40})
        version = tariff.version_ids.with_env(self.env)
        self._trail(version)
        version.element_ids.component_ids.price = 0.45
        notes = "".join(str(row.note) for row in self._trail(version) if row.note)
        self.assertIn("0.40", notes.replace("0.4 ", "0.40 "))
        self.assertIn("0.45", notes)

    def test_limits_of_the_gate_are_noted_for_all_companies(self) -> None:
        rule = self.gate_rule("amount_cap").with_env(self.env)
        self._trail(rule)
        before = rule.limit_amount
        rule.write({"limit_amount": before + 50, "four_eyes": True})
        me = self.env.user.partner_id.name
        self.assertFalse(rule.company_id)
        self.assertEqual(self._change(rule, "limit_amount"), (f"{before:g}", f"{before + 50:g}", me))
        self.assertEqual(self._change(rule, "four_eyes")[:2], ("–", "✓"))

    def test_every_audited_model_is_there_and_keeps_its_changes(self) -> None:
        for name in AUDITED:
            with self.subTest(model=name):
                self.assertIn("message_ids", self.env[name]._fields)
                self.assertIn("company_id", self.env[name]._fields)

    def test_contracts_and_decisions_on_holds_are_in_it(self) -> None:
        contract = self.contract.with_env(self.env)
        self._trail(contract)
        contract.cost_centre = "CC-9"
        self.assertEqual(self._change(contract, "cost_centre")[:2], (False, "CC-9"))
        session = self._charge("AT1", self.env["contract.contract"], datetime(2026, 6, 3, 8), 60, "10")
        hold = session.hold_ids[:1].with_env(self.env)
        self._trail(hold)
        hold.decision_note = "A test of ours"
        hold.action_write_off()
        before, after, _who = self._change(hold, "state")
        self.assertEqual((before, after), ("Open", "Written off"))
        self.assertEqual(self._change(hold, "decision_note")[1], "A test of ours")
        notes = "".join(str(row.note) for row in self._trail(session) if row.note)
        self.assertIn("A test of ours", notes)

    def test_payments_are_in_it(self) -> None:
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.driver.id,
                "amount": 5,
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )
        self._trail(payment)
        payment.amount = 7.5
        self.assertEqual(self._change(payment, "amount")[:2], ("5", "7.5"))

    def test_an_auditor_reads_and_changes_nothing(self) -> None:
        rule = self.price_rule.with_env(self.env)
        self._trail(rule)
        rule.sequence = 4
        row = self._trail(rule)[:1]
        self.assertEqual(row.action_open()["res_id"], rule.id)
        self.assertEqual(row.record_name or rule.display_name, rule.display_name)
        with self.assertRaises(AccessError):
            row.write({"after": "nothing"})
        with self.assertRaises(AccessError):
            row.unlink()
        clerk = self._make_user("audit-clerk", "emobility_crm.group_user")
        with self.assertRaises(AccessError):
            self.env["emobility.audit.trail"].with_user(clerk).search([])
