from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError, ValidationError

from odoo.addons.queue_job.exception import RetryableJobError

from .account_move import OPEN

_logger = logging.getLogger(__name__)


class EmobilityWallet(models.Model):
    """What a payer has paid in advance. The ledger is in the books: the balance is the sum of a liability account."""

    _name = "emobility.wallet"
    _description = "Prepaid balance"
    _inherit = ["emobility.guarded", "mail.thread"]
    _rec_name = "partner_id"
    _check_company_auto = True
    _guard_editable = frozenset({"minimum", "reload_below", "reload_amount", "reload_daily_max", "payment_token_id"})

    partner_id = fields.Many2one("res.partner", "Payer", required=True, readonly=True, index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    line_ids = fields.One2many("account.move.line", "emobility_wallet_id", "Ledger", readonly=True)
    transaction_ids = fields.One2many("payment.transaction", "emobility_wallet_id", "Payments", readonly=True)
    balance = fields.Monetary(compute="_compute_balance")
    available = fields.Monetary(
        compute="_compute_balance", help="The balance without what was used and is not paid from it yet."
    )
    minimum = fields.Monetary(
        "Charging stops below", tracking=True, help="The cards are blocked when less than this is available."
    )
    reload_below = fields.Monetary("Reload below", tracking=True)
    reload_amount = fields.Monetary("Reload by", tracking=True, help="0: the balance is never reloaded by itself.")
    reload_daily_max = fields.Integer(
        "Reloads a day", default=2, tracking=True, help="A faulty session cannot empty an account."
    )
    payment_token_id = fields.Many2one(
        "payment.token",
        "Reload from",
        check_company=True,
        tracking=True,
        index="btree_not_null",
        domain="[('partner_id.commercial_partner_id', '=', partner_id), ('company_id', '=', company_id)]",
    )
    reload_problem = fields.Char(readonly=True, copy=False, tracking=True)
    closing = fields.Boolean(
        "To be paid out", readonly=True, copy=False, help="The contract has ended: what is left goes back."
    )
    payout_move_id = fields.Many2one("account.move", "Paid out by", readonly=True, copy=False)

    _payer_uniq = models.UniqueIndex(
        "(partner_id, company_id, currency_id)", "This payer has a balance in this currency already."
    )
    _amounts_not_negative = models.Constraint(
        "CHECK (minimum >= 0 AND reload_below >= 0 AND reload_amount >= 0 AND reload_daily_max >= 0)",
        "The amounts of a balance cannot be negative.",
    )

    @api.constrains("payment_token_id", "partner_id")
    def _check_token(self) -> None:
        for wallet in self.filtered("payment_token_id"):
            if wallet.payment_token_id.partner_id.commercial_partner_id != wallet.partner_id.commercial_partner_id:
                raise ValidationError(self.env._("The stored payment method belongs to somebody else."))

    def _compute_balance(self) -> None:
        sums = dict(
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                [("emobility_wallet_id", "in", self.ids), ("parent_state", "=", "posted")],
                ["emobility_wallet_id"],
                ["amount_currency:sum"],
            )
        )
        for wallet in self:
            wallet.balance = wallet.currency_id.round(-sums.get(wallet, 0.0))
            wallet.available = wallet.currency_id.round(wallet.balance - wallet._used())

    # What is used

    def _contracts(self) -> Any:
        """Prepaid contracts of the payer."""
        return (
            self.env["contract.contract"]
            .sudo()
            .search([("is_prepaid", "=", True), ("company_id", "=", self.company_id.id), ("is_charging", "=", True)])
            .filtered(
                lambda one: (
                    one._payer().commercial_partner_id == self.partner_id and one.currency_id == self.currency_id
                )
            )
        )

    def _used(self) -> float:
        """What sound sessions cost and what is invoiced, as far as the balance has not paid it yet.

        A held session has no rating, and one that was held again later is left out: neither blocks a customer nor
        makes money move.
        """
        self.ensure_one()
        contracts = self._contracts()
        ratings = (
            self.env["emobility.rating"]
            .sudo()
            .search(
                [
                    ("contract_id", "in", contracts.ids),
                    ("relation", "=", "retail"),
                    ("state", "=", "open"),
                    ("move_id", "=", False),
                    ("currency_id", "=", self.currency_id.id),
                ]
            )
            .filtered(lambda rating: not rating.session_id.is_flagged)
        )
        moves = self._unpaid_moves(contracts)
        return sum(ratings.mapped("amount_total")) + sum(moves.mapped("amount_residual"))

    def _unpaid_moves(self, contracts: Any) -> Any:
        return (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("emobility_contract_id", "in", contracts.ids),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                    ("payment_state", "in", OPEN),
                    ("currency_id", "=", self.currency_id.id),
                ]
            )
        )

    def _suffices(self) -> bool:
        """Whether the cards may charge. Without a wallet there is no balance."""
        if not self:
            return False
        self.invalidate_recordset(["balance", "available"])
        return self.currency_id.compare_amounts(self.available, self.minimum) >= 0 and self.available > 0

    # Ledger

    @api.model
    def _of(self, contract: Any) -> Any:
        """The wallet of the payer of a contract, made when there is none yet."""
        company = contract.company_id
        if not company.emobility_wallet_account_id or not company.emobility_wallet_journal_id:
            raise UserError(self.env._("Set the account and the journal of prepaid balances in the settings first."))
        return contract._wallet() or self.sudo()._as_system().create(
            {
                "partner_id": contract._payer().commercial_partner_id.id,
                "company_id": company.id,
                "currency_id": contract.currency_id.id,
            }
        )

    def _lock(self) -> None:
        try:
            self.lock_for_update()
        except LockError:
            raise RetryableJobError("The balance is being changed at this moment.", seconds=30) from None
        self.invalidate_recordset(["balance", "available"])

    def _book(self, amount: float, label: str) -> Any:
        """A posted entry between the balance (plus: it grows) and the receivable of the payer."""
        self.ensure_one()
        company = self.company_id
        today = fields.Date.context_today(self)
        receivable = self.partner_id.with_company(company).property_account_receivable_id
        accounts = [(company.emobility_wallet_account_id, -amount), (receivable, amount)]
        entry = (
            self.env["account.move"]
            .sudo()
            .with_company(company)
            .create(
                {
                    "move_type": "entry",
                    "journal_id": company.emobility_wallet_journal_id.id,
                    "date": today,
                    "ref": label,
                    "line_ids": [
                        fields.Command.create(
                            {
                                "name": label,
                                "account_id": account.id,
                                "partner_id": self.partner_id.id,
                                "currency_id": self.currency_id.id,
                                "amount_currency": value,
                                "balance": self.currency_id._convert(value, company.currency_id, company, today),
                                "emobility_wallet_id": self.id if account != receivable else False,
                            }
                        )
                        for account, value in accounts
                    ],
                }
            )
        )
        entry._post()
        return entry

    def _top_up(self, transaction: Any) -> None:
        """Put what was paid on the balance, once."""
        self.ensure_one()
        if transaction.emobility_wallet_entry_id:
            return
        self._lock()
        entry = self._book(transaction.amount, self.env._("Top-up %s", transaction.reference))
        transaction.emobility_wallet_entry_id = entry
        transaction._emobility_settle(entry.line_ids)
        self._as_system().reload_problem = False
        self.invalidate_recordset(["balance", "available"])
        contracts = self._contracts()
        for move in self._unpaid_moves(contracts):
            self._pay(move)
        contracts._review_payment_block()

    @api.model
    def _pay(self, move: Any) -> None:
        """Pay an invoice of a prepaid contract, as far as the balance goes."""
        contract = move.emobility_contract_id.sudo()
        wallet = contract._wallet() if contract.is_prepaid else self.browse()
        if not wallet or wallet.currency_id != move.currency_id or move.currency_id.is_zero(move.amount_residual):
            return
        wallet._lock()
        amount = min(wallet.balance, move.amount_residual)
        if wallet.currency_id.compare_amounts(amount, 0) <= 0:
            return
        entry = wallet._book(-amount, self.env._("Payment of %s", move.name))
        (entry.line_ids | move.line_ids).filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        ).reconcile()
        wallet.invalidate_recordset(["balance", "available"])

    # Reload

    def _reload_if_low(self) -> None:
        """Charge the stored payment method when the available balance is low, within the limit of the day."""
        for wallet in self:
            if wallet.reload_amount and wallet.payment_token_id and not wallet.closing:
                wallet._lock()
                if wallet._is_to_be_reloaded() and wallet._knows_earlier_reloads() and wallet._is_to_be_reloaded():
                    wallet._reload()

    def _knows_earlier_reloads(self) -> bool:
        """Ask what became of charges that failed: an answer may have been lost (F61). Not while nobody can be asked."""
        failed = self.transaction_ids.filtered(lambda tx: tx.operation == "offline" and tx.state == "error")
        try:
            for transaction in failed:
                transaction._emobility_ask_provider()
        except RetryableJobError as error:
            _logger.info("Wallet %s is not reloaded now: %s", self.id, error)
            return False
        return True

    def _is_to_be_reloaded(self) -> bool:
        charges = self.transaction_ids.filtered(lambda tx: tx.operation == "offline")
        today = fields.Datetime.now() - timedelta(days=1)
        return (
            self.currency_id.compare_amounts(self.available, self.reload_below) < 0
            and not charges.filtered(lambda tx: tx.state in ("draft", "pending", "authorized"))
            and len(charges.filtered(lambda tx: tx.create_date > today)) < self.reload_daily_max
            and not self._reload_token_problem()
        )

    def _reload_token_problem(self) -> str | None:
        token = self.payment_token_id
        if not token.active or token.company_id != self.company_id:
            return self.env._("The stored payment method can no longer be charged.")
        failures = token._emobility_failures()
        if {"hard", "authentication"} & set(failures.mapped("emobility_decline")):
            return self.env._("The stored payment method was refused.")
        if len(failures) >= self.company_id.emobility_retry_max:
            return self.env._("Too many attempts failed.")
        return None

    def _reload(self) -> None:
        token = self.payment_token_id
        transactions = self.env["payment.transaction"].sudo().with_company(self.company_id)
        transaction = transactions.create(
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "reference": transactions._compute_reference(token.provider_id.code, prefix=f"W{self.id}"),
                "amount": self.reload_amount,
                "currency_id": self.currency_id.id,
                "partner_id": self.partner_id.id,
                "token_id": token.id,
                "operation": "offline",
                "emobility_wallet_id": self.id,
            }
        )
        transaction._emobility_queue_charge(self.env._("Reload %s", self.display_name))

    def _after_failed_reload(self, transaction: Any) -> None:
        self._as_system().reload_problem = transaction.state_message or self.env._("The charge failed.")
        self._contracts()._review_payment_block()

    # End

    def action_pay_out(self) -> None:
        """Give the balance back: to the payments that it came from, the rest by a bank transfer to be made."""
        self.check_access("write")
        for wallet in self.sudo()._as_system():
            wallet._lock()
            if wallet.currency_id.compare_amounts(wallet.balance, 0) <= 0:
                raise UserError(self.env._("There is nothing to pay out."))
            wallet._pay_out()

    def _pay_out(self) -> None:
        left = self.balance
        self.payout_move_id = self._book(-left, self.env._("Pay-out of the balance"))
        paid = self.transaction_ids.filtered(lambda tx: tx.operation != "refund" and tx.state == "done")
        for transaction in paid.sorted("id", reverse=True):
            amount = min(left, transaction._emobility_refundable_amount())
            if self.currency_id.compare_amounts(amount, 0) > 0:
                refund = transaction._emobility_give_back(amount, emobility_wallet_id=self.id)
                if refund.state not in ("error", "cancel"):
                    left = self.currency_id.round(left - amount)
        if self.currency_id.compare_amounts(left, 0) > 0:
            self._prepare_transfer(left)
        self.closing = False

    def _prepare_transfer(self, amount: float) -> None:
        """A draft payment, for a person to make by bank transfer."""
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company_id.id)], limit=1
        )
        self.env["account.payment"].with_company(self.company_id).create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.partner_id.id,
                "amount": amount,
                "currency_id": self.currency_id.id,
                "journal_id": journal.id,
                "memo": self.env._("Pay-out of the balance"),
            }
        )

    @api.model
    def _cron_review(self) -> None:
        """Reload what is low, and pay out what is left after the last invoice."""
        active = self._as_system().search(["|", ("closing", "=", True), ("reload_amount", ">", 0)])
        for wallet in active:
            contracts = wallet._contracts()
            if wallet.closing and not contracts.filtered(lambda one: one.charging_state != "terminated"):
                if wallet.currency_id.is_zero(wallet._used()) and wallet.balance > 0:
                    wallet._lock()
                    wallet._pay_out()
                continue
            wallet._reload_if_low()
        # A credit note or a session that was written off may leave enough.
        self.env["contract.contract"].search([("suspension_reason", "=", "wallet")])._review_payment_block()

    def action_view_ledger(self) -> dict[str, Any]:
        """Entries of these balances."""
        return self.env["emobility.session"]._window(
            "account.move.line", [("emobility_wallet_id", "in", self.ids)], self.env._("Ledger")
        )
