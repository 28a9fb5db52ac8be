from odoo import fields, models


class AccountPaymentLot(models.Model):
    _inherit = "account.payment.lot"

    sequence_type = fields.Selection(selection_add=[("FRST", "First")])
