from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_self_billing_journal_id = fields.Many2one(
        related="company_id.emobility_self_billing_journal_id", readonly=False
    )
