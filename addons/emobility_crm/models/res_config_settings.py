from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_country_code = fields.Char(related="company_id.emobility_country_code", readonly=False)
    emobility_party_id = fields.Char(related="company_id.emobility_party_id", readonly=False)
    emobility_match_reversed_uid = fields.Boolean(
        related="company_id.emobility_match_reversed_uid", readonly=False
    )
