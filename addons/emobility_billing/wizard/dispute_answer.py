from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityDisputeAnswer(models.TransientModel):
    """The answer to a complaint, and what follows from it."""

    _name = "emobility.dispute.answer"
    _description = "Answer to a complaint"

    dispute_id = fields.Many2one("emobility.dispute", "Complaint", required=True, readonly=True)
    lang = fields.Selection(related="dispute_id.partner_id.lang", string="Language of the customer")
    result = fields.Selection(
        [
            ("accepted", "Accept: credit it all"),
            ("partly", "Accept in part: credit an amount"),
            ("rejected", "Do not accept"),
        ],
        required=True,
        default="rejected",
    )
    answer = fields.Text(help="It is mailed to the customer. Write in their language.")
    possible_cdr_ids = fields.Many2many("emobility.cdr", compute="_compute_cdrs")
    cdr_ids = fields.Many2many(
        "emobility.cdr", string="Sessions", domain="[('id', 'in', possible_cdr_ids)]", help="Empty: all of them."
    )
    amount = fields.Monetary("Credit for each session")
    currency_id = fields.Many2one(related="dispute_id.currency_id")

    @api.depends("dispute_id")
    def _compute_cdrs(self) -> None:
        for wizard in self:
            wizard.possible_cdr_ids = wizard.dispute_id._disputed_cdrs()

    def action_send(self) -> dict[str, Any]:
        """Answer the customer, and credit what was accepted."""
        self.ensure_one()
        if not (self.answer or "").strip():
            raise UserError(self.env._("Write an answer: it is mailed to the customer."))
        self.dispute_id._answer(self.result, self.answer.strip(), self.amount, self.cdr_ids & self.possible_cdr_ids)
        return {"type": "ir.actions.act_window_close"}
