from __future__ import annotations

from typing import Any

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_self_billing_journal_id = fields.Many2one(
        "account.journal",
        "Journal of self-billed credit notes",
        domain="[('type', '=', 'purchase'), ('is_self_billing', '=', True)]",
        check_company=True,
        help="Each host has a number range of its own in it. Empty: it is made when it is needed.",
    )

    emobility_passed_on_tax_id = fields.Many2one(
        "account.tax",
        "Tax of reimbursed electricity",
        domain="[('type_tax_use', '=', 'sale'), ('amount', '=', 0)]",
        check_company=True,
        help="For what employers pay of charging at home and their people get back. Empty: it is made when needed.",
    )
    emobility_accrued_cost_account_id = fields.Many2one(
        "account.account",
        "Owed to hosts",
        domain="[('account_type', '=', 'liability_current')]",
        check_company=True,
        help="What hosts earned but have no credit note for at the end of a month.",
    )

    def _emobility_self_billing_journal(self) -> Any:
        """The journal; made at first use, so that a company need not prepare anything."""
        self.ensure_one()
        journals = self.env["account.journal"].sudo().with_company(self)
        if not self.emobility_self_billing_journal_id:
            self.sudo().emobility_self_billing_journal_id = journals.create(
                {
                    "name": self.env._("Self-billing of hosts"),
                    "code": "HOST",
                    "type": "purchase",
                    "is_self_billing": True,
                    "company_id": self.id,
                }
            )
        return self.emobility_self_billing_journal_id

    def _emobility_passed_on_tax(self) -> Any:
        """The tax that says "outside the scope"; made at first use, so that a company need not prepare anything."""
        self.ensure_one()
        if not self.emobility_passed_on_tax_id:
            self.sudo().emobility_passed_on_tax_id = (
                self.env["account.tax"]
                .sudo()
                .with_company(self)
                .create(
                    {
                        "name": self.env._("Not taxable: reimbursed electricity"),
                        "amount": 0.0,
                        "type_tax_use": "sale",
                        "company_id": self.id,
                        "country_id": self.account_fiscal_country_id.id,
                        "invoice_label": self.env._("not taxable"),
                        "invoice_legal_notes": self.env._(
                            "Reimbursed electricity is passed on and no part of what is taxed."
                        ),
                        # Category O stands alone on an invoice (BR-O-11), and ours has taxed lines beside it.
                        "ubl_cii_tax_category_code": "E",
                    }
                )
            )
        return self.emobility_passed_on_tax_id
