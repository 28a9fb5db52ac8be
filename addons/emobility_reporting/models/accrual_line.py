from odoo import fields, models


class EmobilityAccrualLine(models.Model):
    """An amount of one account and analytic account that belongs to another month than its document."""

    _name = "emobility.accrual.line"
    _inherit = "emobility.guarded"
    _description = "Accrual Line"
    _order = "accrual_id, kind, account_id, id"
    _rec_name = "account_id"

    accrual_id = fields.Many2one(
        "emobility.accrual", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [("accrued", "Earned, not invoiced"), ("deferred", "Invoiced, earned later")],
        required=True,
        readonly=True,
    )
    source = fields.Selection(
        [("sessions", "Sessions"), ("fees", "Base fees")], "Of", required=True, readonly=True, default="sessions"
    )
    account_id = fields.Many2one(
        "account.account", required=True, readonly=True, index=True, ondelete="restrict"
    )
    analytic_distribution = fields.Json(readonly=True)
    analytic_names = fields.Char("Analytic", readonly=True)
    rating_count = fields.Integer("Sessions", readonly=True)
    amount = fields.Monetary("Amount (net)", readonly=True)
    currency_id = fields.Many2one(related="accrual_id.currency_id")
    company_id = fields.Many2one(related="accrual_id.company_id", store=True, index=True)
