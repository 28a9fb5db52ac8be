from odoo import api, fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    emobility_wallet_id = fields.Many2one(
        "emobility.wallet", "Prepaid balance", readonly=True, copy=False, index="btree_not_null", ondelete="restrict"
    )
    emobility_wallet_amount = fields.Monetary(
        "Change of the balance", compute="_compute_emobility_wallet_amount", currency_field="currency_id"
    )

    @api.depends("amount_currency", "emobility_wallet_id")
    def _compute_emobility_wallet_amount(self) -> None:
        """As the customer sees it: the liability grows when money comes in."""
        for line in self:
            line.emobility_wallet_amount = -line.amount_currency if line.emobility_wallet_id else 0.0
