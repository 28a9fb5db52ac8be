from odoo import fields, models


class AccountPayment(models.Model):
    """What an auditor asks for about payments is tracked, where Odoo does not do it itself."""

    _inherit = "account.payment"

    amount = fields.Monetary(tracking=True)
    date = fields.Date(tracking=True)
    state = fields.Selection(tracking=True)
    partner_id = fields.Many2one(tracking=True)
    journal_id = fields.Many2one(tracking=True)
