from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_brand_id = fields.Many2one(related="company_id.emobility_brand_id", readonly=False)
