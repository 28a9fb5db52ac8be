from odoo import fields, models


class EmobilityAccrualLine(models.Model):
    """Revenue of one account and analytic account that belongs to another month than its invoice."""

    _name = "emobility.accrual.line"
    _inherit = "emobility.guarded"
    _description = "Accrual Line"
    _order = "accrual_id, kind, account_id, id"
    _rec_name = "account_id"

    accrual_id = fields.Many2one(
        "emobility.accrual", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [("accrued", "Charged, not invoiced"), ("deferred", "Invoiced, charged later")],
        required=True,
        readonly=True,
    )
    account_id = fields.Many2one(
        "account.account", "Revenue account", required=True, readonly=True, index=True, ondelete="restrict"
    )
    analytic_distribution = fields.Json(readonly=True)
    analytic_names = fields.Char("Analytic", readonly=True)
    rating_count = fields.Integer("Sessions", readonly=True)
    amount = fields.Monetary("Revenue (net)", readonly=True)
    currency_id = fields.Many2one(related="accrual_id.currency_id")
    company_id = fields.Many2one(related="accrual_id.company_id", store=True, index=True)
