from __future__ import annotations

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from .common import LocalPspMixin


@tagged("post_install", "-at_install")
class TestHolds(LocalPspMixin, TransactionCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_psp(cls.env.company)
        cls.euro = cls.env.ref("base.EUR")
        cls.partner = cls.env["res.partner"].create({"name": "Wanda Walkup"})

    def setUp(self) -> None:
        super().setUp()
        self.tx = self.hold(50.0, self.euro, self.partner)
        self.intent_id = self.tx.provider_reference

    def test_a_hold_is_authorized_and_nothing_is_charged(self) -> None:
        self.assertEqual(self.tx.state, "authorized")
        self.assertEqual((self.psp.held(self.intent_id), self.psp.captured(self.intent_id)), (5000, 0))

    def test_f64_capturing_a_part_charges_that_part_and_releases_the_rest(self) -> None:
        capture = self.tx._capture(17.23)
        self.assertEqual((capture.state, capture.amount), ("done", 17.23))
        self.assertEqual(self.psp.captured(self.intent_id), 1723)
        asked = len(self.psp.requests)
        rest = self.tx._void(32.77)
        self.assertEqual(rest.state, "cancel")
        self.assertEqual(len(self.psp.requests), asked, "Stripe released the rest by itself")
        self.assertEqual(self.tx.state, "done")

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_f61_capture_answered_with_an_error_but_done_counts_as_done(self) -> None:
        self.psp.fault("/capture", "after")
        self.assertEqual(self.tx._capture(17.23).state, "done")
        self.assertEqual(self.psp.captured(self.intent_id), 1723)

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_f61_capture_whose_answer_is_lost_counts_as_done(self) -> None:
        self.psp.fault("/capture", "drop")
        self.assertEqual(self.tx._capture(17.23).state, "done")

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_f61_capture_that_was_not_done_fails_and_can_be_repeated(self) -> None:
        self.psp.fault("/capture", "before")
        self.assertEqual(self.tx._capture(17.23).state, "error")
        self.assertEqual(self.psp.captured(self.intent_id), 0)
        self.assertEqual(self.tx._capture(17.23).state, "done")
        self.assertEqual(self.psp.captured(self.intent_id), 1723)

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_f61_second_capture_finds_the_first_and_charges_nothing(self) -> None:
        self.tx._capture(17.23)
        again = self.tx._capture(17.23)
        self.assertEqual(again.state, "done")
        self.assertEqual(self.psp.captured(self.intent_id), 1723)
        self.assertEqual(self.tx._capture(20.0).state, "error", "another amount than was charged")

    def test_f63_a_hold_is_cancelled_and_not_refunded(self) -> None:
        self.assertEqual(self.tx._void().state, "cancel")
        self.assertEqual(self.tx.state, "cancel")
        self.assertEqual(self.psp.intents[self.intent_id]["status"], "canceled")
        self.assertNotIn(self.intent_id, [one["payment_intent"] for one in self.psp.refunds.values()])

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_cancellation_whose_answer_is_lost_counts_as_done(self) -> None:
        self.psp.fault("/cancel", "drop")
        self.assertEqual(self.tx._void().state, "cancel")
        self.assertEqual(self.tx.state, "cancel")

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_f61_provider_that_cannot_be_asked_leaves_the_capture_in_error(self) -> None:
        self.psp.fault("/capture", "drop")
        self.psp.fault(f"/payment_intents/{self.intent_id}", "before")
        self.assertEqual(self.tx._capture(17.23).state, "error")
        self.assertEqual(self.tx._capture(17.23).state, "done", "the next attempt finds what was done")
        self.assertEqual(self.psp.captured(self.intent_id), 1723)

    def test_hold_is_increased_and_more_can_be_captured(self) -> None:
        self.assertTrue(self.tx._emobility_increase_hold(80.0))
        self.assertEqual((self.tx.amount, self.psp.held(self.intent_id)), (80.0, 8000))
        self.assertEqual(self.tx._capture(71.5).state, "done")

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_hold_that_cannot_be_increased_stays_as_it_is(self) -> None:
        charge = self.psp.intents[self.intent_id]["charges"]["data"][0]
        charge["payment_method_details"]["card"]["incremental_authorization"]["status"] = "unavailable"
        self.assertFalse(self.tx._emobility_increase_hold(80.0))
        self.assertEqual((self.tx.amount, self.tx.state), (50.0, "authorized"))

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_increase_whose_answer_is_lost_is_found(self) -> None:
        self.psp.fault("/increment_authorization", "drop")
        self.assertTrue(self.tx._emobility_increase_hold(80.0))
        self.assertEqual(self.psp.held(self.intent_id), 8000)

    def test_captured_money_is_refunded_in_part(self) -> None:
        capture = self.tx._capture(17.23)
        self.assertEqual(capture._refund(7.23).state, "done")
        self.assertEqual(self.psp.captured(self.intent_id), 1000)
