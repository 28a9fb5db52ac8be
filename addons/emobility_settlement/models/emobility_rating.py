from __future__ import annotations

from decimal import Decimal
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
    def _create_share(self, cdr: Any, agreement: Any, terms: Any, net: float) -> EmobilityRating:
        """What the operator gets of the driver's price.

        :param terms: a rating with the tariff and the currency of that price
        :param net: what the driver pays without taxes
        """
        amount = agreement._share_of(net, terms.currency_id)
        description = self.env._("%(share)s %% of what the driver pays without taxes", share=agreement.share_percent)
        return self._as_system().create(
            {
                "cdr_id": cdr.id,
                "relation": "wholesale",
                "partner_id": agreement.legal_entity_id.id,
                "tariff_version_id": terms.tariff_version_id.id,
                "currency_id": terms.currency_id.id,
                "price_mode": "net",
                "amount_total": amount,
                "trace": {"share_percent": agreement.share_percent, "driver_pays_net": net},
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
