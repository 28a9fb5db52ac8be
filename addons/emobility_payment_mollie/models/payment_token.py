from odoo import fields, models


class PaymentToken(models.Model):
    _inherit = "payment.token"

    mollie_mandate = fields.Char(readonly=True, help="The ID of the mandate that the customer gave at Mollie.")
