from __future__ import annotations

from odoo import fields, models


class PaymentTransaction(models.Model):
    """A hold of a payment terminal provider: the CDR says what to capture, the end of the session that it is free."""

    _inherit = "payment.transaction"

    def _order_at_terminal(self, kind: str) -> None:
        super()._order_at_terminal(kind)
        order = self.terminal_order_ids.sudo()._as_system()
        if not order.terminal_id.connection_id:
            return
        if kind == "cancel":
            order._cancelled(self.env._("The provider was told that nothing is to be paid."))
        else:
            # Nobody fetches it: the provider has the CDR, and confirms.
            order.write({"state": "sent", "sent_at": fields.Datetime.now(), "sent_count": 1})
