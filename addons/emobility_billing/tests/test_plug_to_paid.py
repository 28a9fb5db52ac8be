from __future__ import annotations

from odoo.tests import tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestPlugToPaid(ChargingCommon):
    def test_events_of_a_session_become_an_invoice_that_is_paid(self) -> None:
        self.contract.billing_trigger = "session"
        self._make_payment_token(self.contract)
        session = self.ingest(self.events(kwh="10"))
        self.assertEqual(session.state, "done", session.hold_ids.mapped("evidence_text"))
        self.assertEqual(session.partner_id, self.driver)
        self.assertAlmostEqual(session.energy_kwh, 10.0)
        cdr = session.cdr_ids
        self.assertEqual(len(cdr), 1)
        rating = cdr.rating_ids
        self.assertEqual(rating.relation, "retail")
        self.assertAlmostEqual(rating.amount_total, 4.90)
        move = rating.move_id
        self.assertEqual(move.state, "posted")
        self.assertAlmostEqual(move.amount_total, 4.90)
        self.assertEqual(move.partner_id, self.driver)
        self.assertEqual(move.payment_state, "paid")
        self.assertTrue(move.is_move_sent)
