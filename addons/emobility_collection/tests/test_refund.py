from __future__ import annotations

from typing import Any

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestRefund(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.token = cls._make_payment_token(cls.contract)

    def _paid(self, amount: float = 100.0) -> Any:
        move = self.open_invoice(amount=amount)
        with self.running_jobs():
            move._emobility_charge()
        self.assertEqual(move.payment_state, "paid")
        return move

    def _credit(self, move: Any, amount: float | None = None) -> Any:
        credit = move._reverse_moves([{"invoice_date": fields.Date.today()}])
        if amount:
            credit.invoice_line_ids.price_unit = amount
        credit.action_post()
        return credit

    def test_credit_note_is_refunded_the_way_the_money_came(self) -> None:
        move = self._paid()
        credit = self._credit(move, 30)
        self.assertTrue(credit.emobility_can_refund)
        credit.action_emobility_refund()
        refund = move.transaction_ids.child_transaction_ids
        self.assertEqual((refund.operation, refund.amount, refund.state), ("refund", -30, "done"))
        self.assertEqual(credit.payment_state, "paid")
        self.assertFalse(credit.emobility_can_refund)
        with self.assertRaises(UserError):
            credit.action_emobility_refund()

    def test_never_more_is_refunded_than_was_paid(self) -> None:
        move = self._paid()
        first, second = self._credit(move, 70), self._credit(move, 70)
        first.action_emobility_refund()
        second.action_emobility_refund()
        refunds = move.transaction_ids.child_transaction_ids
        self.assertEqual(sorted(refunds.mapped("amount")), [-70, -30])
        self.assertEqual((second.payment_state, second.amount_residual), ("partial", 40))

    def test_f63_uncaptured_reservation_is_released_and_not_refunded(self) -> None:
        self.token.provider_id.capture_manually = True
        move = self.open_invoice()
        with self.running_jobs():
            move._emobility_charge()
        transaction = move.transaction_ids
        self.assertEqual(transaction.state, "authorized")
        self.assertEqual(transaction._emobility_refundable_amount(), 0)
        credit = self._credit(move, 30)
        self.assertEqual((credit.payment_state, move.amount_residual), ("paid", 70))
        credit.action_emobility_refund()
        released = transaction.child_transaction_ids
        self.assertEqual((released.operation, released.state, released.amount), ("offline", "cancel", 30))
        self.assertFalse(credit.emobility_can_refund)

    def test_failed_refund_leaves_the_credit_note_open(self) -> None:
        move = self._paid()
        credit = self._credit(move, 30)
        refund = move.transaction_ids._create_child_transaction(30, is_refund=True)
        refund._set_error("The bank refused the refund.")
        self.assertTrue(credit.emobility_can_refund)
        self.assertEqual(move.transaction_ids._emobility_refundable_amount(), 100)
        self.assertFalse(refund.emobility_decline)

    def test_f63_refund_that_comes_back_days_later_is_owed_again(self) -> None:
        move = self._paid()
        credit = self._credit(move, 30)
        credit.action_emobility_refund()
        refund = move.transaction_ids.child_transaction_ids
        payment = refund.payment_id
        self.assertEqual((refund.state, credit.payment_state), ("done", "paid"))
        # As a connector says it that learns of it: Odoo's own for Stripe, of "charge.refund.updated".
        refund._set_error("The account of the payer is closed.", extra_allowed_states=("done",))
        self.assertEqual((refund.state, payment.state), ("error", "canceled"))
        self.assertEqual((credit.payment_state, credit.amount_residual), ("not_paid", 30))
        self.assertIn("did not reach the payer", credit.message_ids[0].body)
        self.assertEqual(move.transaction_ids._emobility_refundable_amount(), 100)
        self.assertTrue(credit.emobility_can_refund)
        credit.action_emobility_refund()
        self.assertEqual(credit.payment_state, "paid")
