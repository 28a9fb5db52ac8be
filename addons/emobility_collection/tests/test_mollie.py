from __future__ import annotations

from typing import Any

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_payment_mollie.tests.common import LocalMollieMixin
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.tests.common import trap_jobs

from .common import CollectionCommon

REQUESTS = "odoo.addons.payment.models.payment_provider"
STATES = "odoo.addons.payment.models.payment_transaction"


@tagged("post_install", "-at_install")
class TestMollie(LocalMollieMixin, CollectionCommon, HttpCase):
    """Cards stored and charged off-session at a provider that behaves like Mollie, whose answers may get lost."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_mollie(cls.company)
        cls.mollie.journal_id = cls.bank

    def setUp(self) -> None:
        super().setUp()
        # References come again after each test, and with them the idempotency keys.
        for book in (self.psp.answers, self.psp.payments, self.psp.refunds, self.psp.faults):
            book.clear()

    def _charge(self, move: Any) -> Any:
        with self.running_jobs():
            move._emobility_charge()
        return move.transaction_ids.sorted("id")[-1:]

    def _lost(self, kind: str = "drop", card: str = "ok") -> tuple[Any, Any]:
        """An invoice whose charge Mollie got, and the transaction whose answer did not come."""
        self.contract.payment_token_id = self.stored_card(self.driver, card)
        move = self.open_invoice()
        self.psp.fault("/v2/payments", kind)
        return move, self._charge(move)

    def _ask(self) -> None:
        with self.running_jobs():
            self.env["payment.transaction"]._cron_ask_providers()

    def _webhook(self, transaction: Any) -> None:
        answer = self.url_open(
            f"/payment/mollie/webhook?ref={transaction.reference}", data={"id": transaction.provider_reference}
        )
        self.assertEqual(answer.status_code, 200)
        self.env.invalidate_all()

    def test_card_that_is_stored_with_a_payment_is_charged_for_the_next_invoice(self) -> None:
        first = self.open_invoice(amount=5)
        transactions = self.env["payment.transaction"]
        online = transactions.create(
            {
                "provider_id": self.mollie.id,
                "payment_method_id": self.card.id,
                "reference": transactions._compute_reference("mollie", prefix=first.name),
                "amount": 5,
                "currency_id": self.euro.id,
                "partner_id": self.driver.id,
                "operation": "online_redirect",
                "tokenize": True,
                "invoice_ids": first.ids,
            }
        )
        page = online._get_specific_rendering_values({})
        self.assertIn("/checkout/", page["api_url"])
        self.psp.pay(online.provider_reference)
        for _time in range(2):
            self._webhook(online)
        self.assertEqual(online.state, "done")
        token = online.token_id
        self.assertEqual((token.payment_details, token.partner_id), ("6787", self.driver))
        self.assertEqual(self.env["payment.token"].search_count([("provider_id", "=", self.mollie.id)]), 1)
        self.contract.payment_token_id = token
        move = self.open_invoice(amount=12.34)
        transaction = self._charge(move)
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
        self.assertEqual(self.psp.charged(transaction.reference), "12.34")
        self.assertEqual(transaction._mollie_customer(), token.provider_ref, "who is known stays one customer")

    def test_reason_of_a_failure_decides_what_follows(self) -> None:
        for card, kind, state in (
            ("empty", "soft", "retry"),
            ("expired", "hard", "refused"),
            ("3ds", "authentication", "authentication"),
        ):
            with self.subTest(card=card):
                self.contract.payment_token_id = self.stored_card(self.driver, card)
                move = self.open_invoice()
                transaction = self._charge(move)
                self.assertEqual((transaction.state, transaction.emobility_decline), ("cancel", kind))
                self.assertEqual(move.emobility_collection_state, state)

    @mute_logger(REQUESTS)
    def test_mandate_that_was_revoked_is_never_tried_again(self) -> None:
        self.contract.payment_token_id = self.stored_card(self.driver)
        self.psp.mandates[self.contract.payment_token_id.mollie_mandate]["status"] = "invalid"
        move = self.open_invoice()
        self.assertEqual(self._charge(move).emobility_decline, "hard")
        self.assertEqual(move.emobility_collection_state, "refused")

    @mute_logger(REQUESTS)
    def test_f61_lost_answer_is_no_decline_and_is_learnt_by_the_job(self) -> None:
        for kind in ("drop", "after"):
            with self.subTest(kind=kind):
                move, transaction = self._lost(kind)
                self.assertEqual((transaction.state, move.emobility_collection_state), ("pending", "unknown"))
                self._ask()
                self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
                self.assertEqual((self.psp.charged(transaction.reference), len(move.transaction_ids)), ("100.00", 1))

    @mute_logger(REQUESTS)
    def test_f61_charge_that_never_arrived_is_made_again(self) -> None:
        move, transaction = self._lost("before")
        self.assertFalse(self.psp.payments)
        again = self._charge(move)
        self.assertEqual((transaction.state, again.state, move.payment_state), ("error", "done", "paid"))
        self.assertEqual([self.psp.charged(one.reference) for one in (transaction, again)], ["0.00", "100.00"])

    @mute_logger(REQUESTS)
    def test_f61_failure_whose_answer_was_lost_is_learnt(self) -> None:
        move, transaction = self._lost(card="expired")
        self._ask()
        self.assertEqual((transaction.state, transaction.emobility_decline), ("cancel", "hard"))
        self.assertEqual(move.emobility_collection_state, "refused")

    @mute_logger(REQUESTS)
    def test_f61_while_mollie_cannot_be_asked_nothing_is_charged(self) -> None:
        move, transaction = self._lost()
        for path in ("/v2/customers", "/v2/customers"):
            self.psp.fault(path, "before")
        self._ask()
        self.assertEqual(transaction.state, "pending")
        with self.assertRaises(RetryableJobError):
            move._emobility_charge()
        self.assertEqual((len(move.transaction_ids), len(self.psp.payments)), (1, 1))

    @mute_logger(REQUESTS)
    def test_f61_charge_that_is_pending_at_mollie_ends_with_its_webhook(self) -> None:
        for status, state, paid in (("paid", "done", "paid"), ("failed", "cancel", "not_paid")):
            with self.subTest(status=status):
                move, transaction = self._lost(card="debit")
                self._ask()
                self.assertEqual(transaction.state, "pending")
                self.assertTrue(transaction.provider_reference)
                self.psp.settle(transaction.provider_reference, status, "insufficient_funds")
                self._webhook(transaction)
                transaction._post_process()
                self.assertEqual((transaction.state, move.payment_state), (state, paid))
                self.assertFalse(transaction.emobility_unanswered_since)

    def _credit(self, move: Any, amount: float) -> Any:
        credit = move._reverse_moves([{"invoice_date": move.invoice_date}])
        credit.invoice_line_ids.price_unit = amount
        credit.action_post()
        return credit

    def _paid(self) -> tuple[Any, Any]:
        self.contract.payment_token_id = self.stored_card(self.driver)
        move = self.open_invoice()
        return move, self._charge(move)

    def _refund_is(self, refund: Any, status: str) -> None:
        """Mollie knows more of a refund, and tells by the webhook of its payment."""
        self.psp.refunds[refund.provider_reference]["status"] = status
        self._webhook(refund.source_transaction_id)
        refund._post_process()

    def test_f63_refund_is_done_when_mollie_says_so_and_may_come_back(self) -> None:
        move, transaction = self._paid()
        credit = self._credit(move, 30)
        credit.action_emobility_refund()
        refund = move.transaction_ids.child_transaction_ids
        self.assertEqual((refund.state, credit.payment_state), ("pending", "not_paid"))
        self.assertFalse(credit.emobility_can_refund, "one is on its way")
        self.assertEqual(self.psp.refunded(transaction.provider_reference), "30.00")
        for _time in range(2):
            self._refund_is(refund, "refunded")
        self.assertEqual((refund.state, credit.payment_state, len(refund.payment_id)), ("done", "paid", 1))
        self._refund_is(refund, "failed")
        self.assertEqual((refund.state, credit.payment_state), ("error", "not_paid"))

    def test_f63_refund_that_mollie_does_not_make_is_owed_again(self) -> None:
        move, _transaction = self._paid()
        credit = self._credit(move, 30)
        credit.action_emobility_refund()
        refund = move.transaction_ids.child_transaction_ids
        self._refund_is(refund, "canceled")
        self.assertEqual((refund.state, credit.payment_state, credit.emobility_can_refund), ("error", "not_paid", True))

    @mute_logger(REQUESTS)
    def test_f61_refund_whose_answer_was_lost_is_found_and_not_made_again(self) -> None:
        for kind, refunded in (("drop", "30.00"), ("after", "30.00"), ("before", "0.00")):
            with self.subTest(kind=kind):
                move, transaction = self._paid()
                credit = self._credit(move, 30)
                self.psp.fault(f"/v2/payments/{transaction.provider_reference}/refunds", kind)
                credit.action_emobility_refund()
                refund = move.transaction_ids.child_transaction_ids
                self.assertEqual(refund.state, "pending")
                with self.assertRaises(UserError):
                    credit.action_emobility_refund()
                self._ask()
                self.assertEqual(self.psp.refunded(transaction.provider_reference), refunded)
                self.assertEqual(refund.state, "pending" if float(refunded) else "error")
                if float(refunded):
                    self._refund_is(refund, "refunded")
                    self.assertEqual(credit.payment_state, "paid")

    @mute_logger(REQUESTS)
    def test_card_that_is_removed_cannot_be_charged_at_mollie_any_more(self) -> None:
        token = self.stored_card(self.driver)
        mandate = self.psp.mandates[token.mollie_mandate]
        with trap_jobs() as trap:
            token.active = False
            trap.assert_enqueued_job(token._mollie_revoke)
        self.psp.fault("/v2/customers", "before")
        with self.assertRaises(RetryableJobError):
            token._mollie_revoke()
        self.assertEqual(mandate["status"], "valid")
        for _time in range(2):
            token._mollie_revoke()
            self.assertEqual(mandate["status"], "invalid")

    @mute_logger(REQUESTS, STATES)
    def test_webhook_that_comes_again_or_late_changes_nothing(self) -> None:
        self.contract.payment_token_id = self.stored_card(self.driver, "debit")
        move = self.open_invoice()
        transaction = self._charge(move)
        self.psp.settle(transaction.provider_reference, "paid")
        for _time in range(2):
            self._webhook(transaction)
            transaction._post_process()
        self.assertEqual((transaction.state, move.payment_state, len(transaction.payment_id)), ("done", "paid", 1))
        self.psp.settle(transaction.provider_reference, "pending")
        self._webhook(transaction)
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
