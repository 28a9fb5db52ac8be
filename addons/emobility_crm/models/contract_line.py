from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import fields, models


class ContractLine(models.Model):
    _inherit = "contract.line"

    is_base_fee = fields.Boolean(
        copy=False, help="The base fee of a charging plan: in a period that is not full only its days are invoiced."
    )

    def _prepare_invoice_line(self) -> dict:
        """A part of a period has a part of the price: a part of the quantity would be rounded."""
        values = super()._prepare_invoice_line()
        if self.is_base_fee and values:
            first, last, _invoice_date = self._get_period_to_invoice(
                self.last_date_invoiced, self.recurring_next_date
            )
            if first and last:
                values["price_unit"] *= self._share_of_period(first, last)
        return values

    def _share_of_period(self, first: date, last: date) -> float:
        """Which part of a full period of calendar months these days are; both are in the same period."""
        self.ensure_one()
        start = first.replace(day=1)
        end = start + relativedelta(months=self.recurring_interval)
        return ((last - first).days + 1) / (end - start).days
