from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        company_dependent=True,
        check_company=True,
        help="Under which name this customer gets charging invoices, unless contract, plan or place say something else.",
    )
