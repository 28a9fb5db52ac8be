from odoo import fields, models


class EmobilityGateRule(models.Model):
    """Who changed which limit when: what is let through to billing is decided here."""

    _name = "emobility.gate.rule"
    _inherit = ["emobility.gate.rule", "mail.thread"]

    is_on = fields.Boolean(tracking=True)
    severity = fields.Selection(tracking=True)
    location_group_id = fields.Many2one(tracking=True)
    customer_group_id = fields.Many2one(tracking=True)
    limit_hours = fields.Float(tracking=True)
    limit_silence_hours = fields.Float(tracking=True)
    limit_minutes = fields.Float(tracking=True)
    limit_seconds = fields.Integer(tracking=True)
    limit_days = fields.Integer(tracking=True)
    limit_percent = fields.Float(tracking=True)
    limit_kwh = fields.Float(tracking=True)
    limit_amount = fields.Monetary(tracking=True)
    expiry_days = fields.Integer(tracking=True)
    on_expiry = fields.Selection(tracking=True)
    four_eyes = fields.Boolean(tracking=True)
