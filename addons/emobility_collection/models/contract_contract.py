from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from .account_move import OPEN

# Suspensions that end by themselves when their cause is gone; those of people and other limits stay.
PAYMENT_BLOCKS = ("returned_debit", "dunning", "wallet")


class ContractContract(models.Model):
    _inherit = "contract.contract"

    mandate_id = fields.Many2one(
        "account.banking.mandate",
        "Direct debit mandate",
        check_company=True,
        index="btree_not_null",
        tracking=True,
        copy=False,
        domain="[('state', '=', 'valid'), ('company_id', '=', company_id)]",
        help="Invoices are collected with it, and not charged to the stored payment method.",
    )
    is_prepaid = fields.Boolean(
        "Prepaid", tracking=True, help="The cards can charge as long as the balance of the payer suffices."
    )
    wallet_balance = fields.Monetary(
        "Prepaid balance",
        compute="_compute_wallet_balance",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )
    suspension_reason = fields.Selection(
        selection_add=[("wallet", "Prepaid balance used up")], ondelete={"wallet": "set null"}
    )

    def _compute_wallet_balance(self) -> None:
        for contract in self:
            contract.wallet_balance = contract.sudo()._wallet().balance

    def _payer(self) -> Any:
        return self.invoice_partner_id or self.partner_id

    def _wallet(self) -> Any:
        """The wallet of the payer, in the currency of the contract; empty when there is none yet."""
        self.ensure_one()
        return self.env["emobility.wallet"].search(
            [
                ("partner_id", "=", self._payer().commercial_partner_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("company_id", "=", self.company_id.id),
            ],
            limit=1,
        )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Any:
        contracts = super().create(vals_list)
        contracts._open_wallets()
        return contracts

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if "is_prepaid" in vals:
            self._open_wallets()
            self._review_payment_block()
        elif vals.get("charging_state") == "active":
            # What a clerk resumes in spite of open invoices stays so; without a balance nobody can charge.
            self.filtered("is_prepaid")._review_payment_block()
        return result

    def _open_wallets(self) -> None:
        for contract in self.filtered("is_prepaid"):
            self.env["emobility.wallet"]._of(contract)

    def _after_new_rating(self) -> None:
        """A priced session may use up the balance; the balance may reload itself first."""
        result = super()._after_new_rating()
        prepaid = self.sudo().filtered("is_prepaid")
        for wallet in {contract._wallet() for contract in prepaid}:
            wallet._reload_if_low()
        prepaid._review_payment_block()
        return result

    # Blocked and unblocked by payments

    def _review_payment_block(self) -> None:
        """Suspend for what is not paid, and resume when it is. Does nothing the second time."""
        for contract in self.filtered(lambda one: one.is_charging and one.charging_state in ("active", "suspended")):
            present = contract.suspension_reason if contract.charging_state == "suspended" else False
            if present and present not in PAYMENT_BLOCKS:
                continue
            cause = contract._payment_block()
            if cause and cause != present:
                contract._suspend(cause)
            elif present and not cause:
                contract._resume_from(present)

    def _resume_from(self, reason: str) -> None:
        """Another cause may have come up meanwhile: a contract has only one reason at a time."""
        result = super()._resume_from(reason)
        self.filtered(lambda one: one.charging_state == "active")._review_payment_block()
        return result

    def _payment_block(self) -> str | None:
        self.ensure_one()
        unpaid = (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("emobility_contract_id", "=", self.id),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                    ("payment_state", "in", OPEN),
                ]
            )
            # Who keeps to an agreement can charge; who is with an agency cannot.
            .filtered(lambda move: move.emobility_agency_on or not move._dunning_blocked())
        )
        if any(unpaid.mapped("emobility_debit_returned")):
            return "returned_debit"
        reminders = unpaid.credit_control_line_ids.filtered(lambda line: line.state in ("queued", "sent"))
        if any(reminders.policy_level_id.mapped("blocks_contract")):
            return "dunning"
        if self.is_prepaid and not self._wallet()._suffices():
            return "wallet"
        return None

    def _invoice_payment_fee(self, product: Any, amount: float, origin: str) -> Any:
        """A posted invoice of a fee that a late payment causes. It is itself never reminded of."""
        self.ensure_one()
        here = self.with_context(lang=self._payer().lang or self.env.lang)
        move = (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self._payer().id,
                    "currency_id": self.company_id.currency_id.id,
                    "invoice_date": fields.Date.context_today(self),
                    "invoice_origin": origin,
                    "emobility_contract_id": self.id,
                    "emobility_brand_id": self.env["emobility.brand"]._brand_for(self.company_id, self).id,
                    "emobility_is_payment_fee": True,
                    "invoice_line_ids": [
                        fields.Command.create(
                            {
                                "product_id": product.id,
                                "name": f"{product.with_context(lang=here.env.lang).name}: {origin}",
                                "quantity": 1.0,
                                "price_unit": amount,
                                "tax_ids": [fields.Command.clear()],
                            }
                        )
                    ],
                }
            )
        )
        move._queue_post_and_collect()
        return move

    def _finish(self) -> None:
        """What is left of a balance goes back when the last invoice is settled."""
        result = super()._finish()
        for contract in self.filtered("is_prepaid"):
            contract.sudo()._wallet()._as_system().closing = True
        return result
