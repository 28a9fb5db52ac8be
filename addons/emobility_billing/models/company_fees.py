from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_fees_with_usage = fields.Boolean(
        "Fees and Sessions on One Invoice",
        default=True,
        help="Billing runs put the fees of contracts on the invoice of their sessions. Otherwise fees are invoiced "
        "apart, on their day.",
    )
