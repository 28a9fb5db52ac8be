from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_debit_method_id = fields.Many2one(
        "account.payment.method.line",
        "Direct debit",
        domain="[('company_id', '=', id), ('payment_method_id.code', '=', 'sepa_direct_debit')]",
        help="How invoices of contracts with a mandate are collected.",
    )
    emobility_prenotification_days = fields.Integer(
        "Pre-notification (days)",
        default=14,
        help="An invoice is collected this many days after its date at the earliest, and never before it is due. "
        "14 days are the rule of the SEPA scheme; fewer have to be agreed with the customer.",
    )
    emobility_debit_lead_days = fields.Integer(
        "Lead time of the bank (days)",
        default=2,
        help="How many days before the collection the file is made.",
    )
    emobility_return_fee = fields.Monetary(
        "Fee of a returned debit", default=0.0, help="0: no fee. It is invoiced where the reason says so."
    )
    emobility_retry_max = fields.Integer(
        "Attempts per payment method",
        default=4,
        help="How often a stored card may be charged without success within the period. Card schemes fine more.",
    )
    emobility_retry_days = fields.Integer("Period of attempts (days)", default=30)
    emobility_retry_pause_days = fields.Integer(
        "First pause (days)", default=1, help="Before the second attempt. It doubles with each further one."
    )
    emobility_wallet_account_id = fields.Many2one(
        "account.account",
        "Prepaid balances",
        domain="[('account_type', '=', 'liability_current'), ('reconcile', '=', False)]",
        check_company=True,
        help="Liability account of what customers have paid in advance.",
    )
    emobility_wallet_journal_id = fields.Many2one(
        "account.journal",
        "Journal of prepaid balances",
        domain="[('type', '=', 'general')]",
        check_company=True,
    )

    _emobility_collection_days_positive = models.Constraint(
        "CHECK (emobility_prenotification_days >= 0 AND emobility_debit_lead_days >= 0 AND emobility_return_fee >= 0"
        " AND emobility_retry_max > 0 AND emobility_retry_days > 0 AND emobility_retry_pause_days > 0)",
        "Fees and periods of collection cannot be negative, and at least one attempt must be allowed.",
    )

    def _emobility_set_up_debit(self) -> None:
        """Make the payment method by which debits are collected into the company's bank account."""
        for company in self.filtered(lambda one: not one.emobility_debit_method_id):
            journal = self.env["account.journal"].search(
                [("type", "=", "bank"), ("company_id", "=", company.id), ("bank_account_id", "!=", False)], limit=1
            )
            if not journal:
                raise UserError(
                    self.env._("Give a bank journal of %s the number of its account first.", company.display_name)
                )
            company.emobility_debit_method_id = self.env["account.payment.method.line"].create(
                {
                    "name": self.env._("Direct debit"),
                    "journal_id": journal.id,
                    "company_id": company.id,
                    "payment_method_id": self.env.ref("account_payment_sepa_direct_debit.sepa_direct_debit").id,
                    "selectable": True,
                    # Without it a collection would be no journal entry that a return could reverse.
                    "payment_account_id": self.env["account.payment"]
                    .with_company(company)
                    .new({"company_id": company.id})
                    ._get_outstanding_account("inbound")
                    .id,
                }
            )

    def _emobility_set_up_wallets(self) -> None:
        """Make the liability account and the journal of prepaid balances."""
        for company in self:
            if not company.emobility_wallet_account_id:
                accounts = self.env["account.account"].with_company(company)
                company.emobility_wallet_account_id = accounts.create(
                    {
                        "name": self.env._("Prepaid charging balances"),
                        "code": accounts._search_new_account_code("234000"),
                        "account_type": "liability_current",
                        "company_ids": [fields.Command.set(company.ids)],
                    }
                )
            if not company.emobility_wallet_journal_id:
                company.emobility_wallet_journal_id = self.env["account.journal"].create(
                    {
                        "name": self.env._("Prepaid balances"),
                        "code": "WALL",
                        "type": "general",
                        "company_id": company.id,
                    }
                )

    def _emobility_set_up_dunning(self) -> None:
        """Give the company the policy that ships with the product, for its receivables."""
        policy = self.env.ref("emobility_collection.policy_charging")
        for company in self:
            policy.sudo().account_ids |= self.env["account.account"].search(
                [("account_type", "=", "asset_receivable"), ("company_ids", "in", company.ids)]
            )
            company.credit_policy_id = policy

    def _emobility_set_up_references(self) -> None:
        """Invoices carry a creditor reference (ISO 11649), which banks pass on unchanged."""
        journals = self.env["account.journal"].search([("type", "=", "sale"), ("company_id", "in", self.ids)])
        journals.write({"invoice_reference_type": "invoice", "invoice_reference_model": "euro"})

    def _emobility_creditor_identifier(self) -> Any:
        self.ensure_one()
        return self.emobility_debit_method_id.sepa_creditor_identifier or self.sepa_creditor_identifier
