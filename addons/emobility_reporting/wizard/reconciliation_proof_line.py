from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.tools.safe_eval import safe_eval


class EmobilityReconciliationProofLine(models.TransientModel):
    """One step of the proof: a whole, and the parts that it has to consist of."""

    _name = "emobility.reconciliation.proof.line"
    _description = "Reconciliation Proof Line"
    _order = "proof_id, sequence, id"

    proof_id = fields.Many2one(
        "emobility.reconciliation.proof", required=True, readonly=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(readonly=True)
    name = fields.Char("What", readonly=True)
    is_total = fields.Boolean(readonly=True)
    record_count = fields.Integer("Number", readonly=True)
    amount = fields.Monetary(readonly=True)
    currency_id = fields.Many2one(related="proof_id.currency_id")
    is_balanced = fields.Boolean("Adds up", readonly=True)
    res_model = fields.Char(readonly=True)
    domain = fields.Char(readonly=True)

    def action_open(self) -> dict[str, Any]:
        """The records behind the line."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self.res_model,
            "domain": safe_eval(self.domain),
            "view_mode": "list,form",
        }
