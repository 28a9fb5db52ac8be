from __future__ import annotations

import json
from typing import Any

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import LocalPspMixin


@tagged("post_install", "-at_install")
class TestWebhooks(LocalPspMixin, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_psp(cls.env.company)
        cls.euro = cls.env.ref("base.EUR")
        cls.partner = cls.env["res.partner"].create({"name": "Wanda Walkup"})

    def setUp(self) -> None:
        super().setUp()
        self.psp.events.clear()
        self.tx = self.hold(50.0, self.euro, self.partner)

    def deliver(self, event: dict[str, Any], signature: str | None = None) -> int:
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature or self.psp.signature(body)}
        return self.url_open("/payment/stripe/webhook", data=body, headers=headers).status_code

    def captures(self) -> list[tuple[float, str]]:
        return [(child.amount, child.state) for child in self.tx.child_transaction_ids.sorted("id")]

    def test_event_of_our_own_capture_books_nothing_again(self) -> None:
        self.tx._capture(17.23)
        self.tx._void(32.77)
        before = self.captures()
        for event in [*reversed(self.psp.events), *self.psp.events]:
            self.assertEqual(self.deliver(event), 200)
        self.assertEqual(self.captures(), before)
        self.assertEqual((self.tx.state, self.tx.amount), ("done", 50.0))

    def test_capture_by_a_person_at_stripe_is_booked_once(self) -> None:
        self.psp.answer("POST", f"/payment_intents/{self.tx.provider_reference}/capture", {"amount_to_capture": 1000})
        for _time in range(2):
            self.deliver(self.psp.events[-1])
        self.assertEqual(self.captures(), [(10.0, "done"), (40.0, "cancel")])
        self.assertEqual(self.tx.state, "done")

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_event_heals_a_capture_that_seemed_to_fail(self) -> None:
        self.psp.fault("/capture", "drop")
        self.psp.fault(f"/payment_intents/{self.tx.provider_reference}", "before")
        self.assertEqual(self.tx._capture(17.23).state, "error")
        self.deliver(self.psp.events[-1])
        self.assertEqual(self.captures(), [(17.23, "done"), (32.77, "cancel")])

    def test_late_event_of_a_declined_card_does_not_touch_the_hold(self) -> None:
        late = {
            "id": "evt_late",
            "type": "payment_intent.payment_failed",
            "data": {"object": self.psp.intents[self.tx.provider_reference] | {"status": "requires_payment_method"}},
        }
        self.deliver(late)
        self.assertEqual(self.tx.state, "authorized")

    def test_event_of_before_the_hold_was_increased_does_not_touch_it(self) -> None:
        self.tx._emobility_increase_hold(80.0)
        self.deliver(self.psp.events[0])
        self.assertEqual((self.tx.state, self.tx.amount), ("authorized", 80.0))

    def test_event_cancels_a_hold(self) -> None:
        self.psp.answer("POST", f"/payment_intents/{self.tx.provider_reference}/cancel", {})
        self.deliver(self.psp.events[-1])
        self.assertEqual(self.tx.state, "cancel")

    @mute_logger("odoo.addons.payment_stripe.controllers.main", "odoo.http")
    def test_event_with_a_wrong_or_old_signature_is_refused(self) -> None:
        self.psp.answer("POST", f"/payment_intents/{self.tx.provider_reference}/cancel", {})
        event = self.psp.events[-1]
        body = json.dumps(event).encode()
        for signature in ("t=1,v1=00", self.psp.signature(body, at=1), self.psp.signature(b"another body")):
            self.assertEqual(self.deliver(event, signature), 403)
        self.assertEqual(self.tx.state, "authorized")
