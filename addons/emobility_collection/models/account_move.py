from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import format_date

from odoo.addons.emobility_billing.jobs import enqueue
from odoo.addons.queue_job.exception import RetryableJobError

from .payment_transaction import UNSETTLED
from .return_item import next_presentation

OPEN = ("not_paid", "partial")


class AccountMove(models.Model):
    _inherit = "account.move"

    emobility_collection_on = fields.Date(
        "Collected on",
        compute="_compute_emobility_collection_on",
        help="The day of the direct debit: as announced, and not before the invoice is due.",
    )
    emobility_collection_state = fields.Selection(
        [
            ("retry", "Next attempt planned"),
            ("authentication", "Customer has to confirm"),
            ("unknown", "Outcome unknown"),
            ("refused", "Refused"),
            ("agency", "With a collection agency"),
        ],
        "Collection",
        readonly=True,
        copy=False,
        index="btree_not_null",
        tracking=True,
    )
    emobility_next_attempt_on = fields.Date("Next attempt on", readonly=True, copy=False, index="btree_not_null")
    emobility_debit_returned = fields.Boolean("Blocks the contract", readonly=True, copy=False)
    emobility_is_payment_fee = fields.Boolean("Fee of a late payment", readonly=True, copy=False)
    emobility_agency_on = fields.Date("With the agency since", readonly=True, copy=False)
    emobility_instalment_plan_id = fields.Many2one(
        "emobility.instalment.plan", "Instalment plan", readonly=True, copy=False, index="btree_not_null"
    )
    emobility_can_refund = fields.Boolean(compute="_compute_emobility_can_refund")

    # Which way the money comes

    @api.model
    def _get_invoice_in_payment_state(self) -> str:
        """Paid is paid, as in Odoo without accounting: the state of a debit is that of its order."""
        return "paid"

    def _post(self, soft: bool = True) -> Any:
        for move in self:
            if move.move_type == "out_invoice" and move.emobility_contract_id:
                move._emobility_choose_debit()
        return super()._post(soft)

    def _emobility_choose_debit(self) -> None:
        """An invoice of a contract with a mandate is collected by direct debit."""
        mandate = self.emobility_contract_id.sudo().mandate_id
        method = self.company_id.emobility_debit_method_id
        if method and mandate.state == "valid" and mandate.partner_id == self.commercial_partner_id:
            self.preferred_payment_method_line_id = method
            self.mandate_id = mandate

    @api.depends("mandate_id", "invoice_date", "invoice_date_due", "company_id.emobility_prenotification_days")
    def _compute_emobility_collection_on(self) -> None:
        for move in self:
            day = move.invoice_date
            if not move.mandate_id or not day or move.move_type != "out_invoice":
                move.emobility_collection_on = False
                continue
            announced = day + timedelta(days=move.company_id.emobility_prenotification_days)
            move.emobility_collection_on = max(announced, move.invoice_date_due or announced)

    def _emobility_prenotification(self) -> str:
        """What the invoice says about its direct debit, in the language of the environment."""
        self.ensure_one()
        return self.env._(
            "We collect %(amount)s by SEPA direct debit from account %(account)s on %(day)s. Our creditor "
            "identifier is %(creditor)s, the reference of your mandate is %(mandate)s.",
            amount=self.currency_id.format(self.amount_residual),
            account=self.sudo().mandate_id._masked_iban(),
            day=format_date(self.env, self.emobility_collection_on),
            creditor=self.company_id._emobility_creditor_identifier() or "",
            mandate=self.sudo().mandate_id.unique_mandate_reference,
        )

    # Direct debit

    def _emobility_debits(self) -> Any:
        """Lines of debit orders of these invoices that are not cancelled."""
        return self.sudo().line_ids.payment_line_ids.filtered(lambda line: line.order_id.state != "cancel")

    def _emobility_debit_is_due(self, day: Any) -> bool:
        """Whether the file of a day should hold this invoice."""
        self.ensure_one()
        waiting = self._emobility_debits().filtered(lambda line: line.order_id.state != "uploaded")
        return (
            self.state == "posted"
            and self.move_type == "out_invoice"
            and self.payment_state in OPEN
            and self.mandate_id.state == "valid"
            and self.currency_id.name == "EUR"
            and not waiting
            and self.emobility_collection_state in (False, "retry")
            and (not self._emobility_debits() or bool(self.emobility_next_attempt_on))
            and (self.emobility_next_attempt_on or self.emobility_collection_on)
            <= day + timedelta(days=self.company_id.emobility_debit_lead_days)
            and not self._dunning_blocked()
        )

    def action_emobility_collect(self) -> dict[str, Any]:
        """Make the debit orders of those of these invoices that are due, and show them."""
        orders = self._emobility_collect_by_debit(fields.Date.context_today(self))
        if not orders:
            raise UserError(
                self.env._("None of these invoices is due to be collected: a mandate, a due date and no debit yet.")
            )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_payment_batch_oca.account_payment_order_inbound_action"
        )
        return {**action, "domain": [("id", "in", orders.ids)]}

    def _emobility_collect_by_debit(self, day: Any) -> Any:
        """One order with its file per company. What cannot be collected is left out with a note."""
        orders = self.env["account.payment.order"].sudo()
        due = self.filtered(lambda move: move._emobility_debit_is_due(day))
        for company, moves in due.grouped("company_id").items():
            order = orders.with_company(company).create(
                {
                    "payment_method_line_id": company.emobility_debit_method_id.id,
                    "payment_type": "inbound",
                    "company_id": company.id,
                    "date_prefered": "due",
                }
            )
            for move in moves:
                move._emobility_add_to(order)
            if order.payment_line_ids:
                order.draft2open()
                order.open2generated()
                orders |= order
            else:
                order.unlink()
        return orders

    def _emobility_add_to(self, order: Any) -> None:
        self._emobility_lock()
        lines = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        )
        added = lines.sudo().create_payment_line_from_move_line(order)
        for line in added:
            line.write(line._prepare_write_draft2open())
        problems = {problem for line in added for problem in line._draft2open_payment_line_check()}
        if problems:
            added.unlink()
            self.message_post(body=self.env._("Not collected: %s", " ".join(sorted(problems))))
            return
        self.write({"emobility_next_attempt_on": False, "emobility_collection_state": False})

    @api.model
    def _cron_collect_by_debit(self) -> None:
        """Make the file of the day for each company. A person gives it to the bank."""
        today = fields.Date.context_today(self)
        candidates = self.search(
            [
                ("mandate_id.state", "=", "valid"),
                ("state", "=", "posted"),
                ("move_type", "=", "out_invoice"),
                ("payment_state", "in", OPEN),
                ("company_id.emobility_debit_method_id", "!=", False),
            ]
        )
        candidates._emobility_collect_by_debit(today)

    def _emobility_debit_returned(self, reason: Any, day: Any) -> None:
        """A debit of this invoice came back."""
        self.ensure_one()
        attempts = len(self._emobility_debits().filtered(lambda line: line.order_id.state == "uploaded"))
        again = next_presentation(attempts, reason, day)
        self.write(
            {
                "emobility_debit_returned": reason.blocks_contract,
                "emobility_next_attempt_on": again,
                "emobility_collection_state": "retry" if again else "refused",
            }
        )
        self.message_post(body=self.env._("The direct debit was returned: %(reason)s.", reason=reason.display_name))

    # Cards and other stored payment methods

    def _emobility_stored_token(self) -> Any:
        """None for a direct debit; else that of the contract, or of the provider that a rule prefers."""
        token = super()._emobility_stored_token()
        if self.mandate_id or not token:
            return token.browse()
        preferred = self.env["emobility.payment.rule"]._providers(
            self.company_id, self.partner_id, self.amount_residual, self.currency_id, token.payment_method_id
        ).filtered("support_tokenization")
        if not preferred or token.provider_id in preferred:
            return token
        others = token.search(
            [
                ("partner_id.commercial_partner_id", "=", token.partner_id.commercial_partner_id.id),
                ("provider_id", "in", preferred.ids),
                ("company_id", "=", self.company_id.id),
            ],
            limit=1,
        )
        return others or token

    def _emobility_lock(self) -> None:
        """One attempt at a time: another transaction is paying this invoice, or waits until we have."""
        try:
            self.lock_for_update()
        except LockError:
            raise RetryableJobError("The invoice is being paid at this moment.", seconds=60) from None
        self.invalidate_recordset(["payment_state", "amount_residual", "transaction_ids"])

    def _emobility_charge(self) -> None:
        """Job: the prepaid balance first, then the stored payment method; never twice at a time.

        An attempt that failed is asked after at the provider before another one is made: it may have succeeded.
        """
        self.ensure_one()
        self._emobility_lock()
        if self.state == "posted" and self.move_type == "out_invoice":
            self.env["emobility.wallet"].sudo()._pay(self)
        for transaction in self.sudo().transaction_ids.filtered(
            lambda tx: tx.state in ("pending", "error") and tx.operation == "offline"
        ):
            transaction._emobility_ask_provider()
        return super()._emobility_charge()

    def _emobility_token_problem(self, token: Any) -> str | None:
        return super()._emobility_token_problem(token) or token._emobility_attempt_problem(self)

    def _emobility_after_decline(self, transaction: Any) -> None:
        """What follows from a charge that failed depends on why it failed."""
        self.ensure_one()
        again = transaction.token_id._emobility_next_attempt(transaction)
        if transaction.emobility_decline == "authentication":
            self.write({"emobility_collection_state": "authentication", "emobility_next_attempt_on": False})
            enqueue(
                self, f"emobility.move.authentication:{self.id}", self.env._("Ask the payer to confirm %s", self.name)
            )._emobility_mail_payment_link()
        elif again:
            self.write({"emobility_collection_state": "retry", "emobility_next_attempt_on": again})
        else:
            self.write({"emobility_collection_state": "refused", "emobility_next_attempt_on": False})

    def _emobility_mail_payment_link(self) -> None:
        """Job: a link with which the payer confirms the payment at the provider, once."""
        self.ensure_one()
        if self.payment_state in OPEN and self.partner_id.email:
            self.env.ref("emobility_collection.mail_confirm_payment").send_mail(self.id, force_send=False)

    @api.model
    def _cron_next_attempts(self) -> None:
        """Queue the charges that are due again."""
        due = self.search(
            [
                ("emobility_collection_state", "=", "retry"),
                ("emobility_next_attempt_on", "<=", fields.Date.context_today(self)),
                ("mandate_id", "=", False),
                ("state", "=", "posted"),
                ("payment_state", "in", OPEN),
            ]
        )
        for move in due.filtered(lambda one: not one._dunning_blocked()):
            move._emobility_delay("charge", self.env._("Charge charging invoice"))._emobility_charge()

    # Refunds

    @api.depends(
        "move_type",
        "state",
        "payment_state",
        "reversed_entry_id.amount_residual",
        "reversed_entry_id.transaction_ids.state",
        "reversed_entry_id.transaction_ids.child_transaction_ids.state",
    )
    def _compute_emobility_can_refund(self) -> None:
        for move in self:
            paid = move.sudo().reversed_entry_id.transaction_ids
            move.emobility_can_refund = (
                move.move_type == "out_refund"
                and move.state == "posted"
                and (
                    bool(paid.filtered(lambda tx: tx._emobility_releasable_amount()))
                    or (
                        move._emobility_left_to_refund() > 0
                        and bool(paid.filtered(lambda tx: tx._emobility_refundable_amount()))
                    )
                )
            )

    def _emobility_left_to_refund(self) -> float:
        """What is open of a credit note and not on its way back: some providers say days later that they refunded."""
        self.ensure_one()
        if self.payment_state not in OPEN:
            return 0.0
        refunds = self.sudo().reversed_entry_id.transaction_ids.child_transaction_ids.filtered(
            lambda tx: (
                tx.operation == "refund"
                and tx.emobility_move_id == self
                and (tx.state in ("draft", *UNSETTLED) or (tx.state == "done" and not tx.is_post_processed))
            )
        )
        return max(self.currency_id.round(self.amount_residual + sum(refunds.mapped("amount"))), 0.0)

    def action_emobility_refund(self) -> None:
        """Pay credit notes back the way the money came: what was only reserved is released instead."""
        self.env["account.move"].check_access("write")
        for move in self:
            if not move.emobility_can_refund:
                raise UserError(self.env._("No payment of the invoice can be refunded."))
            move.sudo()._emobility_lock()
            paid = move.sudo().reversed_entry_id.transaction_ids
            paid.filtered(lambda tx: tx._emobility_releasable_amount())._emobility_release()
            left = move._emobility_left_to_refund()
            for transaction in paid:
                amount = min(left, transaction._emobility_refundable_amount())
                if move.currency_id.compare_amounts(amount, 0) > 0:
                    transaction._emobility_give_back(amount, emobility_move_id=move.id)
                    left = move.currency_id.round(left - amount)

    # Dunning

    def _emobility_awaits_debit(self) -> bool:
        """Whether the money is still to be collected by us: nobody is reminded of that."""
        self.ensure_one()
        is_collectable = self.mandate_id.state == "valid" and self.emobility_collection_state in (False, "retry")
        return is_collectable and (not self._emobility_debits() or bool(self.emobility_next_attempt_on))

    def _dunning_blocked(self) -> bool:
        """Whether this invoice is not to be reminded of or collected at present."""
        self.ensure_one()
        return (
            bool(self.emobility_agency_on)
            or self.emobility_collection_state == "unknown"
            or self.emobility_instalment_plan_id._is_kept()
            or self._has_open_dispute()
        )

    def _invoice_paid_hook(self) -> None:
        """A paid invoice ends what its being open has caused."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        waiting = invoices.filtered(
            lambda move: (
                move.emobility_debit_returned or move.emobility_collection_state or move.emobility_next_attempt_on
            )
        )
        waiting.write(
            {
                "emobility_debit_returned": False,
                "emobility_collection_state": False,
                "emobility_next_attempt_on": False,
            }
        )
        invoices.emobility_instalment_plan_id.sudo()._check()
        invoices.emobility_contract_id.sudo()._review_payment_block()
        return result
