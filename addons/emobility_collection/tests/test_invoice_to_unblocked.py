from __future__ import annotations

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestInvoiceToUnblocked(CollectionCommon):
    def test_posted_invoice_is_collected_returned_blocks_the_card_at_the_station_is_reminded_of_paid_and_unblocks_it(
        self,
    ) -> None:
        self.company._emobility_set_up_dunning()
        self._sign()
        move = self.charge()
        self.assertEqual((move.state, move.payment_state), ("posted", "not_paid"))

        self.env["account.move"]._cron_collect_by_debit()
        order = move.line_ids.payment_line_ids.order_id
        self.assertIn(b"pain.008", order.payment_file_id.raw)
        order.generated2uploaded()
        self.assertEqual(move.payment_state, "paid")

        self.return_file(order, "MD06")
        self.assertEqual(move.payment_state, "not_paid")
        self.assertEqual(self.contract.suspension_reason, "returned_debit")
        self.assertEqual(self.token._authorization_status(), "Blocked")
        refused = self.ingest(self.events("S2", authorization="Blocked")[:1])
        self.assertFalse(refused.cdr_ids)

        with freeze_time(fields.Date.today() + timedelta(days=20)), self.running_jobs():
            run = self.env["credit.control.run"].with_company(self.company)._remind(self.company)
        message = run.line_ids.communication_id.message_ids
        self.assertIn(self.driver, message.partner_ids)
        self.assertIn(move.name, " ".join(message.mapped("body")))

        self.pay(move)
        self.assertEqual(move.payment_state, "paid")
        self.assertEqual(self.contract.charging_state, "active")
        self.assertEqual(self.token._authorization_status(), "Accepted")
