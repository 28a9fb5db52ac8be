from __future__ import annotations

import logging
from typing import Any

from requests.exceptions import HTTPError, RequestException

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError, ValidationError

from odoo.addons.queue_job.exception import RetryableJobError

from ..jobs import enqueue

_logger = logging.getLogger(__name__)

BY_TOKEN = ("offline", "online_token")


def answer_is_lost(error: Exception) -> bool:
    """Whether a request may have been obeyed in spite of this error: no answer came, or one that says nothing."""
    cause = error if isinstance(error, RequestException) else error.__context__
    if isinstance(cause, HTTPError):
        return cause.response.status_code >= 500
    return isinstance(cause, RequestException)


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    emobility_unanswered_since = fields.Datetime(
        "Outcome unknown since",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The provider was asked to charge or to refund, and its answer got lost: money may have moved.",
    )

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

    # Lost answers

    def _send_api_request(self, method: str, endpoint: str, **kwargs: Any) -> Any:
        """A charge or refund whose answer does not come may have been made: that is no refusal (F61)."""
        try:
            return super()._send_api_request(method, endpoint, **kwargs)
        except (ValidationError, RequestException) as error:
            moves_money = self._emobility_is_charge() or self.operation == "refund"
            if method == "POST" and moves_money and answer_is_lost(error):
                self.emobility_unanswered_since = self.emobility_unanswered_since or fields.Datetime.now()
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(self.env._("The answer of the payment provider got lost.")) from error

    def _emobility_is_charge(self) -> bool:
        """Whether this takes money from a stored payment method."""
        return self.operation in BY_TOKEN and not self.source_transaction_id

    def _update_state(self, allowed_states: Any, target_state: str, state_message: Any) -> Any:
        changed = super()._update_state(allowed_states, target_state, state_message)
        if target_state not in ("draft", "pending"):
            changed.filtered("emobility_unanswered_since").emobility_unanswered_since = False
        return changed

    def _set_error(self, state_message: str, *args: Any, **kwargs: Any) -> Any:
        unknown = self.filtered(lambda tx: tx.state == "draft" and tx.emobility_unanswered_since)
        unknown._emobility_await_answer(state_message)
        return super(PaymentTransaction, self - unknown)._set_error(state_message, *args, **kwargs)

    def _emobility_await_answer(self, message: str) -> None:
        """Until somebody knows more it counts as on its way: no other one is begun."""
        self._set_pending(state_message=message)

    @api.model
    def _cron_ask_providers(self) -> None:
        """Queue a question for each charge and refund whose outcome is not known."""
        for transaction in self.search(
            [("emobility_unanswered_since", "!=", False), ("provider_id.state", "!=", "disabled")]
        ):
            enqueue(
                transaction,
                f"emobility.transaction.ask:{transaction.id}",
                self.env._("Ask what became of %s", transaction.reference),
            )._emobility_ask_again()

    def _emobility_ask_again(self) -> None:
        """Job: learn what became of it. While the provider cannot be asked, the cron is the retry."""
        try:
            self._emobility_learn_outcome()
        except RetryableJobError as error:
            _logger.info("The outcome of %s is still unknown: %s", self.reference, error)

    def _emobility_learn_outcome(self) -> None:
        """Ask the provider, and do what follows from its answer.

        :raises RetryableJobError: when it cannot be asked now
        """
        self.ensure_one()
        try:
            self.lock_for_update()
        except LockError:
            raise RetryableJobError("The charge is being processed at this moment.", seconds=60) from None
        self.invalidate_recordset()
        if self.emobility_unanswered_since:
            self._emobility_ask_provider()
            self._emobility_charge_now()

    def action_emobility_ask(self) -> None:
        """Ask the provider now."""
        for transaction in self._emobility_unanswered():
            try:
                transaction._emobility_learn_outcome()
            except RetryableJobError as error:
                raise UserError(str(error)) from None

    def action_emobility_was_made(self) -> None:
        """A person saw the charge or refund at the provider."""
        for transaction in self._emobility_unanswered():
            transaction._set_done(state_message=self.env._("%s saw it at the provider.", self.env.user.name))
            transaction._emobility_charge_now()

    def action_emobility_was_not_made(self) -> None:
        """A person did not find it at the provider. Should it be reported later, it is still booked."""
        for transaction in self._emobility_unanswered():
            transaction._set_error(self.env._("%s did not find it at the provider.", self.env.user.name))
            transaction._emobility_charge_now()

    def _emobility_unanswered(self) -> Any:
        self.check_access("write")
        if self.filtered(lambda tx: not tx.emobility_unanswered_since):
            raise UserError(self.env._("The outcome of this payment is known."))
        return self.sudo()
