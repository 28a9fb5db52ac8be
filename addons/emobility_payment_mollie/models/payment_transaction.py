from __future__ import annotations

from typing import Any

from odoo import models
from odoo.exceptions import ValidationError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.queue_job.exception import RetryableJobError

ASK_AGAIN_SECONDS = 600
# As many payments as Mollie lists at once, the newest first.
PAGE = 250


class PaymentTransaction(models.Model):
    """Cards that are stored with a first payment and charged later without the customer (Mollie: recurring payments).

    Odoo's own Mollie addon sends customers to a page each time. The first payment of somebody who wants to store the
    card makes a customer and a mandate at Mollie; later payments name both. A charge whose answer got lost is looked up
    among the payments of the customer, by our reference.
    """

    _inherit = "payment.transaction"

    # Storing

    def _mollie_prepare_payment_request_payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = super()._mollie_prepare_payment_request_payload()
        payload["metadata"] = {"reference": self.reference}
        if self.tokenize:
            payload |= {"sequenceType": "first", "customerId": self._mollie_customer()}
        return payload

    def _mollie_customer(self) -> str:
        """The customer at Mollie of who pays: the known one, else a new one."""
        known = self.env["payment.token"].search(
            [("provider_id", "=", self.provider_id.id), ("partner_id", "=", self.partner_id.id)], limit=1
        )
        if known:
            return str(known.provider_ref)
        data = {"name": self.partner_name, "metadata": {"partner": self.partner_id.id}}
        if self.partner_email:
            data["email"] = self.partner_email
        return str(self._send_api_request("POST", "/customers", json=data)["id"])

    def _extract_token_values(self, payment_data: dict[str, Any]) -> dict[str, Any]:
        if self.provider_code != "mollie":
            return super()._extract_token_values(payment_data)
        if not payment_data.get("mandateId"):
            return {}
        details = payment_data.get("details") or {}
        return {
            "provider_ref": payment_data["customerId"],
            "mollie_mandate": payment_data["mandateId"],
            "payment_details": details.get("cardNumber"),
        }

    # Charging

    def _send_payment_request(self) -> None:
        if self.provider_code != "mollie":
            super()._send_payment_request()
            return
        payload = self._mollie_prepare_payment_request_payload()
        # Nobody is there to choose or to be sent back.
        for name in ("method", "locale", "redirectUrl"):
            payload.pop(name)
        payload |= {
            "sequenceType": "recurring",
            "customerId": self.token_id.provider_ref,
            "mandateId": self.token_id.mollie_mandate,
        }
        key = payment_utils.generate_idempotency_key(self, scope="recurring")
        self._mollie_book(self._send_api_request("POST", "/payments", json=payload, idempotency_key=key))

    def _mollie_book(self, payment: dict[str, Any]) -> None:
        self.provider_reference = payment["id"]
        self._process("mollie", payment)

    # Asking

    def _emobility_ask_provider(self) -> None:  # pylint: disable=missing-return
        """Book what Mollie did, though its answer was lost (F61).

        :raises RetryableJobError: when Mollie cannot be asked now: until then nothing else may be done
        """
        if self.provider_code == "mollie" and self._emobility_is_charge() and self.state in ("pending", "error"):
            try:
                payment = self._mollie_find_payment()
            except ValidationError as error:
                raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
            if payment and (self.state == "pending" or payment["status"] == "paid"):
                self._mollie_book(payment)
            elif not payment and self.emobility_unanswered_since:
                self._set_error(self.env._("The charge never reached Mollie."))
        super()._emobility_ask_provider()

    def _mollie_find_payment(self) -> dict[str, Any] | None:
        """The payment of this transaction; of one whose answer was lost the reference alone is known."""
        if self.provider_reference:
            found: dict[str, Any] = self._send_api_request("GET", f"/payments/{self.provider_reference}")
            return found
        answer = self._send_api_request(
            "GET", f"/customers/{self.token_id.provider_ref}/payments", params={"limit": PAGE}
        )
        return next(
            (
                payment
                for payment in answer["_embedded"]["payments"]
                if (payment.get("metadata") or {}).get("reference") == self.reference
            ),
            None,
        )

    # What Mollie says

    def _apply_updates(self, payment_data: dict[str, Any]) -> None:  # pylint: disable=missing-return
        """Why a charge failed decides whether it is tried again: Odoo keeps only that it did."""
        reason = None
        if self.provider_code == "mollie" and payment_data.get("status") == "failed":
            reason = (payment_data.get("details") or {}).get("failureReason")
        transaction = self.with_context(emobility_failure=reason) if reason else self
        super(PaymentTransaction, transaction)._apply_updates(payment_data)

    def _set_canceled(self, state_message: str | None = None, *args: Any, **kwargs: Any) -> Any:
        reason = self.env.context.get("emobility_failure")
        message = f"{state_message} ({reason})" if reason else state_message
        return super()._set_canceled(message, *args, **kwargs)
