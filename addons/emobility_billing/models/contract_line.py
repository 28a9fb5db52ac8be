from typing import Any

from odoo import models


class ContractLine(models.Model):
    _inherit = "contract.line"

    def _prepare_invoice_line(self) -> dict[str, Any]:
        """The invoice keeps the period: it is printed, and the revenue belongs to its days."""
        values = super()._prepare_invoice_line()
        first, last, _invoice_date = self._get_period_to_invoice(self.last_date_invoiced, self.recurring_next_date)
        if values and first and last:
            values |= {"emobility_period_from": first, "emobility_period_to": last}
        return values
