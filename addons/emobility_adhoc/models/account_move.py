from __future__ import annotations

from typing import Any

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _invoice_paid_hook(self) -> Any:
        """A claim that is paid lets the card be used again."""
        result = super()._invoice_paid_hook()
        self.env["emobility.adhoc.session"].sudo().search([("move_id", "in", self.ids)])._claim_is_paid()
        return result

    def _adhoc_free_payments(self) -> Any:
        """Take the payments off this receipt; returns their open lines, for the invoice that replaces it."""
        lines = self.line_ids.filtered(lambda line: line.account_id.account_type == "asset_receivable")
        payments = (lines.matched_credit_ids.credit_move_id | lines.matched_debit_ids.debit_move_id) - lines
        lines.remove_move_reconcile()
        return payments

    def _adhoc_hand_ratings_to(self, invoice: Any) -> None:
        """The invoice lists the sessions from now on; the files of the receipt stay as they were issued."""
        ratings = self.sudo().rating_ids._as_system()
        pairs = zip(self.invoice_line_ids.sorted("sequence"), invoice.invoice_line_ids.sorted("sequence"), strict=True)
        for old, new in pairs:
            ratings.line_ids.filtered(lambda line, old=old: line.move_line_id == old).write({"move_line_id": new.id})
        ratings.write({"move_id": invoice.id, "partner_id": invoice.partner_id.id})
