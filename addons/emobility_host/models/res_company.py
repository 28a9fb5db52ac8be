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
