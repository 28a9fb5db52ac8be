from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.emobility_billing.jobs import enqueue

from .decline_reason import KINDS

UNSETTLED = ("pending", "authorized")


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    emobility_move_id = fields.Many2one(
        "account.move", "Invoice charged or refunded", readonly=True, index="btree_not_null"
    )
    emobility_wallet_id = fields.Many2one("emobility.wallet", "Tops up", readonly=True, index="btree_not_null")
    emobility_wallet_entry_id = fields.Many2one("account.move", "Booked on the balance by", readonly=True)
    emobility_decline = fields.Selection(KINDS, "Declined", readonly=True)

    # Whatever goes wrong in our locks: the database keeps a second charge from being begun.
    _one_open_charge = models.UniqueIndex(
        "(emobility_move_id) WHERE emobility_move_id IS NOT NULL AND operation = 'offline'"
        " AND state IN ('draft', 'pending', 'authorized')",
        "This invoice is being charged already.",
    )
    _one_open_reload = models.UniqueIndex(
        "(emobility_wallet_id) WHERE emobility_wallet_id IS NOT NULL AND operation = 'offline'"
        " AND state IN ('draft', 'pending', 'authorized')",
        "This balance is being reloaded already.",
    )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Any:
        # The unique indexes look at what is in the database: states of others must have been written.
        self.flush_model(["state"])
        transactions = super().create(vals_list)
        for transaction in transactions.filtered(lambda tx: tx.invoice_ids and not tx.source_transaction_id):
            transaction._emobility_check_invoices()
            if transaction.operation == "offline" and len(transaction.invoice_ids) == 1:
                transaction.emobility_move_id = transaction.invoice_ids
        return transactions

    def _emobility_check_invoices(self) -> None:
        """Money goes to the company that invoices, and an invoice is not paid while it is being paid."""
        for invoice in self.invoice_ids:
            if self.provider_id.company_id not in invoice.company_id.parent_ids:
                raise ValidationError(
                    self.env._(
                        "%(provider)s does not collect for %(company)s.",
                        provider=self.provider_id.display_name,
                        company=invoice.company_id.display_name,
                    )
                )
            if invoice.emobility_contract_id and (invoice.transaction_ids - self).filtered(
                lambda tx: tx.state in UNSETTLED or (tx.state == "done" and not tx.is_post_processed)
            ):
                raise ValidationError(self.env._("A payment of %s is on its way already.", invoice.name))

    def _emobility_await_answer(self, message: str) -> None:  # pylint: disable=missing-return
        """Who looks for what was not collected finds it."""
        super()._emobility_await_answer(message)
        self.emobility_move_id.emobility_collection_state = "unknown"
        self.emobility_wallet_id._as_system().reload_problem = self.env._(
            "The provider did not answer: nobody knows yet whether the charge was made."
        )

    # Declines

    def _set_error(self, *args: Any, **kwargs: Any) -> Any:
        changed = super()._set_error(*args, **kwargs)
        changed._emobility_declined()
        changed._emobility_refund_failed()
        return changed

    def _set_canceled(self, *args: Any, **kwargs: Any) -> Any:
        changed = super()._set_canceled(*args, **kwargs)
        changed._emobility_declined()
        return changed

    def _emobility_declined(self) -> None:
        reasons = self.env["emobility.decline.reason"]
        for transaction in self.filtered(lambda tx: tx.operation == "offline" and not tx.source_transaction_id):
            transaction.emobility_decline = reasons._kind_of(transaction.state_message)
            if transaction.emobility_move_id:
                transaction.emobility_move_id._emobility_after_decline(transaction)
            if transaction.emobility_wallet_id:
                transaction.emobility_wallet_id._after_failed_reload(transaction)

    # Refunds

    def _emobility_refundable_amount(self) -> float:
        """What was paid and is not refunded yet."""
        self.ensure_one()
        if self.state != "done" or self.operation == "refund" or self.provider_id.support_refund == "none":
            return 0.0
        refunds = self._emobility_children().filtered(lambda tx: tx.operation == "refund")
        if self.provider_id.support_refund == "full_only" and refunds:
            return 0.0
        return self.currency_id.round(self.amount + sum(refunds.mapped("amount")))

    def _emobility_releasable_amount(self) -> float:
        """What is reserved beyond that which is open on the invoices."""
        self.ensure_one()
        if self.state != "authorized":
            return 0.0
        reserved = self.amount - sum(self._emobility_children().mapped("amount"))
        return max(self.currency_id.round(reserved - sum(self.invoice_ids.mapped("amount_residual"))), 0.0)

    def _emobility_children(self) -> Any:
        """Refunds, captures and releases that did not fail. A release ends as cancelled."""
        return self.child_transaction_ids.filtered(lambda tx: tx.state != "error")

    def _emobility_give_back(self, amount: float, **purpose: Any) -> Any:
        """Refund a payment.

        :param purpose: the credit note or the wallet that the money is for
        """
        self.ensure_one()
        refund = self._refund(amount_to_refund=amount)
        refund.write(purpose)
        if refund.state == "done" and not refund.is_post_processed:
            refund._post_process()
        return refund

    def _emobility_release(self) -> None:
        """Void what is reserved too much: what was never taken cannot be refunded."""
        for transaction in self:
            amount = transaction._emobility_releasable_amount()
            is_part = transaction.currency_id.compare_amounts(amount, transaction.amount) < 0
            if is_part and transaction.provider_id.support_manual_capture != "partial":
                raise UserError(self.env._("The reservation can only be released as a whole: capture it first."))
            transaction._void(amount_to_void=amount)

    def _emobility_refund_failed(self) -> None:
        """A bank may send a refund back days after it was made (F63): the payer did not get it, so it is owed again."""
        for refund in self.filtered(lambda tx: tx.operation == "refund" and tx.payment_id):
            payment = refund.payment_id
            payment.move_id.line_ids.remove_move_reconcile()
            payment.action_draft()
            payment.action_cancel()
            for document in (refund.emobility_move_id, refund.emobility_wallet_id):
                if document:
                    document.message_post(
                        body=self.env._(
                            "The refund %(reference)s did not reach the payer: %(reason)s",
                            reference=refund.reference,
                            reason=refund.state_message or "",
                        )
                    )

    def _post_process(self) -> None:
        result = super()._post_process()
        for transaction in self.filtered(lambda tx: tx.state == "done" and tx.payment_id):
            if transaction.operation == "refund" and transaction.emobility_move_id:
                transaction._emobility_settle(transaction.emobility_move_id.line_ids)
            if transaction.operation == "refund" and transaction.emobility_wallet_id:
                transaction._emobility_settle(transaction.emobility_wallet_id.payout_move_id.line_ids)
            elif transaction.emobility_wallet_id:
                transaction.emobility_wallet_id._top_up(transaction)
        return result

    def _emobility_settle(self, lines: Any) -> None:
        """Reconcile the payment of this transaction with what it pays."""
        account = self.payment_id.destination_account_id
        (self.payment_id.move_id.line_ids | lines).filtered(
            lambda line: line.account_id == account and not line.reconciled
        ).reconcile()

    def _emobility_charge_now(self) -> None:
        result = super()._emobility_charge_now()
        if self.state == "done" and self.emobility_move_id.payment_state == "paid":
            self.emobility_move_id.emobility_collection_state = False
        return result

    def _emobility_queue_charge(self, description: str) -> None:
        enqueue(self, f"emobility.transaction.charge:{self.id}", description)._emobility_charge_now()


class PaymentToken(models.Model):
    _inherit = "payment.token"

    def _emobility_failures(self) -> Any:
        """Charges of this payment method without success in the period that the schemes count."""
        self.ensure_one()
        since = fields.Datetime.now() - timedelta(days=self.company_id.emobility_retry_days)
        return (
            self.env["payment.transaction"]
            .sudo()
            .search(
                [
                    ("token_id", "=", self.id),
                    ("operation", "=", "offline"),
                    ("emobility_decline", "!=", False),
                    ("create_date", ">=", since),
                ]
            )
        )

    def _emobility_attempt_problem(self, move: Any) -> str | None:
        """Why this payment method is not charged for an invoice now."""
        failures = self._emobility_failures()
        if move.emobility_collection_state == "authentication":
            return self.env._("Not charged: the payer has to confirm the payment.")
        if "hard" in failures.mapped("emobility_decline"):
            return self.env._("Not charged: the stored payment method was refused for good.")
        if len(failures) >= self.company_id.emobility_retry_max:
            return self.env._(
                "Not charged: %(count)s attempts failed within %(days)s days, more would break scheme rules.",
                count=len(failures),
                days=self.company_id.emobility_retry_days,
            )
        return None

    def _emobility_next_attempt(self, transaction: Any) -> Any:
        """The day of the next attempt after a decline, or False. The pauses double."""
        failures = len(self._emobility_failures())
        if transaction.emobility_decline != "soft" or failures >= self.company_id.emobility_retry_max:
            return False
        pause = self.company_id.emobility_retry_pause_days * 2 ** (max(failures, 1) - 1)
        return fields.Date.context_today(self) + timedelta(days=pause)
