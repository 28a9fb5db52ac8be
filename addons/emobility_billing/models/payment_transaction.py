from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _emobility_charge_now(self) -> None:
        """Job: ask the provider to charge the stored payment method, and book the result.

        A transaction that was answered is never charged again; a provider that fails leaves its reason on the
        transaction and in the chatter of the invoice, for a person to decide: retries breach scheme rules.
        """
        self.ensure_one()
        if self.state == "draft":
            self._charge_with_token()
        if self.state == "done" and not self.is_post_processed:
            self._post_process()
        elif self.state in ("error", "cancel"):
            for invoice in self.invoice_ids:
                invoice.message_post(
                    body=self.env._(
                        "The stored payment method was not charged: %(reason)s",
                        reason=self.state_message or self.state,
                    )
                )

    def _emobility_ask_provider(self) -> None:
        """Ask the provider what became of this transaction, before another one is made in its place.

        A connector whose provider can be asked extends this and processes the answer.
        """
        self.ensure_one()
        if self.state == "done" and not self.is_post_processed:
            self._post_process()

    def _emobility_increase_hold(self, amount: float) -> bool:
        """Ask the provider to hold this amount instead of the one of the transaction; say whether it does.

        A provider that can extends this, and writes the new amount on the transaction.
        """
        self.ensure_one()
        return False

    def _emobility_card(self) -> str:
        """What tells the card that pays again, at this provider; nothing when the provider does not tell."""
        self.ensure_one()
        return ""
