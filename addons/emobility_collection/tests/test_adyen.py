from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import requests

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_payment_adyen.tests.common import LocalAdyenMixin
from odoo.addons.queue_job.exception import RetryableJobError

from .common import CollectionCommon

REQUESTS = "odoo.addons.payment.models.payment_provider"
PROCESSING = "odoo.addons.payment_adyen.models.payment_transaction"
STATES = "odoo.addons.payment.models.payment_transaction"


@tagged("post_install", "-at_install")
class TestAdyen(LocalAdyenMixin, CollectionCommon, HttpCase):
    """Cards charged off-session at a provider that behaves like Adyen, whose answers may get lost."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_adyen(cls.company)
        cls.adyen.journal_id = cls.bank

    def setUp(self) -> None:
        super().setUp()
        # References come again after each test, and with them the idempotency keys.
        for book in (self.psp.answers, self.psp.payments, self.psp.faults, self.psp.notifications):
            book.clear()

    def _charge(self, move: Any) -> Any:
        with self.running_jobs():
            move._emobility_charge()
        return move.transaction_ids.sorted("id")[-1:]

    def _lost(self, kind: str | None = "drop", card: str = "stored_visa") -> tuple[Any, Any]:
        """An invoice whose charge Adyen got, and the transaction whose answer did not come."""
        self.contract.payment_token_id = self.stored_card(self.driver, card)
        move = self.open_invoice()
        if kind:
            self.psp.fault("/checkout", kind)
        return move, self._charge(move)

    def _ask(self) -> None:
        with self.running_jobs():
            self.env["payment.transaction"]._cron_ask_providers()

    def _deliver(self, notification: dict[str, Any]) -> None:
        self.assertEqual(self.url_open("/payment/adyen/notification", json=notification).status_code, 200)
        self.env.invalidate_all()

    def test_stored_card_is_charged_off_session(self) -> None:
        self.contract.payment_token_id = self.stored_card(self.driver)
        move = self.open_invoice(amount=12.34)
        transaction = self._charge(move)
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
        self.assertEqual(self.psp.charged(transaction.reference), 1234)

    @mute_logger(PROCESSING)
    def test_reason_of_a_refusal_decides_what_follows(self) -> None:
        for card, kind, state in (
            ("stored_empty", "soft", "retry"),
            ("stored_blocked", "hard", "refused"),
            ("stored_3ds", "authentication", "authentication"),
        ):
            with self.subTest(card=card):
                self.contract.payment_token_id = self.stored_card(self.driver, card)
                move = self.open_invoice()
                transaction = self._charge(move)
                self.assertEqual((transaction.state, transaction.emobility_decline), ("error", kind))
                self.assertEqual(move.emobility_collection_state, state)

    @mute_logger(REQUESTS)
    def test_f61_lost_answer_is_no_decline_and_is_learnt_by_the_job(self) -> None:
        for kind in ("drop", "after"):
            with self.subTest(kind=kind):
                move, transaction = self._lost(kind)
                self.assertEqual((transaction.state, transaction.emobility_decline), ("pending", False))
                self.assertTrue(transaction.emobility_unanswered_since)
                self.assertEqual((move.payment_state, move.emobility_collection_state), ("not_paid", "unknown"))
                self._ask()
                self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
                self.assertFalse(transaction.emobility_unanswered_since)
                self.assertFalse(move.emobility_collection_state)
                self.assertEqual(self.psp.charged(transaction.reference), 10000)

    @mute_logger(REQUESTS)
    def test_f61_answer_that_comes_too_late_is_a_lost_one(self) -> None:
        real = requests.request

        def impatient(*args: Any, **kwargs: Any) -> Any:
            real(*args, **kwargs)
            raise requests.exceptions.ReadTimeout

        with patch("odoo.addons.payment.models.payment_provider.requests.request", impatient):
            move, transaction = self._lost(None)
        self.assertEqual(transaction.state, "pending")
        self._ask()
        self.assertEqual((move.payment_state, self.psp.charged(transaction.reference)), ("paid", 10000))

    @mute_logger(REQUESTS)
    def test_f61_charge_that_never_arrived_is_made_by_the_question(self) -> None:
        move, transaction = self._lost("before")
        self.assertFalse(self.psp.payments)
        self._ask()
        self.assertEqual((len(move.transaction_ids), move.payment_state), (1, "paid"))
        self.assertEqual(self.psp.charged(transaction.reference), 10000)

    @mute_logger(REQUESTS, PROCESSING)
    def test_f61_refusal_whose_answer_was_lost_is_learnt(self) -> None:
        move, transaction = self._lost(card="stored_blocked")
        self.assertFalse(transaction.emobility_decline)
        self._ask()
        self.assertEqual((transaction.state, transaction.emobility_decline), ("error", "hard"))
        self.assertEqual(move.emobility_collection_state, "refused")

    @mute_logger(REQUESTS)
    def test_f61_while_adyen_cannot_be_asked_nothing_else_is_charged(self) -> None:
        move, transaction = self._lost()
        self.psp.fault("/checkout", "before")
        self._ask()
        self.assertEqual(transaction.state, "pending")
        self.psp.fault("/checkout", "before")
        with self.assertRaises(RetryableJobError):
            move._emobility_charge()
        self.psp.fault("/checkout", "before")
        with self.assertRaises(UserError):
            transaction.action_emobility_ask()
        self.assertEqual((len(move.transaction_ids), len(self.psp.payments)), (1, 1))
        transaction.action_emobility_ask()
        self.assertEqual((move.payment_state, len(self.psp.payments)), ("paid", 1))

    @mute_logger(REQUESTS)
    def test_f61_request_that_is_refused_later_was_not_obeyed_before(self) -> None:
        move, transaction = self._lost("before")
        transaction.token_id.provider_ref = "gone"
        self._ask()
        self.assertEqual((transaction.state, move.emobility_collection_state), ("error", "retry"))

    @mute_logger(REQUESTS)
    def test_f61_after_the_time_of_the_key_only_a_person_can_say(self) -> None:
        for charged in (True, False):
            with self.subTest(charged=charged):
                move, transaction = self._lost("drop" if charged else "before")
                transaction.emobility_unanswered_since = fields.Datetime.now() - timedelta(days=6, hours=1)
                self.psp.forget_keys()
                before = len(self.psp.payments)
                self._ask()
                self._charge(move)
                self.assertEqual((transaction.state, len(self.psp.payments)), ("pending", before))
                if charged:
                    transaction.action_emobility_was_made()
                    self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
                else:
                    transaction.action_emobility_was_not_made()
                    self.assertEqual((transaction.state, move.emobility_collection_state), ("error", "retry"))
                    self.assertEqual(self._charge(move).state, "done")
                    self.assertEqual((move.payment_state, len(move.transaction_ids)), ("paid", 2))
                self.assertEqual(sum(map(self.psp.charged, move.transaction_ids.mapped("reference"))), 10000)
                with self.assertRaises(UserError):
                    transaction.action_emobility_was_made()

    @mute_logger(REQUESTS)
    def test_f65_invoice_with_an_unknown_outcome_is_not_paid_again_nor_reminded_of(self) -> None:
        move, transaction = self._lost()
        with self.assertRaisesRegex(ValidationError, "on its way"), self.env.cr.savepoint():
            transaction.copy({"reference": "PORTAL", "operation": "online_direct", "invoice_ids": move.ids})
        self.assertTrue(move._dunning_blocked())
        self.assertEqual(self._charge(move), transaction)

    @mute_logger(REQUESTS)
    def test_f61_reload_with_an_unknown_outcome_is_not_made_again(self) -> None:
        wallet = self.ready_wallet()
        wallet.write({"payment_token_id": self.stored_card(self.driver).id, "reload_below": 10, "reload_amount": 40})
        self.psp.fault("/checkout", "drop")
        for _time in range(2):
            with self.running_jobs():
                wallet._reload_if_low()
        self.assertIn("did not answer", wallet.reload_problem)
        self._ask()
        wallet.invalidate_recordset()
        self.assertEqual((len(self.psp.payments), len(wallet.transaction_ids), wallet.balance), (1, 1, 40.0))
        self.assertFalse(wallet.reload_problem)

    @mute_logger(REQUESTS, STATES)
    def test_webhook_ends_the_uncertainty_and_comes_twice_or_late_without_harm(self) -> None:
        move, transaction = self._lost()
        [notification] = self.psp.notifications
        for _time in range(2):
            self._deliver(notification)
            transaction._post_process()
            self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
        self.assertFalse(transaction.emobility_unanswered_since)
        before = len(self.psp.requests)
        self._ask()
        self.assertEqual((len(self.psp.requests), len(transaction.payment_id)), (before, 1))
        # An earlier refusal of the same reference that comes after the success changes nothing.
        payment = next(iter(self.psp.payments.values()))
        self._deliver(self.psp.notify(payment, success=False))
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))

    @mute_logger(REQUESTS, STATES)
    def test_f61_charge_that_is_reported_after_a_person_denied_it_is_booked(self) -> None:
        move, transaction = self._lost()
        transaction.action_emobility_was_not_made()
        self.assertEqual(transaction.state, "error")
        self._deliver(self.psp.notifications[0])
        transaction._post_process()
        self.assertEqual((transaction.state, move.payment_state), ("done", "paid"))
        self.assertFalse(move.emobility_collection_state)

    def test_only_who_may_book_decides_what_became_of_a_charge(self) -> None:
        with mute_logger(REQUESTS):
            _move, transaction = self._lost()
        employee = self.env["res.users"].create(
            {"name": "E", "login": "employee-adyen", "group_ids": self.env.ref("base.group_user").ids}
        )
        for step in ("ask", "was_made", "was_not_made"):
            with self.assertRaises(AccessError, msg=step):
                getattr(transaction.with_user(employee), f"action_emobility_{step}")()
