from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestRetry(CollectionCommon):
    """Charges of stored payment methods that fail: what is tried again, when, and what never."""

    def _declined(self, message: str = "insufficient_funds") -> tuple:
        """An open invoice whose charge the provider declined with a message."""
        self._make_payment_token(self.contract, simulated_state="error")
        return self._charge(self.open_invoice(), message)

    def _charge(self, move, message: str) -> tuple:
        transactions = self.env.registry["payment.transaction"]
        original = transactions._set_error

        def answer(tx, _message, *args, **kwargs):
            return original(tx, message, *args, **kwargs)

        with patch.object(transactions, "_set_error", answer), self.running_jobs():
            move._emobility_charge()
        return move, move.transaction_ids.sorted("id")[-1:]

    def test_temporary_decline_is_tried_again_after_pauses_that_double(self) -> None:
        move, transaction = self._declined()
        self.assertEqual((transaction.state, transaction.emobility_decline), ("error", "soft"))
        today = fields.Date.today()
        for pause in (1, 2, 4):
            self.assertEqual(move.emobility_collection_state, "retry")
            self.assertEqual(move.emobility_next_attempt_on, today + timedelta(days=pause))
            self._charge(move, "insufficient_funds")
        self.assertEqual((move.emobility_collection_state, move.emobility_next_attempt_on), ("refused", False))
        self._charge(move, "insufficient_funds")
        self.assertEqual(len(move.transaction_ids), 4)

    def test_f62_attempts_per_payment_method_count_over_all_invoices(self) -> None:
        move, _transaction = self._declined()
        for _again in range(3):
            self._charge(move, "do_not_honor")
        other = self.open_invoice()
        self._charge(other, "do_not_honor")
        self.assertFalse(other.transaction_ids)
        self.assertIn("scheme rules", str(other.message_ids[:1].body))

    def test_hard_decline_is_never_tried_again(self) -> None:
        move, transaction = self._declined("Your card was declined: stolen_card")
        self.assertEqual(transaction.emobility_decline, "hard")
        self.assertEqual(move.emobility_collection_state, "refused")
        self._charge(move, "stolen_card")
        self.assertEqual(len(move.transaction_ids), 1)

    def test_f62_charge_that_needs_the_customer_sends_a_signed_link_once_and_does_not_loop(self) -> None:
        move, transaction = self._declined("authentication_required")
        self.assertEqual(transaction.emobility_decline, "authentication")
        self.assertEqual(move.emobility_collection_state, "authentication")
        self.assertFalse(move.emobility_next_attempt_on)
        mail = self.env["mail.mail"].search([("model", "=", "account.move"), ("res_id", "=", move.id)])
        self.assertEqual((len(mail), mail.recipient_ids), (1, self.driver))
        self.assertIn("access_token=", mail.body_html)
        self.env["account.move"]._cron_next_attempts()
        self._charge(move, "authentication_required")
        self.assertEqual(len(move.transaction_ids), 1)
        self.pay(move)
        self.assertFalse(move.emobility_collection_state)

    def test_cron_charges_what_is_due_again(self) -> None:
        move, _transaction = self._declined()
        self.contract.payment_token_id.demo_simulated_state = "done"
        with self.running_jobs():
            self.env["account.move"]._cron_next_attempts()
        self.assertEqual(len(move.transaction_ids), 1)
        move.emobility_next_attempt_on = fields.Date.today()
        with self.running_jobs():
            self.env["account.move"]._cron_next_attempts()
        self.assertEqual((move.payment_state, move.emobility_collection_state), ("paid", False))

    def test_f61_attempt_that_succeeded_after_all_is_found_before_another_one_is_made(self) -> None:
        move, transaction = self._declined("connection timed out")

        def ask(tx):
            tx._set_done()
            tx._post_process()

        with patch.object(self.env.registry["payment.transaction"], "_emobility_ask_provider", ask):
            self._charge(move, "connection timed out")
        self.assertEqual(move.transaction_ids, transaction)
        self.assertEqual(move.payment_state, "paid")

    def _offline(self, move, token):
        return {
            "provider_id": token.provider_id.id,
            "payment_method_id": token.payment_method_id.id,
            "reference": f"SECOND-{next(self._uids)}",
            "amount": move.amount_residual,
            "currency_id": self.euro.id,
            "partner_id": self.driver.id,
            "token_id": token.id,
            "operation": "offline",
            "invoice_ids": [Command.set(move.ids)],
        }

    def test_f65_database_keeps_a_second_charge_from_being_begun(self) -> None:
        token = self._make_payment_token(self.contract)
        move = self.open_invoice()
        self.env["payment.transaction"].create(self._offline(move, token))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env["payment.transaction"].create(self._offline(move, token))
            self.env.flush_all()

    def test_f65_invoice_whose_payment_is_on_its_way_cannot_be_paid_in_the_portal(self) -> None:
        token = self._make_payment_token(self.contract, simulated_state="pending")
        move = self.open_invoice()
        with self.running_jobs():
            move._emobility_charge()
        self.assertEqual(move.transaction_ids.state, "pending")
        with self.assertRaisesRegex(ValidationError, "on its way"):
            self.env["payment.transaction"].create({**self._offline(move, token), "operation": "online_token"})

    def test_f68_provider_of_another_company_cannot_collect(self) -> None:
        token = self._make_payment_token(self.contract)
        other = self.env["res.company"].create({"name": "Other operator"})
        foreign = token.provider_id.sudo().copy({"company_id": other.id, "state": "disabled"})
        move = self.open_invoice()
        with self.assertRaisesRegex(ValidationError, "does not collect for"):
            self.env["payment.transaction"].create(
                {
                    **self._offline(move, token),
                    "provider_id": foreign.id,
                    "token_id": False,
                    "operation": "online_direct",
                }
            )
