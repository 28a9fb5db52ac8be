from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    is_charging_plan = fields.Boolean(
        string="Charging Plan",
        help="Customers subscribe to this product with a charging contract. Prices can depend on it.",
    )
