from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from ..jobs import enqueue

CHARGED_STATES = ("pending", "authorized", "done")


class AccountMove(models.Model):
    _inherit = "account.move"

    emobility_contract_id = fields.Many2one(
        "contract.contract",
        "Charging contract",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
    )
    emobility_billing_line_id = fields.Many2one(
        "emobility.billing.run.line",
        "Billing run line",
        index="btree_not_null",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    rating_ids = fields.One2many("emobility.rating", "move_id", "Ratings", readonly=True)
    session_count = fields.Integer(compute="_compute_session_count")

    @api.depends("rating_ids")
    def _compute_session_count(self) -> None:
        counts = dict(
            self.env["emobility.rating"]
            .sudo()
            ._read_group([("move_id", "in", self.ids)], ["move_id"], ["session_id:count_distinct"])
        )
        for move in self:
            move.session_count = counts.get(move, 0)

    # Life of the link to the ratings

    def unlink(self) -> bool:
        """A draft that is deleted gives its ratings back to the next billing run."""
        self._emobility_release_ratings()
        return super().unlink()

    def button_cancel(self) -> Any:
        result = super().button_cancel()
        self._emobility_release_ratings()
        return result

    def _emobility_release_ratings(self) -> None:
        ratings = self.sudo().rating_ids._as_system()
        if not ratings:
            return
        # A rating that was taken back stays taken back: its credit must not be left without counterpart.
        ratings.filtered(lambda rating: rating.state == "invoiced").write(
            {"state": "open", "billing_line_id": False}
        )
        ratings.write({"move_id": False})
        ratings.line_ids.write({"move_line_id": False})

    # Posting and collecting

    def _queue_post_and_collect(self) -> None:
        for move in self:
            move._emobility_delay(
                "post", self.env._("Post and collect charging invoice")
            )._emobility_post_and_collect()

    def _emobility_delay(self, step: str, description: str) -> Any:
        """Each side effect is a job of its own: when one fails, the others are neither lost nor repeated."""
        self.ensure_one()
        return enqueue(
            self, f"emobility.move.{step}:{self.id}", f"{description} {self.name or ''}".strip()
        )

    def _emobility_post_together(self) -> None:
        """Post these new invoices of a billing run in one go, then send and charge them by jobs.

        A journal gives its numbers to one transaction at a time, so this is the last thing that a transaction does.
        """
        if not self:
            return
        self.action_post()
        for move in self:
            move._emobility_settle_with_corrected_invoice()
        # Odoo tracks nothing of a record in the transaction that makes it, and this belongs into its trail.
        self._message_log_batch(
            {
                move.id: self.env._(
                    "Draft → Posted as %(invoice)s by %(run)s",
                    invoice=move.name,
                    run=move.emobility_billing_line_id.run_id.name,
                )
                for move in self
            }
        )
        enqueue(
            self,
            f"emobility.move.collect_chunk:{self[:1].id}",
            self.env._("Send and charge %s charging invoices", len(self)),
        )._emobility_queue_collect()

    def _emobility_post_and_collect(self) -> None:
        """Job: post the invoice, then send it and charge the stored payment method, in a job each."""
        for move in self:
            if move.state == "draft":
                move.action_post()
            if move.state != "posted":
                continue
            move._emobility_settle_with_corrected_invoice()
            move._emobility_queue_collect()

    def _emobility_queue_collect(self) -> None:
        """Job: send each invoice and charge the stored payment method, in a job each."""
        for move in self.filtered(lambda move: move.state == "posted"):
            move._emobility_delay("send", self.env._("Send charging invoice"))._emobility_send()
            if move.move_type == "out_invoice":
                move._emobility_delay("charge", self.env._("Charge charging invoice"))._emobility_charge()

    def _emobility_settle_with_corrected_invoice(self) -> None:
        """A credit note first reduces what is still open of the invoice that it corrects."""
        original = self.reversed_entry_id
        if self.move_type != "out_refund" or original.state != "posted" or not original.amount_residual:
            return
        lines = (self | original).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        )
        for account in lines.account_id:
            lines.filtered(lambda line, account=account: line.account_id == account).reconcile()

    def _emobility_send(self) -> None:
        """Job: mail the invoice with its PDF to the payer, once."""
        self.ensure_one()
        if self.state != "posted" or self.is_move_sent:
            return
        if not self.partner_id.email:
            self.message_post(
                body=self.env._(
                    "The invoice was not mailed: %s has no email address.", self.partner_id.display_name
                )
            )
            return
        self.env["account.move.send"]._generate_and_send_invoices(self, sending_methods=["email"])

    def _emobility_charge(self) -> None:
        """Job: prepare the charge of what is open on the invoice to the contract's stored payment method.

        The transaction is committed before the next job calls the provider, so that a crash between the two
        repeats the call with the same reference and never makes a second transaction.
        """
        self.ensure_one()
        token = self._emobility_stored_token()
        transactions = self.sudo().transaction_ids
        if self.state != "posted" or not token or self.currency_id.is_zero(self.amount_residual):
            return
        if transactions.filtered(lambda tx: tx.state in CHARGED_STATES):
            return
        transaction = transactions.filtered(lambda tx: tx.state == "draft" and tx.operation == "offline")[:1]
        if not transaction:
            transaction = self._emobility_create_transaction(token)
        if transaction:
            enqueue(
                transaction,
                f"emobility.transaction.charge:{transaction.id}",
                self.env._("Charge %s", self.name),
            )._emobility_charge_now()

    def _emobility_stored_token(self) -> Any:
        """The stored payment method that pays this invoice without being asked."""
        return self.emobility_contract_id.sudo().payment_token_id

    def _emobility_create_transaction(self, token: Any) -> Any:
        problem = self._emobility_token_problem(token)
        if problem:
            self.message_post(body=problem)
            return self.env["payment.transaction"]
        transactions = self.env["payment.transaction"].sudo().with_company(self.company_id)
        return transactions.create(
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "reference": transactions._compute_reference(token.provider_id.code, prefix=self.name),
                "amount": self.amount_residual,
                "currency_id": self.currency_id.id,
                "partner_id": self.partner_id.id,
                "token_id": token.id,
                "operation": "offline",
                "invoice_ids": [fields.Command.set(self.ids)],
            }
        )

    def _emobility_token_problem(self, token: Any) -> str | None:
        """Money goes to the account of the company that invoices, from a token of the payer."""
        if token.company_id != self.company_id:
            return self.env._("Not charged: the stored payment method belongs to another company.")
        if not token.active:
            return self.env._("Not charged: the stored payment method has been archived.")
        if not token.provider_id.support_tokenization:
            return self.env._(
                "Not charged: %s cannot charge stored payment methods. The payer can pay in the portal.",
                token.provider_id.display_name,
            )
        contract = self.emobility_contract_id
        payers = (self.partner_id | contract.partner_id | contract.invoice_partner_id).commercial_partner_id
        if token.partner_id.commercial_partner_id not in payers:
            return self.env._("Not charged: the stored payment method belongs to somebody else.")
        return None

    # Buttons

    def action_view_sessions(self) -> dict[str, Any]:
        """Charging sessions on these invoices."""
        return self.env["emobility.session"]._window(
            "emobility.session",
            [("id", "in", self.rating_ids.session_id.ids)],
            self.env._("Charging sessions"),
        )

    def action_view_ratings(self) -> dict[str, Any]:
        """Ratings on these invoices: what the lines are made of."""
        return self.env["emobility.session"]._window(
            "emobility.rating", [("move_id", "in", self.ids)], self.env._("Ratings")
        )
