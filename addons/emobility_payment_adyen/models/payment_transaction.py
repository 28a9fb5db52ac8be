from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import fields, models
from odoo.exceptions import ValidationError

from odoo.addons.emobility_billing.models.payment_transaction import answer_is_lost
from odoo.addons.queue_job.exception import RetryableJobError

# Adyen keeps an idempotency key for seven days at least. After that the same request would be a new charge.
KEY_IS_KEPT = timedelta(days=6)
ASK_AGAIN_SECONDS = 600
UNPROCESSABLE = 422
# "Request already processed or in progress": says that the first one arrived, not how it ended.
IN_PROGRESS = "704"


class PaymentTransaction(models.Model):
    """Learn what became of a charge whose answer got lost.

    Adyen has no request that looks a payment up. It answers a request that comes again with the idempotency key of the
    first one as it answered the first one, and obeys it if the first one never arrived: the same request is the
    question. The key is made of the reference, so it is the same for all requests of this transaction.
    """

    _inherit = "payment.transaction"

    def _emobility_ask_provider(self) -> None:  # pylint: disable=missing-return
        """Ask again with the key of the first request (F61).

        :raises RetryableJobError: when Adyen cannot be asked now: until then nothing else may be done
        """
        if self.provider_code == "adyen" and self.state == "pending" and self._adyen_can_be_asked():
            try:
                self._send_payment_request()
            except ValidationError as error:
                if not _is_refused_request(error):
                    raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
                self._set_error(str(error))
        super()._emobility_ask_provider()

    def _adyen_can_be_asked(self) -> bool:
        """Whether the same request is still the same charge. Later only a person can look it up at Adyen."""
        since = self.emobility_unanswered_since
        return self._emobility_is_charge() and bool(since) and fields.Datetime.now() - since < KEY_IS_KEPT

    # What Adyen says

    def _apply_updates(self, payment_data: dict[str, Any]) -> None:  # pylint: disable=missing-return
        """Why a charge was refused decides whether it is tried again: Odoo keeps only that it was."""
        reason = payment_data.get("refusalReason") if self.provider_code == "adyen" else None
        transaction = self.with_context(emobility_refusal=reason) if reason else self
        super(PaymentTransaction, transaction)._apply_updates(payment_data)

    def _set_error(self, state_message: str, *args: Any, **kwargs: Any) -> Any:
        reason = self.env.context.get("emobility_refusal")
        message = f"{state_message} ({reason})" if reason else state_message
        return super()._set_error(message, *args, **kwargs)


def _is_refused_request(error: ValidationError) -> bool:
    """Whether Adyen will not have this request at all: then the first one was not obeyed either."""
    if answer_is_lost(error):
        return False
    response = getattr(error.__context__, "response", None)
    if response is None or response.status_code != UNPROCESSABLE:
        return False
    return response.json().get("errorCode") != IN_PROGRESS
