from __future__ import annotations

from odoo import fields, models

from .payment_provider import CODE


class PaymentTransaction(models.Model):
    """A hold at a terminal: captures and releases are orders to the terminal, and pending until it has answered."""

    _inherit = "payment.transaction"

    terminal_order_ids = fields.One2many("emobility.terminal.order", "transaction_id", "Terminal orders", readonly=True)

    def _send_capture_request(self) -> None:  # pylint: disable=missing-return
        if self.provider_code == CODE:
            self._order_at_terminal("capture")
        else:
            super()._send_capture_request()

    def _send_void_request(self) -> None:  # pylint: disable=missing-return
        if self.provider_code != CODE:
            super()._send_void_request()
        elif self.source_transaction_id._terminal_captures().filtered(lambda child: child.state == "done"):
            # The capture of a part released the rest: there is nothing left to cancel.
            self.provider_reference = self.source_transaction_id.provider_reference
            self._set_canceled()
        else:
            self._order_at_terminal("cancel")

    def _order_at_terminal(self, kind: str) -> None:
        orders = self.env["emobility.terminal.order"].sudo()._as_system()
        order = orders.create({"transaction_id": self.id, "kind": kind})
        self._set_pending()
        if order.terminal_id._settles_alone():
            order._known_to_terminal()

    def _terminal_captures(self) -> PaymentTransaction:
        return self.child_transaction_ids.filtered(lambda child: child.operation != "refund")
