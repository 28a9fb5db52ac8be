from typing import Any

from odoo import models

from .discount import ALLOWANCE_PRODUCT, DISCOUNT_PRODUCT, OVERAGE_PRODUCT


class EmobilityInvoicing(models.AbstractModel):
    _inherit = "emobility.invoicing"

    def _taxes(self, product: Any, price_mode: str, rating: Any, country: Any) -> Any:
        """What is taken off has the taxes of the energy that it is taken off, unless it has taxes of its own."""
        reductions = self.env.ref(ALLOWANCE_PRODUCT) | self.env.ref(OVERAGE_PRODUCT) | self.env.ref(DISCOUNT_PRODUCT)
        if product in reductions and not product.taxes_id._filter_taxes_by_company(rating.company_id):
            product = self.env.ref("emobility_billing.product_energy")
        return super()._taxes(product, price_mode, rating, country)
