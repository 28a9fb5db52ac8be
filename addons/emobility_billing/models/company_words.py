from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_amount_in_words = fields.Boolean(
        "Amount in Words", help="Write the total of charging invoices in words too, as some countries ask for."
    )
