from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_dispute_days = fields.Integer(
        "Complaints: answer within (days)", default=14, help="When a complaint about a bill has to be answered."
    )
    emobility_dispute_user_id = fields.Many2one(
        "res.users",
        "Complaints: responsible",
        help="Who gets new complaints, with a reminder. Empty: whoever takes one on.",
    )

    _emobility_dispute_days_positive = models.Constraint(
        "CHECK (emobility_dispute_days > 0)", "A complaint needs at least one day to be answered."
    )
