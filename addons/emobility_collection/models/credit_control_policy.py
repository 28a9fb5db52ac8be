from __future__ import annotations

from typing import Any

from odoo import fields, models


class CreditControlPolicy(models.Model):
    _inherit = "credit.control.policy"

    def _move_lines_domain(self, credit_control_run: Any) -> list[Any]:
        """Nobody is reminded of the fee of a reminder."""
        return [
            *super()._move_lines_domain(credit_control_run),
            ("move_id.emobility_is_payment_fee", "=", False),
        ]

    def _get_move_lines_to_process(self, credit_control_run: Any) -> Any:
        """Neither what we still collect ourselves, nor what a payer was given time for."""
        lines = super()._get_move_lines_to_process(credit_control_run)
        return lines.filtered(
            lambda line: not line.move_id._dunning_blocked() and not line.move_id._emobility_awaits_debit()
        )


class CreditControlPolicyLevel(models.Model):
    _inherit = "credit.control.policy.level"

    fee = fields.Float(digits="Product Price", help="Invoiced with the reminder. 0: none.")
    blocks_contract = fields.Boolean("Blocks the contract", help="The cards cannot charge until the invoices are paid.")
    is_last = fields.Boolean("Then to an agency", help="Invoices of this level can be exported to an agency.")

    _fee_not_negative = models.Constraint("CHECK (COALESCE(fee, 0) >= 0)", "The fee of a reminder cannot be negative.")
