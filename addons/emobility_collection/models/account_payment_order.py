from odoo import models


class AccountPaymentOrder(models.Model):
    _inherit = "account.payment.order"

    def draft2open(self) -> None:
        """Know all dates before the debits are grouped: which one is the first depends on the others."""
        for line in self.payment_line_ids:
            line.write(line._prepare_write_draft2open())
        return super().draft2open()
