from __future__ import annotations

from typing import Any

from odoo import fields, models


class CreditControlCommunication(models.Model):
    _inherit = "credit.control.communication"

    fee_move_id = fields.Many2one("account.move", "Fee", readonly=True, copy=False)

    def _generate_emails(self) -> Any:
        result = super()._generate_emails()
        self._take_consequences()
        return result

    def _mark_credit_line_as_sent(self) -> Any:
        lines = super()._mark_credit_line_as_sent()
        self._take_consequences()
        return lines

    def _take_consequences(self) -> None:
        """Fee and block of the level, once, with the reminder."""
        product = self.env.ref("emobility_collection.product_dunning_fee").product_variant_id
        for reminder in self:
            contracts = reminder.credit_control_line_ids.invoice_id.emobility_contract_id
            level = reminder.policy_level_id
            if level.fee and contracts and not reminder.fee_move_id:
                reminder.fee_move_id = contracts[:1]._invoice_payment_fee(product, level.fee, level.name)
            contracts.sudo()._review_payment_block()
