from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    emobility_period_from = fields.Date(
        "Served From", copy=True, help="First day of the period that a fee is for: its revenue belongs to these days."
    )
    emobility_period_to = fields.Date("Served Until", copy=True, index="btree_not_null")

    _emobility_period = models.Constraint(
        "CHECK (emobility_period_from <= emobility_period_to"
        " AND (emobility_period_from IS NULL) = (emobility_period_to IS NULL))",
        "A period has a first and a last day, in this order.",
    )
