from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        help="Of all that no contract, plan, place or customer gives another brand. Empty: the company itself.",
    )
