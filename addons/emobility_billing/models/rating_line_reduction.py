from odoo import fields, models


class EmobilityRatingLine(models.Model):
    _inherit = "emobility.rating.line"

    dimension = fields.Selection(
        selection_add=[
            ("ALLOWANCE", "Included in the plan"),
            ("OVERAGE", "Beyond what the plan includes"),
            ("DISCOUNT", "Discount"),
        ],
        ondelete={"ALLOWANCE": "cascade", "OVERAGE": "cascade", "DISCOUNT": "cascade"},
    )
    allowance_id = fields.Many2one("emobility.allowance", readonly=True, index="btree_not_null", ondelete="restrict")
    discount_id = fields.Many2one("emobility.discount", readonly=True, index="btree_not_null", ondelete="restrict")

    def _give_back(self) -> None:
        """The session is taken back: what it used of an allowance or a discount can be used again."""
        self.ensure_one()
        if self.allowance_id:
            allowance = self.allowance_id.sudo()
            if self.unit == "session":
                allowance.used_sessions = max(0, allowance.used_sessions - 1)
            else:
                allowance.used_kwh = max(0.0, allowance.used_kwh - self.quantity)
        if self.discount_id:
            discount = self.discount_id.sudo()
            use = discount._use_of(self.rating_id.contract_id)
            use.write(
                {
                    "session_count": max(0, use.session_count - 1),
                    "energy_kwh": max(0.0, use.energy_kwh - self.quantity),
                    "amount": use.amount + self.amount,
                }
            )
            if discount.budget:
                discount.budget_used += self.amount
