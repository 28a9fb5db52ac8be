from __future__ import annotations

from datetime import UTC
from typing import Any

from odoo import models
from odoo.exceptions import ValidationError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.const import CURRENCY_MINOR_UNITS
from odoo.addons.payment_stripe import const
from odoo.addons.payment_stripe.controllers.main import StripeController
from odoo.addons.queue_job.exception import RetryableJobError

# What Stripe says of a hold is final when the transaction is in one of these states, or is a capture or a release.
SETTLED = ("authorized", "done", "cancel")
FINAL_STATUSES = ("succeeded", "canceled")
ASK_AGAIN_SECONDS = 600


class PaymentTransaction(models.Model):
    """Hold an amount, capture what was used of it, release the rest.

    Odoo's own Stripe addon captures all that is held, whatever amount is asked for. Here each capture and each
    release is a child transaction of the hold. Whatever Stripe answers, or does not answer, it is asked what it really
    did before anything is done again: an intent is captured once.
    """

    _inherit = "payment.transaction"

    # Asking Stripe

    def _stripe_prepare_payment_intent_payload(self) -> dict[str, Any]:
        payload = super()._stripe_prepare_payment_intent_payload()
        if self.provider_id.stripe_increase_holds and payload["capture_method"] == "manual":
            payload["payment_method_options[card][request_incremental_authorization]"] = "if_available"
        return payload

    def _send_capture_request(self) -> None:
        if self.provider_code != "stripe":
            super()._send_capture_request()
            return
        # A webhook that comes meanwhile waits: it must not book the same capture.
        self.source_transaction_id.lock_for_update()
        intent = self._stripe_do(
            "capture", "succeeded", {"amount_to_capture": self._stripe_minor(self.amount)}
        )
        self._stripe_process_intent(intent)

    def _send_void_request(self) -> None:
        if self.provider_code != "stripe":
            super()._send_void_request()
            return
        source = self.source_transaction_id
        source.lock_for_update()
        if source._stripe_captures().filtered(lambda child: child.state == "done"):
            # Stripe released the rest when it captured: there is nothing left to cancel.
            self.provider_reference = source.provider_reference
            self._set_canceled()
            return
        self._stripe_process_intent(self._stripe_do("cancel", "canceled", {}))

    def _stripe_do(self, action: str, wanted: str, data: dict[str, Any]) -> dict[str, Any]:
        """Capture or cancel the intent of the hold; when that fails, look whether it was done nevertheless (F61).

        :raises ValidationError: when it was not done
        """
        endpoint = f"payment_intents/{self.source_transaction_id.provider_reference}"
        try:
            return self._send_api_request(
                "POST",
                f"{endpoint}/{action}",
                data=data,
                idempotency_key=payment_utils.generate_idempotency_key(self, scope=action),
            )
        except ValidationError:
            intent = self._send_api_request("GET", endpoint)
            if intent["status"] != wanted:
                raise
            return intent

    def _emobility_increase_hold(self, amount: float) -> bool:
        if self.provider_code != "stripe":
            return super()._emobility_increase_hold(amount)
        if self.state != "authorized" or not self.provider_id.stripe_increase_holds:
            return False
        endpoint = f"payment_intents/{self.provider_reference}"
        wanted = self._stripe_minor(amount)
        try:
            try:
                intent = self._send_api_request(
                    "POST",
                    f"{endpoint}/increment_authorization",
                    data={"amount": wanted},
                    idempotency_key=payment_utils.generate_idempotency_key(self, scope=f"hold-{wanted}"),
                )
            except ValidationError:
                intent = self._send_api_request("GET", endpoint)
        except ValidationError:
            return False
        if intent["status"] != "requires_capture" or intent["amount"] != wanted:
            return False
        self.amount = amount
        return True

    def _emobility_ask_provider(self) -> None:  # pylint: disable=missing-return
        """Book what Stripe did, though its answer was lost (F61): charged, still at work, or refused for a reason.

        :raises RetryableJobError: when Stripe cannot be asked now: until then nothing else may be done
        """
        if self.provider_code == "stripe" and self.operation == "refund":
            self._stripe_learn_refund()
        elif self.provider_code == "stripe" and self.state in ("draft", "pending", "error"):
            try:
                intent = self._stripe_find_intent()
            except ValidationError as error:
                raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
            if not intent and self.emobility_unanswered_since:
                self._set_error(self.env._("The charge never reached Stripe."))
            elif intent and self._stripe_is_news(intent):
                # It was not over when its answer was lost: it is processed as if the answer came now.
                self.state = "pending"
                self._stripe_process_intent(intent)
        super()._emobility_ask_provider()

    def _stripe_learn_refund(self) -> None:
        """Payment and amount of a refund whose answer was lost are known: it is the one that no other of ours is."""
        if not self.emobility_unanswered_since:
            return
        try:
            answer = self._send_api_request(
                "GET",
                "refunds",
                params={"payment_intent": self.source_transaction_id.provider_reference, "limit": 100},
            )
        except ValidationError as error:
            raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
        known = self.source_transaction_id.child_transaction_ids.mapped("provider_reference")
        wanted = self._stripe_minor(-self.amount)
        for refund in answer["data"]:
            if refund["id"] not in known and refund["amount"] == wanted:
                data: dict[str, Any] = {"reference": self.reference}
                StripeController._include_refund_in_payment_data(refund, data)
                self._process("stripe", data)
                return
        self._set_error(self.env._("The refund never reached Stripe."))

    def _stripe_find_intent(self) -> dict[str, Any] | None:
        """The intent of this transaction; of one whose answer was lost the reference alone is known."""
        if self.provider_reference:
            return self._send_api_request("GET", f"payment_intents/{self.provider_reference}")
        if not self.token_id:
            return None
        since = int(self.create_date.replace(tzinfo=UTC).timestamp()) - 60
        answer = self._send_api_request(
            "GET",
            "payment_intents",
            params={"customer": self.token_id.provider_ref, "created[gte]": since, "limit": 100},
        )
        return next((intent for intent in answer["data"] if intent["description"] == self.reference), None)

    def _stripe_is_news(self, intent: dict[str, Any]) -> bool:
        """Whether it says more than is known. An intent that waits for the customer says nothing yet."""
        if intent["status"] in const.STATUS_MAPPING["draft"]:
            return False
        reason = (intent.get("last_payment_error") or {}).get("message")
        return (
            bool(self.emobility_unanswered_since)
            or intent["status"] not in const.STATUS_MAPPING["error"]
            or bool(reason and reason not in (self.state_message or ""))
        )

    def _emobility_card(self) -> str:
        if self.provider_code != "stripe" or not self.provider_reference:
            return super()._emobility_card()
        try:
            intent = self._send_api_request(
                "GET", f"payment_intents/{self.provider_reference}", params={"expand[]": "latest_charge"}
            )
        except ValidationError:
            # A customer who waits is not sent away because Stripe does not answer at this moment.
            return ""
        details = (intent.get("latest_charge") or {}).get("payment_method_details") or {}
        card = details.get("card") or details.get("card_present") or {}
        return str(card.get("fingerprint") or "")

    # What Stripe says

    def _stripe_process_intent(self, intent: dict[str, Any]) -> None:
        data: dict[str, Any] = {"reference": self.reference}
        StripeController._include_payment_intent_in_payment_data(intent, data)
        self._process("stripe", data)

    def _extract_amount_data(self, payment_data: dict[str, Any]) -> dict[str, Any] | None:
        """Of a capture the amount received counts: the amount of the intent stays what was held."""
        intent = payment_data.get("payment_intent")
        if self.provider_code != "stripe" or self.operation == "refund" or not intent:
            return super()._extract_amount_data(payment_data)
        if not self._stripe_is_part_of_hold():
            # What is held was compared when it was held; later it may be more than an event of before says.
            return None if self.state in SETTLED else super()._extract_amount_data(payment_data)
        if intent["status"] != "succeeded":
            return None
        return {
            "amount": self._stripe_major(intent.get("amount_received", 0)),
            "currency_code": intent.get("currency", "").upper(),
            "precision_digits": CURRENCY_MINOR_UNITS.get(self.currency_id.name, self.currency_id.decimal_places),
        }

    def _apply_updates(self, payment_data: dict[str, Any]) -> None:
        intent = payment_data.get("payment_intent")
        is_hold = intent and self.operation != "refund" and not self._stripe_is_part_of_hold()
        if self.provider_code != "stripe" or not is_hold:
            super()._apply_updates(payment_data)
        elif self.state in SETTLED and intent["status"] not in FINAL_STATUSES:
            # An event that comes after a later one: what it says is over.
            return
        elif intent["status"] == "succeeded" and intent.get("capture_method") == "manual":
            self._stripe_book_capture(payment_data)
        else:
            super()._apply_updates(payment_data)

    def _stripe_book_capture(self, payment_data: dict[str, Any]) -> None:
        """The hold was captured: by us, though the answer got lost, or by a person at Stripe. Book it once."""
        self.lock_for_update()
        intent = payment_data["payment_intent"]
        amount = self._stripe_major(intent["amount_received"])
        captures = self._stripe_captures()
        if captures.filtered(lambda child: child.state == "done"):
            return
        if self.state in ("draft", "pending"):
            self.provider_reference = intent["id"]
            self._set_authorized()
        waiting = captures.filtered(
            lambda child: child.state in ("draft", "pending", "error")
            and self.currency_id.compare_amounts(child.amount, amount) == 0
        )
        capture = waiting[:1] or self._create_child_transaction(amount)
        capture._stripe_process_intent(intent)
        rest = self.currency_id.round(self.amount - amount)
        if capture.state == "done" and not self.currency_id.is_zero(rest):
            self._create_child_transaction(rest)._send_void_request()

    def _stripe_is_part_of_hold(self) -> bool:
        """Whether this is a capture or a release, and not the hold itself."""
        return bool(self.source_transaction_id) and self.operation != "refund"

    def _stripe_captures(self) -> PaymentTransaction:
        return self.child_transaction_ids.filtered(lambda child: child.operation != "refund")

    # Amounts

    def _stripe_minor(self, amount: float) -> int:
        return payment_utils.to_minor_currency_units(
            amount, self.currency_id, arbitrary_decimal_number=const.CURRENCY_DECIMALS.get(self.currency_id.name)
        )

    def _stripe_major(self, amount: int) -> float:
        return payment_utils.to_major_currency_units(
            amount, self.currency_id, arbitrary_decimal_number=const.CURRENCY_DECIMALS.get(self.currency_id.name)
        )
