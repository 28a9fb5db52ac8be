from __future__ import annotations

from datetime import date
from typing import Any

from odoo import fields, models

from .invoicing_fees import PERIODIC


class ContractContract(models.Model):
    _inherit = "contract.contract"

    def _has_fees_with_usage(self) -> bool:
        """Whether billing runs invoice the fees of this contract, and not the scheduled job of contracts."""
        self.ensure_one()
        return (
            self.is_charging and self.billing_trigger in PERIODIC and self.company_id.emobility_fees_with_usage
        )

    def _due_fees(self, day: date) -> Any:
        """Recurring lines to be invoiced by this day."""
        self.ensure_one()
        if self.generation_type != "invoice" or not self._has_fees_with_usage():
            return self.env["contract.line"]
        return self._get_lines_to_invoice(day)

    def _fees_by_contract(self, day: date) -> dict[Any, Any]:
        """The due lines of each of these contracts that has some."""
        return {contract: lines for contract in self if (lines := contract._due_fees(day))}

    def _get_contracts_to_invoice_domain(self, date_ref: Any = None) -> fields.Domain:
        """What billing runs invoice together with sessions is left to them."""
        domain = super()._get_contracts_to_invoice_domain(date_ref)
        joined = fields.Domain(
            [
                ("is_charging", "=", True),
                ("billing_trigger", "in", PERIODIC),
                ("company_id.emobility_fees_with_usage", "=", True),
            ]
        )
        return domain & ~joined
