from __future__ import annotations

from datetime import timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestInstalment(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company._emobility_set_up_dunning()
        cls.today = fields.Date.today()

    def _plan(self, move):
        return self.env["emobility.instalment.plan"].create(
            {
                "partner_id": self.driver.id,
                "company_id": self.company.id,
                "currency_id": self.euro.id,
                "move_ids": [Command.set(move.ids)],
                "count": 3,
                "first_date": self.today,
            }
        )

    def _remind(self, days: int):
        with freeze_time(self.today + timedelta(days=days)), self.running_jobs():
            return self.env["credit.control.run"].with_company(self.company)._remind(self.company)

    def _pay(self, move, amount: float) -> None:
        self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids).create(
            {"journal_id": self.bank.id, "amount": amount}
        )._create_payments()

    def test_amount_is_split_and_the_last_instalment_takes_the_rest(self) -> None:
        plan = self._plan(self.open_invoice())
        plan.action_start()
        self.assertEqual(plan.line_ids.mapped("amount"), [33.33, 33.33, 33.34])
        self.assertEqual(plan.total, 100)
        with self.assertRaises(UserError):
            plan.action_start()

    def test_kept_plan_unblocks_the_contract_and_stops_reminders(self) -> None:
        move = self.open_invoice()
        self._remind(5)
        self._remind(15)
        self.assertEqual(self.contract.suspension_reason, "dunning")
        plan = self._plan(move)
        plan.action_start()
        self.assertEqual(self.contract.charging_state, "active")
        self.assertFalse(self._remind(40))
        self._pay(move, 33.33)
        self.assertEqual(plan.line_ids.mapped("is_paid"), [True, False, False])
        with freeze_time(self.today + timedelta(days=20)):
            plan._cron_check()
        self.assertEqual(plan.state, "active")

    def test_broken_plan_blocks_and_reminds_again(self) -> None:
        move = self.open_invoice()
        self._remind(5)
        self._remind(15)
        plan = self._plan(move)
        plan.action_start()
        with freeze_time(self.today + timedelta(days=6)):
            plan._cron_check()
        self.assertEqual(plan.state, "broken")
        self.assertEqual(self.contract.suspension_reason, "dunning")
        self.assertTrue(self._remind(40))

    def test_paid_plan_is_done(self) -> None:
        move = self.open_invoice()
        plan = self._plan(move)
        plan.action_start()
        self.pay(move)
        self.assertEqual(plan.state, "done")

    def test_invoice_of_somebody_else_cannot_be_part_of_it(self) -> None:
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        with self.assertRaises(ValidationError):
            self._plan(self.open_invoice()).partner_id = stranger

    def test_invoice_has_one_plan_at_a_time(self) -> None:
        move = self.open_invoice()
        self._plan(move).action_start()
        with self.assertRaisesRegex(UserError, "already"):
            self._plan(move).action_start()
