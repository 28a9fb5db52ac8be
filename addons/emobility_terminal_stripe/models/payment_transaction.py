from __future__ import annotations

from typing import Any

from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _stripe_prepare_payment_intent_payload(self) -> dict[str, Any]:
        """The card is shown at a reader, and not typed into a page."""
        payload = super()._stripe_prepare_payment_intent_payload()
        if not self.adhoc_id.terminal_id.stripe_reader:
            return payload
        payload = {name: value for name, value in payload.items() if not name.startswith("payment_method_options")}
        payload["payment_method_types[]"] = "card_present"
        if self.provider_id.stripe_increase_holds:
            payload["payment_method_options[card_present][request_incremental_authorization_support]"] = "true"
        return payload
