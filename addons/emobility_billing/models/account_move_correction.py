from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError

from .correction_reason import CREDIT_REASONS


class AccountMove(models.Model):
    """What was issued does not change: it is credited, and billed again."""

    _inherit = "account.move"

    emobility_correction_id = fields.Many2one(
        "emobility.correction", "Correction", readonly=True, copy=False, index="btree_not_null"
    )
    emobility_credit_reason = fields.Selection(
        CREDIT_REASONS, "Reason of the Credit", readonly=True, copy=False, index="btree_not_null"
    )

    def button_draft(self) -> Any:
        """A posted charging invoice is never opened again. :raises UserError: for one"""
        for move in self:
            if move.state == "posted" and move.is_sale_document() and move.sudo().rating_ids:
                raise UserError(
                    self.env._(
                        "%s was issued with charging sessions. It does not change any more: correct it instead.",
                        move.name,
                    )
                )
        return super().button_draft()

    def _emobility_settle_with_corrected_invoice(self) -> None:
        """What a credit note leaves over is set off against the invoices of the same correction."""
        super()._emobility_settle_with_corrected_invoice()
        correction = self.emobility_correction_id
        if not correction:
            return
        lines = correction.sudo().move_ids.filtered(
            lambda move: move.state == "posted" and move.commercial_partner_id == self.commercial_partner_id
        ).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        )
        for account in lines.account_id:
            same = lines.filtered(lambda line, account=account: line.account_id == account)
            if len({line.balance > 0 for line in same}) == 2:
                same.reconcile()

    def action_emobility_correct(self) -> dict[str, Any]:
        """A new correction of all sessions on these invoices: credit them, or cancel and bill again."""
        cdrs = self.rating_ids.cdr_id.filtered(lambda cdr: not cdr.credit and not cdr.is_credited)
        if not cdrs:
            raise UserError(self.env._("There is no charging session on it that could be corrected."))
        window = cdrs.action_open_correction()
        window["context"] |= {"default_kind": "rebill"}
        return window
