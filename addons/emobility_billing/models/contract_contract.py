from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from ..jobs import enqueue


class ContractContract(models.Model):
    _inherit = "contract.contract"

    payment_token_id = fields.Many2one(
        "payment.token",
        "Stored payment method",
        index="btree_not_null",
        check_company=True,
        domain="[('partner_id.commercial_partner_id', '=', commercial_partner_id)]",
        help="Invoices of charging sessions are charged to it as soon as they are posted.",
    )
    emobility_session_ids = fields.One2many("emobility.session", "contract_id", "Charging sessions")
    emobility_session_count = fields.Integer(compute="_compute_emobility_session_count")
    emobility_open_rating_count = fields.Integer(compute="_compute_emobility_session_count")
    amount_to_invoice = fields.Monetary(
        "Not Invoiced Yet",
        compute="_compute_amount_owed",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )
    amount_owed = fields.Monetary(
        "Not Paid Yet",
        compute="_compute_amount_owed",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
        help="What is not invoiced yet, and what is not paid of its invoices.",
    )
    plan_without_price = fields.Boolean(
        compute="_compute_plan_without_price",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
        help="No price rule can give sessions of this contract a price: they would be held.",
    )

    @api.depends("emobility_session_ids")
    def _compute_emobility_session_count(self) -> None:
        sessions = dict(
            self.env["emobility.session"]._read_group(
                [("contract_id", "in", self.ids)], ["contract_id"], ["__count"]
            )
        )
        ratings = dict(
            self.env["emobility.rating"]._read_group(
                [("contract_id", "in", self.ids), ("state", "=", "open")], ["contract_id"], ["__count"]
            )
        )
        for contract in self:
            contract.emobility_session_count = sessions.get(contract, 0)
            contract.emobility_open_rating_count = ratings.get(contract, 0)

    def action_redeem_coupon(self) -> dict[str, Any]:
        """Return the dialogue that asks for a coupon code."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Redeem a Coupon"),
            "res_model": "emobility.discount.redeem",
            "view_mode": "form",
            "target": "new",
            "context": {"default_contract_id": self.id},
        }

    def action_view_sessions(self) -> dict[str, Any]:
        """Charging sessions of these contracts."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("contract_id", "in", self.ids)], self.env._("Charging sessions")
        )

    def action_view_open_ratings(self) -> dict[str, Any]:
        """What of these contracts waits to be invoiced."""
        return self.env["emobility.session"]._window(
            "emobility.rating",
            [("contract_id", "in", self.ids), ("state", "=", "open")],
            self.env._("To invoice"),
        )

    # What a contract owes: it triggers an invoice, and it may suspend the contract

    def _compute_amount_owed(self) -> None:
        ratings = self.env["emobility.rating"].sudo()
        moves = self.env["account.move"].sudo()
        open_ratings = ratings._read_group(
            self._open_rating_domain(), ["contract_id", "currency_id"], ["amount_total:sum"]
        )
        # Credit notes have the other sign in `amount_residual_signed`, which is in the company's currency.
        unpaid = moves._read_group(
            [
                ("emobility_contract_id", "in", self.ids),
                ("state", "=", "posted"),
                ("payment_state", "in", ["not_paid", "partial"]),
            ],
            ["emobility_contract_id", "company_currency_id"],
            ["amount_residual_signed:sum"],
        )
        self.amount_to_invoice = self.amount_owed = 0.0
        for contract, currency, amount in open_ratings:
            contract.amount_to_invoice += contract._in_own_currency(amount, currency)
        for contract in self:
            contract.amount_owed = contract.amount_to_invoice
        for contract, currency, amount in unpaid:
            contract.amount_owed += contract._in_own_currency(amount, currency)

    def _in_own_currency(self, amount: float, currency: Any) -> float:
        today = fields.Date.context_today(self)
        return currency._convert(amount, self.currency_id, self.company_id, today)

    def _open_rating_domain(self) -> list[Any]:
        return [
            ("contract_id", "in", self.ids),
            ("relation", "=", "retail"),
            ("state", "=", "open"),
            ("move_id", "=", False),
        ]

    def _after_new_rating(self) -> None:
        """A session was priced: an invoice may be due, and the credit may be used up."""
        self.invalidate_recordset(["amount_to_invoice", "amount_owed"])
        for contract in self.sudo():
            if contract.billing_trigger == "threshold":
                contract._bill_at_threshold()
            if (
                contract.credit_limit
                and contract.charging_state == "active"
                and contract.amount_owed > contract.credit_limit
            ):
                contract._suspend(
                    "credit_limit",
                    self.env._(
                        "%(owed)s are not paid yet, the credit limit is %(limit)s.",
                        owed=contract.currency_id.format(contract.amount_owed),
                        limit=contract.currency_id.format(contract.credit_limit),
                    ),
                )

    def _bill_at_threshold(self) -> None:
        self.ensure_one()
        if self.amount_to_invoice < self.billing_threshold:
            return
        ratings = self.env["emobility.rating"].sudo().search(self._open_rating_domain())
        enqueue(
            ratings,
            f"emobility.contract.threshold:{self.id}",
            self.env._("Invoice %(contract)s at its threshold", contract=self.display_name),
        )._invoice_now()

    @api.model
    def _cron_check_limits(self) -> None:
        """Lift what no longer holds: credit limits that were paid, monthly limits of last month."""
        paid = self.search(
            [("charging_state", "=", "suspended"), ("suspension_reason", "=", "credit_limit")]
        ).filtered(lambda contract: not contract.credit_limit or contract.amount_owed <= contract.credit_limit)
        paid._resume_from("credit_limit")
        today = fields.Date.context_today(self)
        blocked = self.env["emobility.token"].search([("state", "=", "blocked"), ("block_reason", "=", "limit")])
        blocked.filtered(lambda token: not token._is_above_limit(today))._unblock_from("limit")
