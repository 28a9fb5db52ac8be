from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class AccountPaymentLine(models.Model):
    _inherit = "account.payment.line"

    is_first_debit = fields.Boolean(
        compute="_compute_is_first_debit",
        help="The first debit of a mandate is announced to the bank as such (FRST), the others as recurring.",
    )

    @api.depends("mandate_id", "date", "order_id.payment_line_ids.date")
    def _compute_is_first_debit(self) -> None:
        for line in self:
            mandate = line.mandate_id
            same = line.order_id.payment_line_ids.filtered(
                lambda one, mandate=mandate: one.mandate_id == mandate and one.date
            )
            line.is_first_debit = bool(
                mandate.type == "recurrent"
                and mandate.state == "valid"
                and not mandate.last_debit_date
                and line.date
                and line.date == min(same.mapped("date"), default=line.date)
            )

    def _prepare_write_draft2open(self) -> dict[str, Any]:
        """Never before the day that the customer was told."""
        vals = super()._prepare_write_draft2open()
        announced = self.move_line_id.move_id.emobility_collection_on
        if announced:
            vals["date"] = max(vals["date"], announced)
        return vals

    @api.model
    def _lot_grouping_fields(self) -> list[str]:
        return [*super()._lot_grouping_fields(), "is_first_debit"]

    def _prepare_account_payment_lot_vals(self, lot_sequence: int) -> dict[str, Any]:
        vals = super()._prepare_account_payment_lot_vals(lot_sequence)
        if vals.get("sequence_type") == "RCUR" and self.is_first_debit:
            vals["sequence_type"] = "FRST"
        return vals
