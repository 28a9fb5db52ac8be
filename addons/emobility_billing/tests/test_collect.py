from __future__ import annotations

from odoo.tests import tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestCollect(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.contract.billing_trigger = "session"

    def test_stored_payment_method_pays_the_invoice(self) -> None:
        token = self._make_payment_token(self.contract)
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        transaction = move.transaction_ids
        self.assertEqual((transaction.state, transaction.operation), ("done", "offline"))
        self.assertEqual(transaction.token_id, token)
        self.assertAlmostEqual(transaction.amount, move.amount_total)
        self.assertEqual(move.payment_state, "paid")

    def test_without_stored_payment_method_the_invoice_stays_open(self) -> None:
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        self.assertEqual((move.state, move.payment_state), ("posted", "not_paid"))
        self.assertFalse(move.transaction_ids)

    def test_f62_failed_charge_is_noted_and_not_tried_again(self) -> None:
        self._make_payment_token(self.contract, simulated_state="error")
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        self.assertEqual(move.transaction_ids.state, "error")
        self.assertEqual(move.payment_state, "not_paid")
        with self.running_jobs():
            move.transaction_ids._emobility_charge_now()
        self.assertEqual(len(move.transaction_ids), 1)
        self.assertIn("not charged", " ".join(str(body) for body in move.message_ids.mapped("body")))

    def test_f65_invoice_is_not_charged_twice(self) -> None:
        self._make_payment_token(self.contract)
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        with self.running_jobs():
            move._emobility_post_and_collect()
            move._emobility_charge()
            move.transaction_ids._emobility_charge_now()
        self.assertEqual(len(move.transaction_ids), 1)
        self.assertEqual(len(move.transaction_ids.payment_id), 1)

    def test_f65_pending_charge_is_waited_for(self) -> None:
        self._make_payment_token(self.contract, simulated_state="pending")
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        self.assertEqual(move.transaction_ids.state, "pending")
        with self.running_jobs():
            move._emobility_charge()
        self.assertEqual(len(move.transaction_ids), 1)

    def test_f61_crash_before_the_provider_answers_repeats_the_same_transaction(self) -> None:
        self._make_payment_token(self.contract)
        session = self.ingest(self.events()[:1])
        self.contract.payment_token_id.active = True
        move = self._draft_move(session)
        move.action_post()
        with self.running_jobs() as trap:
            move._emobility_charge()
            trap.enqueued_jobs = []
        transaction = move.transaction_ids
        self.assertEqual(transaction.state, "draft")
        with self.running_jobs():
            move._emobility_charge()
        self.assertEqual(move.transaction_ids, transaction)
        self.assertEqual(transaction.state, "done")

    def _draft_move(self, session) -> object:
        self.contract.billing_trigger = "monthly"
        self.ingest(self.events("DRAFT"))
        return self.run_billing(auto_collect=False).line_ids.move_ids

    def test_f68_payment_method_of_another_company_is_not_charged(self) -> None:
        token = self._make_payment_token(self.contract)
        other = self.env["res.company"].create({"name": "Other operator"})
        move = self._draft_move(None)
        move.action_post()
        token.provider_id.sudo().copy({"company_id": other.id})
        self.env.flush_all()
        self.env.cr.execute("UPDATE payment_token SET company_id = %s WHERE id = %s", (other.id, token.id))
        self.env.invalidate_all()
        with self.running_jobs():
            move._emobility_charge()
        self.assertFalse(move.transaction_ids)
        self.assertIn("another company", str(move.message_ids[:1].body))

    def test_payment_method_of_somebody_else_is_not_charged(self) -> None:
        token = self._make_payment_token(self.contract)
        move = self._draft_move(None)
        move.action_post()
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self.env.flush_all()
        self.env.cr.execute("UPDATE payment_token SET partner_id = %s WHERE id = %s", (stranger.id, token.id))
        self.env.invalidate_all()
        with self.running_jobs():
            move._emobility_charge()
        self.assertFalse(move.transaction_ids)

    def test_payer_without_mail_address_leaves_a_note(self) -> None:
        self.driver.email = False
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        self.assertEqual(move.state, "posted")
        self.assertFalse(move.is_move_sent)
        self.assertIn("no email", " ".join(str(body) for body in move.message_ids.mapped("body")))

    def test_invoice_is_mailed_once_with_its_document(self) -> None:
        move = self.ingest(self.events()).cdr_ids.rating_ids.move_id
        mails = move.message_ids.filtered(lambda message: message.attachment_ids)
        self.assertEqual(len(mails), 1)
        with self.running_jobs():
            move._emobility_post_and_collect()
        self.assertEqual(move.message_ids.filtered(lambda message: message.attachment_ids), mails)
