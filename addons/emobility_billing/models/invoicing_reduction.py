from typing import Any

from odoo import api, models

from .discount import (
    ALLOWANCE_PRODUCT,
    DISCOUNT_PRODUCT,
    OVERAGE_PRODUCT,
    REPLACED_PRODUCT,
    SESSION_OVERAGE_PRODUCT,
)
from .invoicing_tax import TaxDecision

REDUCTIONS = (ALLOWANCE_PRODUCT, OVERAGE_PRODUCT, SESSION_OVERAGE_PRODUCT, REPLACED_PRODUCT, DISCOUNT_PRODUCT)


class EmobilityInvoicing(models.AbstractModel):
    _inherit = "emobility.invoicing"

    @api.model
    def _tax_decision(
        self, product: Any, rating: Any, country: Any, known: dict[Any, Any] | None = None
    ) -> TaxDecision:
        """What is taken off has the taxes of the energy that it is taken off, unless it has taxes of its own."""
        data = self.env["ir.model.data"]
        reductions = {data._xmlid_to_res_id(xmlid) for xmlid in REDUCTIONS}
        if product.id in reductions and not product.taxes_id._filter_taxes_by_company(rating.company_id):
            product = self.env.ref("emobility_billing.product_energy")
        return super()._tax_decision(product, rating, country, known)
