from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_dispute_days = fields.Integer(related="company_id.emobility_dispute_days", readonly=False)
    emobility_dispute_user_id = fields.Many2one(related="company_id.emobility_dispute_user_id", readonly=False)
