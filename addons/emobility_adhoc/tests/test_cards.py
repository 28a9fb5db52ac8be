"""Blocked cards: who owes, or misuses, does not start again with the same card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import AdhocCommon


@tagged("post_install", "-at_install")
class TestCards(AdhocCommon):
    def blocks(self) -> Any:
        return self.env["emobility.adhoc.block"].search([])

    def owing(self) -> Any:
        """A session that costs 23.60 with 20 held."""
        adhoc = self.paid()
        self.charge(adhoc, kwh="40", minutes=120, ago=300)
        self.assertEqual((adhoc.state, adhoc.amount_claim), ("settled", 3.6))
        return adhoc

    def test_card_with_an_open_claim_starts_nothing_until_it_is_paid(self) -> None:
        self.company.adhoc_block_claim = 3.0
        first = self.owing()
        block = self.blocks()
        self.assertEqual((block.reason, block.adhoc_id, first.block_id), ("claim", first, block))
        again = self.paid()
        self.assertEqual((again.state, again.ended_reason, self.real(again)), ("released", "card_blocked", (0, 0)))
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=first.move_id.ids
        )
        wizard.create({"journal_id": self.company_data["default_journal_bank"].id})._create_payments()
        self.assertEqual(first.move_id.payment_state, "paid")
        self.assertEqual((self.blocks(), first.attention), (block.browse(), False))
        self.assertEqual(self.paid().state, "starting")

    def test_small_claim_blocks_nobody(self) -> None:
        self.owing()
        self.assertFalse(self.blocks())
        self.company.adhoc_block_claim = 0
        self.assertEqual(self.paid().state, "starting")

    def test_another_card_is_not_blocked(self) -> None:
        self.company.adhoc_block_claim = 3.0
        self.owing()
        adhoc = self.check_out()
        tx = self.pay(adhoc, confirm=False)
        intent = self.intent(tx)
        self.psp.answer("POST", f"/payment_intents/{intent['id']}/confirm",
                        {"payment_method_data": {"card": {"number": "4000000000000341"}}})  # fmt: skip
        with self.running_jobs():
            tx._stripe_process_intent(self.psp.answer("GET", f"/payment_intents/{intent['id']}", {})[1])
        self.assertEqual(adhoc.state, "starting")
        self.assertNotEqual(adhoc.card_digest, self.blocks().digest)

    def test_clerk_blocks_and_lifts_and_a_block_may_end_by_itself(self) -> None:
        adhoc = self.paid()
        with self.running_jobs():
            adhoc._stop_by_customer()
        clerk = new_test_user(self.env, "card-clerk", "emobility_crm.group_user", company_id=self.company.id,
                              company_ids=[(6, 0, self.company.ids)])  # fmt: skip
        for _time in range(2):
            adhoc.with_user(clerk).action_block_card()
        block = self.blocks()
        self.assertEqual((len(block), block.reason), (1, "clerk"))
        self.assertEqual(self.paid().ended_reason, "card_blocked")
        block.with_user(clerk).action_lift()
        self.assertFalse(self.blocks())
        adhoc.with_user(clerk).action_block_card()
        self.blocks().with_user(clerk).until = fields.Datetime.now() + timedelta(hours=1)
        self.assertEqual(self.paid().ended_reason, "card_blocked")
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self.assertFalse(self.env["emobility.adhoc.block"]._is_blocked(adhoc.card_digest, self.company))
            self.assertTrue(self.env["emobility.adhoc.block"]._block(adhoc, "claim").active)
            self.assertEqual(self.blocks().reason, "claim")

    def test_card_that_is_not_known_cannot_be_blocked(self) -> None:
        with self.assertRaises(UserError):
            self.check_out().action_block_card()

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_provider_that_does_not_answer_sends_nobody_away(self) -> None:
        adhoc = self.check_out()
        tx = self.pay(adhoc, confirm=False)
        with self.running_jobs():
            self.confirm(tx)
            self.psp.fault("/payment_intents", "before")
        self.assertEqual((adhoc.state, adhoc.sudo().card_digest), ("starting", False))
