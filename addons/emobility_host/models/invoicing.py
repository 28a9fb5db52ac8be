from __future__ import annotations

from typing import Any

from odoo import api, models

from odoo.addons.emobility_billing.models.invoicing_tax import TaxDecision


class EmobilityInvoicing(models.AbstractModel):
    _inherit = "emobility.invoicing"

    @api.model
    def _tax_decision(
        self, product: Any, rating: Any, country: Any, known: dict[Any, Any] | None = None
    ) -> TaxDecision:
        """What is only passed on is no supply of ours, wherever and to whom."""
        if product != self.env.ref("emobility_host.product_passed_on"):
            return super()._tax_decision(product, rating, country, known)
        position, _reason = self._known_position(rating, country, {} if known is None else known)
        taxes = rating.company_id._emobility_passed_on_tax()._emobility_variant(rating.price_mode == "gross")
        return TaxDecision(
            taxes, position, self.env._("Outside the scope of VAT: electricity that is reimbursed and passed on.")
        )
