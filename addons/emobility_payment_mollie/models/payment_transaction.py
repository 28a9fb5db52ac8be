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
    among the payments of the customer, by our reference, and a refund among those of the payment.
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

    # Giving back

    def _send_refund_request(self) -> None:
        if self.provider_code != "mollie":
            super()._send_refund_request()
            return
        amount = self._mollie_prepare_payment_request_payload()["amount"]
        payload = {
            "amount": amount | {"value": amount["value"].removeprefix("-")},
            "description": self.reference,
            "metadata": {"reference": self.reference},
        }
        key = payment_utils.generate_idempotency_key(self, scope="refund")
        endpoint = f"/payments/{self.source_transaction_id.provider_reference}/refunds"
        self._mollie_book(self._send_api_request("POST", endpoint, json=payload, idempotency_key=key))

    def _mollie_learn_refund(self) -> None:
        """Book what became of a refund that is on its way, or whose answer was lost.

        :raises RetryableJobError: when Mollie cannot be asked now
        """
        source = self.source_transaction_id
        try:
            answer = self._send_api_request(
                "GET", f"/payments/{source.provider_reference}/refunds", params={"limit": PAGE}
            )
        except ValidationError as error:
            raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
        refund = self._mollie_of_this(answer["_embedded"]["refunds"])
        if refund:
            self._mollie_book(refund)
        elif self.emobility_unanswered_since:
            self._set_error(self.env._("The refund never reached Mollie."))

    # Asking

    def _emobility_ask_provider(self) -> None:  # pylint: disable=missing-return
        """Book what Mollie did, though its answer was lost (F61).

        :raises RetryableJobError: when Mollie cannot be asked now: until then nothing else may be done
        """
        if self.provider_code == "mollie" and self.operation == "refund" and self.state == "pending":
            self._mollie_learn_refund()
        elif self.provider_code == "mollie" and self._emobility_is_charge() and self.state in ("pending", "error"):
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
        return self._mollie_of_this(answer["_embedded"]["payments"])

    def _mollie_of_this(self, told: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The payment or refund that has our reference."""
        return next((one for one in told if (one.get("metadata") or {}).get("reference") == self.reference), None)

    # What Mollie says

    def _apply_updates(self, payment_data: dict[str, Any]) -> None:  # pylint: disable=missing-return
        """Why a charge failed decides whether it is tried again: Odoo keeps only that it did. Mollie tells of a refund
        by the webhook of its payment."""
        if self.provider_code == "mollie" and self.operation == "refund":
            self._mollie_apply_refund(payment_data["status"])
            return
        reason = None
        if self.provider_code == "mollie" and payment_data.get("status") == "failed":
            reason = (payment_data.get("details") or {}).get("failureReason")
        transaction = self.with_context(emobility_failure=reason) if reason else self
        super(PaymentTransaction, transaction)._apply_updates(payment_data)
        if self.provider_code == "mollie":
            for refund in self.child_transaction_ids.filtered(lambda tx: tx.operation == "refund"):
                if refund.state in ("pending", "done") and refund.provider_reference:
                    refund._mollie_learn_refund()

    def _mollie_apply_refund(self, status: str) -> None:
        """A refund waits at Mollie for hours or days, and a bank may send it back afterwards (F63)."""
        if status == "refunded":
            self._set_done()
        elif status in ("queued", "pending", "processing"):
            self._set_pending()
        else:
            self._set_error(self.env._("Mollie says of the refund: %s.", status), extra_allowed_states=("done",))

    def _set_canceled(self, state_message: str | None = None, *args: Any, **kwargs: Any) -> Any:
        reason = self.env.context.get("emobility_failure")
        message = f"{state_message} ({reason})" if reason else state_message
        return super()._set_canceled(message, *args, **kwargs)
