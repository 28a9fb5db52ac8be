from odoo import fields, models


class EmobilityOcpiLimitLine(models.TransientModel):
    """From this minute on not more than this."""

    _name = "emobility.ocpi.limit.line"
    _description = "Limit of the Power"
    _order = "minute, id"

    limit_id = fields.Many2one("emobility.ocpi.limit", required=True, ondelete="cascade")
    minute = fields.Integer("From Minute", required=True)
    limit = fields.Float("At Most", required=True, digits=(12, 1))

    _positive = models.Constraint(
        "CHECK (minute BETWEEN 0 AND 100000 AND \"limit\" >= 0)", "Minutes and limits are not below zero."
    )
