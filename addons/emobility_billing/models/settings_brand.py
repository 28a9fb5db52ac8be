from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_brand_id = fields.Many2one(related="company_id.emobility_brand_id", readonly=False)
    emobility_fees_with_usage = fields.Boolean(related="company_id.emobility_fees_with_usage", readonly=False)
    emobility_amount_in_words = fields.Boolean(related="company_id.emobility_amount_in_words", readonly=False)
