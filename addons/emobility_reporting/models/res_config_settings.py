from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_invoice_days = fields.Integer(related="company_id.emobility_invoice_days", readonly=False)
    emobility_payout_days = fields.Integer(related="company_id.emobility_payout_days", readonly=False)
    emobility_analytic = fields.Selection(related="company_id.emobility_analytic", readonly=False)
    emobility_accrued_account_id = fields.Many2one(
        related="company_id.emobility_accrued_account_id", readonly=False
    )
    emobility_deferred_account_id = fields.Many2one(
        related="company_id.emobility_deferred_account_id", readonly=False
    )
    emobility_accrual_journal_id = fields.Many2one(
        related="company_id.emobility_accrual_journal_id", readonly=False
    )
    emobility_report_partner_ids = fields.Many2many(
        related="company_id.emobility_report_partner_ids", readonly=False
    )
