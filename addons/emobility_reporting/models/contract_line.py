from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from odoo import fields, models


class ContractLine(models.Model):
    _inherit = "contract.line"

    def _emobility_periods(self, until: date) -> Iterator[tuple[date, date, float]]:
        """Periods that are not invoiced and begin by a day: first and last day, and what they cost."""
        self.ensure_one()
        first, last, _invoice_date = self._get_period_to_invoice(self.last_date_invoiced, self.recurring_next_date)
        while first and last and first <= until:
            yield first, last, self.price_subtotal * (self._share_of_period(first, last) if self.is_base_fee else 1.0)
            first = fields.Date.add(last, days=1)
            last = self.get_next_period_date_end(
                first, self.recurring_rule_type, self.recurring_interval, max_date_end=self.date_end
            )
