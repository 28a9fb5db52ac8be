from odoo import api, models
from odoo.exceptions import ValidationError


class EmobilityPriceRule(models.Model):
    _inherit = "emobility.price.rule"

    @api.constrains("relation", "tariff_id")
    def _check_adhoc_is_gross(self) -> None:
        """Who charges without a contract is shown what has to be paid, taxes included (PAngV, AFIR)."""
        for rule in self:
            if rule.relation == "adhoc" and rule.tariff_id.price_mode != "gross":
                raise ValidationError(
                    self.env._(
                        "%(tariff)s has net prices: prices for charging without a contract include tax.",
                        tariff=rule.tariff_id.display_name,
                    )
                )
