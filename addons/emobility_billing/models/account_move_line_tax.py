from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    emobility_country_id = fields.Many2one(
        "res.country", "Charged In", readonly=True, copy=True, index="btree_not_null"
    )
    emobility_tax_reason = fields.Char(
        "Why These Taxes", readonly=True, copy=True, help="How the taxes of a charging line were decided."
    )
