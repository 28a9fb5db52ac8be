from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    emobility_amount_in_words = fields.Boolean(
        "Amount in Words", help="Write the total of this customer's charging invoices in words too."
    )
