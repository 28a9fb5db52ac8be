from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_settle_minutes = fields.Integer(related="company_id.emobility_settle_minutes", readonly=False)
    emobility_annex_files = fields.Selection(related="company_id.emobility_annex_files", readonly=False)
    emobility_zero_invoices = fields.Boolean(related="company_id.emobility_zero_invoices", readonly=False)
    emobility_datev_consultant = fields.Integer(
        related="company_id.emobility_datev_consultant", readonly=False
    )
    emobility_datev_client = fields.Integer(
        related="company_id.emobility_datev_client", readonly=False
    )
    emobility_datev_account_length = fields.Integer(
        related="company_id.emobility_datev_account_length", readonly=False
    )
    emobility_datev_automatic_accounts = fields.Char(
        related="company_id.emobility_datev_automatic_accounts", readonly=False
    )
