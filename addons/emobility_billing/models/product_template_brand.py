from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        company_dependent=True,
        check_company=True,
        help="Under which name sessions of this plan are invoiced, unless the contract says something else.",
    )
