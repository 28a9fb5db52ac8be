from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    emobility_one_invoice = fields.Boolean(
        "One Charging Invoice",
        help="Billing runs make one invoice for all contracts that this customer pays, instead of one for each.",
    )
    emobility_sections = fields.Selection(
        [
            ("cost_centre", "By cost centre"),
            ("driver", "By driver"),
            ("both", "By cost centre and driver"),
        ],
        "Sections of the Session List",
        help="Sessions are listed in sections with a subtotal each. Empty: in the order of time.",
    )
    emobility_lines_by_cost_centre = fields.Boolean(
        "Invoice Lines by Cost Centre", help="Each cost centre has invoice lines of its own."
    )
