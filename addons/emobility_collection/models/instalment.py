from odoo import api, fields, models


class EmobilityInstalment(models.Model):
    """A part of an instalment plan. Payments fill the earliest ones first."""

    _name = "emobility.instalment"
    _description = "Instalment"
    _order = "date, id"

    plan_id = fields.Many2one("emobility.instalment.plan", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="plan_id.company_id")
    currency_id = fields.Many2one(related="plan_id.currency_id")
    date = fields.Date(required=True)
    amount = fields.Monetary(required=True)
    is_paid = fields.Boolean("Paid", compute="_compute_is_paid")

    @api.depends("plan_id.paid_amount", "plan_id.line_ids.amount", "plan_id.line_ids.date")
    def _compute_is_paid(self) -> None:
        for plan in self.plan_id:
            left = plan.paid_amount
            for line in plan.line_ids.sorted("date"):
                left = plan.currency_id.round(left - line.amount)
                line.is_paid = plan.currency_id.compare_amounts(left, 0) >= 0
