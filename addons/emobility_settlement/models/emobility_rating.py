from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from odoo import api, fields, models


class EmobilityRating(models.Model):
    _inherit = "emobility.rating"

    roaming_settlement_id = fields.Many2one(
        "emobility.roaming.settlement", readonly=True, index="btree_not_null", ondelete="set null", check_company=True
    )

    def _net_amount(self) -> float:
        """What is left of the amount without taxes, by the taxes that the invoice has."""
        self.ensure_one()
        if self.price_mode == "net":
            return self.amount_total
        invoicing = self.env["emobility.invoicing"].with_company(self.company_id)
        country = self.location_id.country_id or self.company_id.country_id
        total = Decimal(0)
        for product, lines in self.line_ids.grouped("product_id").items():
            taxes = invoicing._taxes(product, self.price_mode, self, country)
            net = taxes.compute_all(sum(lines.mapped("amount")), self.currency_id)["total_excluded"]
            total += Decimal(str(net))
        return float(total)

    @api.model
    def _create_share(self, cdr: Any, agreement: Any, retail: Any) -> EmobilityRating:
        """What the operator gets of the driver's price, rounded once."""
        share = Decimal(str(agreement.share_percent)) / 100
        step = Decimal(10) ** -retail.currency_id.decimal_places
        amount = float((Decimal(str(retail._net_amount())) * share).quantize(step, ROUND_HALF_UP))
        description = self.env._("%(share)s %% of what the driver pays without taxes", share=agreement.share_percent)
        return self._as_system().create(
            {
                "cdr_id": cdr.id,
                "relation": "wholesale",
                "partner_id": agreement.legal_entity_id.id,
                "tariff_version_id": retail.tariff_version_id.id,
                "currency_id": retail.currency_id.id,
                "price_mode": "net",
                "amount_total": amount,
                "trace": {"share_percent": agreement.share_percent, "driver_pays_net": retail._net_amount()},
                "line_ids": [
                    fields.Command.create(
                        {
                            "dimension": "FLAT",
                            "product_id": self.env.ref("emobility_billing.product_energy").id,
                            "quantity": 1.0,
                            "unit": "session",
                            "unit_price": amount,
                            "amount": amount,
                            "description": description,
                        }
                    )
                ],
            }
        )
