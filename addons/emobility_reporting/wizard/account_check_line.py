from odoo import fields, models


class EmobilityAccountCheckLine(models.TransientModel):
    """A product of charging, and where it posts to."""

    _name = "emobility.account.check.line"
    _description = "Account Check Line"
    _order = "problem, product_id, id"
    _rec_name = "product_id"

    check_id = fields.Many2one(
        "emobility.account.check", required=True, readonly=True, ondelete="cascade", index=True
    )
    product_id = fields.Many2one("product.product", readonly=True)
    account_id = fields.Many2one("account.account", readonly=True)
    source = fields.Selection(
        [("product", "Product"), ("category", "Product category"), ("company", "Company")],
        "Chosen by",
        readonly=True,
    )
    tax_ids = fields.Many2many("account.tax", string="Taxes", readonly=True)
    problem = fields.Char(readonly=True)
