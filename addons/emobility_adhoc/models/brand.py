from odoo import fields, models


class EmobilityBrand(models.Model):
    _inherit = "emobility.brand"

    adhoc_text = fields.Html(
        "Text on Charging Pages",
        translate=True,
        help="On the page of a charging point, below the price: how to find help, parking, opening hours.",
    )
