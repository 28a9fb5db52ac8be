from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    adhoc_hold_ac = fields.Float(related="company_id.adhoc_hold_ac", readonly=False)
    adhoc_hold_dc = fields.Float(related="company_id.adhoc_hold_dc", readonly=False)
    adhoc_hold_max = fields.Float(related="company_id.adhoc_hold_max", readonly=False)
    adhoc_start_minutes = fields.Integer(related="company_id.adhoc_start_minutes", readonly=False)
    adhoc_block_claim = fields.Float(related="company_id.adhoc_block_claim", readonly=False)
    adhoc_lead_seconds = fields.Integer(related="company_id.adhoc_lead_seconds", readonly=False)
