from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityInvoicing(models.AbstractModel):
    """One invoice for all contracts of a company, with lines by cost centre where it wants them."""

    _inherit = "emobility.invoicing"

    def _contract_scope(self, rating: Any) -> int:
        if rating.partner_id.emobility_one_invoice:
            return 0
        return super()._contract_scope(rating)

    def _fee_scope(self, contract: Any) -> tuple[Any, ...]:
        payer = contract.invoice_partner_id or contract.partner_id
        if payer.emobility_one_invoice:
            return ("payer", payer.id, contract.currency_id.id)
        return super()._fee_scope(contract)

    def _cost_centre(self, rating: Any) -> str:
        if not rating.partner_id.emobility_lines_by_cost_centre:
            return super()._cost_centre(rating)
        return rating.session_id.token_id.cost_centre or ""
