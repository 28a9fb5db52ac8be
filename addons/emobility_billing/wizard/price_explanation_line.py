from odoo import fields, models


class EmobilityPriceExplanationLine(models.TransientModel):
    """A rule that does not count in a situation, and why not."""

    _name = "emobility.price.explanation.line"
    _description = "Price Rule That Does Not Count"
    _order = "sequence, id"

    explanation_id = fields.Many2one(
        "emobility.price.explanation", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer()
    rule_id = fields.Many2one("emobility.price.rule", required=True, ondelete="cascade")
    criteria = fields.Char(related="rule_id.criteria", string="For")
    tariff_id = fields.Many2one(related="rule_id.tariff_id")
    priority = fields.Integer(related="rule_id.sequence", string="Priority")
    reason = fields.Char()
