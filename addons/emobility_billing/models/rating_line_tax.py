from odoo import fields, models


class EmobilityRatingLine(models.Model):
    _inherit = "emobility.rating.line"

    tax_reason = fields.Char(related="move_line_id.emobility_tax_reason", string="Why These Taxes")
