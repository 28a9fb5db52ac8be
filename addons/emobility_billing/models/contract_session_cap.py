from odoo import fields, models


class ContractContract(models.Model):
    _inherit = "contract.contract"

    session_amount_cap = fields.Monetary(
        "Highest Amount of a Session",
        help="A session that costs more is closed and held for a person. 0: as the rule of the company says.",
    )

    _session_amount_cap_not_negative = models.Constraint(
        "CHECK (session_amount_cap >= 0)", "The highest amount of a session cannot be negative."
    )
