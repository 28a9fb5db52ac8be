from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_accrued_roaming_account_id = fields.Many2one(
        related="company_id.emobility_accrued_roaming_account_id", readonly=False
    )
