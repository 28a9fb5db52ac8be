from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class PaymentReturnReason(models.Model):
    _inherit = "payment.return.reason"

    blocks_contract = fields.Boolean(
        default=True, help="The cards of the contract cannot charge until the invoice is paid."
    )
    revokes_mandate = fields.Boolean(help="The account or the mandate is no longer any good: it is not debited again.")
    charges_fee = fields.Boolean(help="The fee of the company for returned debits is invoiced.")
    retry_after_days = fields.Integer(
        "Collect again after (days)", help="0: not again. A debit is presented three times at most."
    )

    _code_uniq = models.UniqueIndex("(code) WHERE code IS NOT NULL", "There is a reason with this code already.")
    _retry_after_days_positive = models.Constraint(
        "CHECK (COALESCE(retry_after_days, 0) >= 0)", "The days until the next collection cannot be negative."
    )

    @api.model
    def _of_code(self, code: str) -> Any:
        """The reason of a code; what a bank says for the first time is kept as a reason of its own."""
        code = code or "NARR"
        found = self.sudo().search([("code", "=", code)], limit=1)
        return found or self.sudo().create({"code": code, "name": self.env._("Reason %s of the bank", code)})
