from odoo import fields, models


class EmobilityPriceRule(models.Model):
    """Who changed which price when: the rules talk, as tariffs do."""

    _name = "emobility.price.rule"
    _inherit = ["emobility.price.rule", "mail.thread"]

    sequence = fields.Integer(tracking=True)
    active = fields.Boolean(tracking=True)
    tariff_id = fields.Many2one(tracking=True)
    relation = fields.Selection(tracking=True)
    plan_id = fields.Many2one(tracking=True)
    customer_group_id = fields.Many2one(tracking=True)
    location_group_id = fields.Many2one(tracking=True)
    power_class = fields.Selection(tracking=True)
    partner_id = fields.Many2one(tracking=True)
    date_from = fields.Date(tracking=True)
    date_to = fields.Date(tracking=True)
