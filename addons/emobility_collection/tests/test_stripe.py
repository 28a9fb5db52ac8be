from __future__ import annotations

from typing import Any
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_payment_stripe.tests.common import LocalPspMixin
from odoo.addons.queue_job.exception import RetryableJobError

from .common import CollectionCommon

REQUESTS = "odoo.addons.payment.models.payment_provider"


@tagged("post_install", "-at_install")
class TestStripe(LocalPspMixin, CollectionCommon):
    """Cards charged off-session at a provider that behaves like Stripe, whose answers may get lost."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_psp(cls.company, capture_manually=False, stripe_increase_holds=False)
        cls.stripe.journal_id = cls.bank

    def setUp(self) -> None:
        super().setUp()
        # References come again after each test, and with them the idempotency keys.
        for book in (self.psp.answers, self.psp.intents, self.psp.faults):
            book.clear()

    def _token(self, method: str = "pm_card_visa") -> Any:
        customer = self.psp.answer("POST", "/customers", {"email": self.driver.email, "name": self.driver.name})[1]
        self.contract.payment_token_id = self.env["payment.token"].create(
            {
                "provider_id": self.stripe.id,
                "payment_method_id": self.card.id,
                "payment_details": "4242",
                "partner_id": self.driver.id,
                "provider_ref": customer["id"],
                "stripe_payment_method": method,
            }
        )

    def _charge(self, move: Any) -> Any:
        with self.running_jobs():
            move._emobility_charge()
        return move.transaction_ids.sorted("id")[-1:]

    def test_stored_card_is_charged_off_session(self) -> None:
        self._token()
        move = self.open_invoice(amount=12.34)
        transaction = self._charge(move)
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
        self.assertEqual(self.psp.captured(transaction.provider_reference), 1234)

    @mute_logger(REQUESTS)
    def test_f61_charge_whose_answer_was_lost_is_found_and_not_made_again(self) -> None:
        for kind in ("drop", "after"):
            with self.subTest(kind=kind):
                self._token()
                before = len(self.psp.intents)
                move = self.open_invoice()
                self.psp.fault("/payment_intents", kind)
                transaction = self._charge(move)
                self.assertEqual((transaction.state, move.payment_state), ("pending", "not_paid"))
                self.assertEqual(move.emobility_collection_state, "unknown")
                if kind == "drop":
                    self._charge(move)
                else:
                    with self.running_jobs():
                        self.env["payment.transaction"]._cron_ask_providers()
                self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
                self.assertEqual((len(move.transaction_ids), len(self.psp.intents) - before), (1, 1))
                self.assertFalse(move.emobility_collection_state)

    @mute_logger(REQUESTS)
    def test_f61_charge_that_never_arrived_is_made_again(self) -> None:
        self._token()
        move = self.open_invoice()
        self.psp.fault("/payment_intents", "before")
        self.assertEqual(self._charge(move).state, "pending")
        self.assertEqual(self._charge(move).state, "done")
        self.assertEqual(move.transaction_ids.sorted("id")[0].state, "error")
        self.assertEqual((len(move.transaction_ids), move.payment_state), (2, "paid"))
        self.assertEqual(sum(intent["amount_received"] for intent in self.psp.intents.values()), 10000)

    @mute_logger(REQUESTS)
    def test_f61_while_the_provider_cannot_be_asked_nothing_is_charged(self) -> None:
        self._token()
        move = self.open_invoice()
        self.psp.fault("/payment_intents", "drop")
        self._charge(move)
        self.psp.fault("/payment_intents", "before")
        with self.assertRaises(RetryableJobError):
            move._emobility_charge()
        self.assertEqual((len(move.transaction_ids), len(self.psp.intents)), (1, 1))

    @mute_logger(REQUESTS)
    def test_f62_off_session_charge_that_needs_the_customer_mails_a_link_that_pays_it(self) -> None:
        self._token("pm_card_threeDSecureRequired")
        move = self.open_invoice()
        transaction = self._charge(move)
        self.assertEqual((transaction.state, transaction.emobility_decline), ("error", "authentication"))
        self.assertEqual(move.emobility_collection_state, "authentication")
        mails = self.env["mail.mail"].search([("model", "=", "account.move"), ("res_id", "=", move.id)])
        self.assertIn("access_token=", mails.body_html)
        self._charge(move)
        self.assertEqual((len(move.transaction_ids), len(self.psp.intents)), (1, 1), "no loop")
        # On the page behind the link the customer confirms at the bank.
        online = self.start_hold(move.amount_residual, self.euro, self.driver, invoice_ids=[(6, 0, move.ids)])
        intent = self.confirm(online, "pm_card_threeDSecureRequired")
        self.psp.authenticate(intent["id"], passed=True)
        online._stripe_process_intent(self.psp.answer("GET", f"/payment_intents/{intent['id']}", {})[1])
        online._post_process()
        self.assertEqual((online.state, move.payment_state), ("done", "paid"))
        self.assertFalse(move.emobility_collection_state)

    @mute_logger(REQUESTS)
    def test_f62_refusal_whose_answer_was_lost_is_learnt_and_the_link_is_mailed_once(self) -> None:
        self._token("pm_card_threeDSecureRequired")
        move = self.open_invoice()
        self.psp.fault("/payment_intents", "drop")
        transaction = self._charge(move)
        self.assertEqual((transaction.emobility_decline, move.emobility_collection_state), (False, "unknown"))
        for _time in range(2):
            self._charge(move)
        self.assertEqual(transaction.emobility_decline, "authentication")
        self.assertEqual((len(move.transaction_ids), move.emobility_collection_state), (1, "authentication"))
        mails = self.env["mail.mail"].search_count([("model", "=", "account.move"), ("res_id", "=", move.id)])
        self.assertEqual(mails, 1)

    @mute_logger(REQUESTS)
    def test_f61_reload_whose_answer_was_lost_is_found_and_not_made_again(self) -> None:
        wallet = self.ready_wallet()
        self._token()
        wallet.write(
            {"payment_token_id": self.contract.payment_token_id.id, "reload_below": 10, "reload_amount": 40}
        )
        self.psp.fault("/payment_intents", "drop")
        for fault in (None, "before", None):
            if fault:
                self.psp.fault("/payment_intents", fault)
            with self.running_jobs():
                wallet._reload_if_low()
                self.env["payment.transaction"]._cron_ask_providers()
        wallet.invalidate_recordset()
        self.assertEqual((len(self.psp.intents), len(wallet.transaction_ids), wallet.balance), (1, 1, 40.0))

    def test_f65_no_second_charge_while_an_answer_of_another_attempt_is_awaited(self) -> None:
        self._token()
        move = self.open_invoice()
        transactions = self.env.registry["payment.transaction"]
        with patch.object(transactions, "_send_payment_request", lambda tx: tx._set_pending()):
            self._charge(move)
        self._charge(move)
        self.assertEqual(move.transaction_ids.mapped("state"), ["pending"])
        self.assertFalse(self.psp.intents)

    # Refunds

    def _credit(self, move: Any, amount: float) -> Any:
        credit = move._reverse_moves([{"invoice_date": move.invoice_date}])
        credit.invoice_line_ids.price_unit = amount
        credit.action_post()
        return credit

    @mute_logger(REQUESTS)
    def test_f61_refund_whose_answer_was_lost_is_found_and_not_made_again(self) -> None:
        for kind, refunded in (("drop", 3000), ("after", 3000), ("before", 0)):
            with self.subTest(kind=kind):
                self._token()
                move = self.open_invoice()
                intent = self._charge(move).provider_reference
                credit = self._credit(move, 30)
                self.psp.fault("/refunds", kind)
                credit.action_emobility_refund()
                refund = move.transaction_ids.child_transaction_ids
                self.assertEqual((refund.state, credit.payment_state), ("pending", "not_paid"))
                self.assertFalse(credit.emobility_can_refund)
                with self.assertRaises(UserError):
                    credit.action_emobility_refund()
                with self.running_jobs():
                    self.env["payment.transaction"]._cron_ask_providers()
                self.assertEqual(self.psp.captured(intent), 10000 - refunded)
                if refunded:
                    self.assertEqual((refund.state, credit.payment_state), ("done", "paid"))
                else:
                    self.assertEqual((refund.state, credit.emobility_can_refund), ("error", True))
                    credit.action_emobility_refund()
                    self.assertEqual((credit.payment_state, self.psp.captured(intent)), ("paid", 7000))

    @mute_logger(REQUESTS)
    def test_f61_two_refunds_of_the_same_amount_are_told_apart(self) -> None:
        self._token()
        move = self.open_invoice()
        intent = self._charge(move).provider_reference
        self._credit(move, 30).action_emobility_refund()
        second = self._credit(move, 30)
        self.psp.fault("/refunds", "before")
        second.action_emobility_refund()
        with self.running_jobs():
            self.env["payment.transaction"]._cron_ask_providers()
        self.assertEqual((second.payment_state, self.psp.captured(intent)), ("not_paid", 7000))
