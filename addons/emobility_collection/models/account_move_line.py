from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    emobility_wallet_id = fields.Many2one(
        "emobility.wallet", "Prepaid balance", readonly=True, copy=False, index="btree_not_null", ondelete="restrict"
    )
