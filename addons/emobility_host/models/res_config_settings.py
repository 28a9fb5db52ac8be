from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_self_billing_journal_id = fields.Many2one(
        related="company_id.emobility_self_billing_journal_id", readonly=False
    )
    emobility_accrued_cost_account_id = fields.Many2one(
        related="company_id.emobility_accrued_cost_account_id", readonly=False
    )
    emobility_passed_on_tax_id = fields.Many2one(related="company_id.emobility_passed_on_tax_id", readonly=False)
