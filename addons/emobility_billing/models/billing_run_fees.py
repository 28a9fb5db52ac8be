from __future__ import annotations

from typing import Any

from odoo import models

from .invoicing_fees import PERIODIC


class EmobilityBillingRun(models.Model):
    _inherit = "emobility.billing.run"

    def _snapshot(self) -> None:
        """Contracts with nothing but fees get a line too."""
        super()._snapshot()
        if self.late_only or not self.company_id.emobility_fees_with_usage:
            return
        lines = self.env["emobility.billing.run.line"].sudo()._as_system()
        billed = self.line_ids._contracts()
        contracts = self.env["contract.contract"].sudo().search(self._fee_domain()) - billed
        values = {}
        for contract in contracts:
            if not contract._due_fees(self.date_to):
                continue
            payer = contract.invoice_partner_id or contract.partner_id
            single = not payer.emobility_one_invoice
            values[contract if single else payer] = {
                "run_id": self.id,
                "contract_id": single and contract.id,
                "partner_id": payer.id,
                "rated_currency_id": contract.currency_id.id,
            }
        lines.create(list(values.values()))

    def _fee_domain(self) -> list[Any]:
        domain: list[Any] = [
            ("company_id", "=", self.company_id.id),
            ("is_charging", "=", True),
            ("generation_type", "=", "invoice"),
            ("recurring_next_date", "<=", self.date_to),
            ("billing_trigger", "in", [self.billing_trigger] if self.billing_trigger else PERIODIC),
        ]
        if self.customer_group_id:
            domain.append(("invoice_partner_id.customer_group_id", "=", self.customer_group_id.id))
        if self.payer_ids:
            domain.append(("invoice_partner_id", "in", self.payer_ids.ids))
        return domain
