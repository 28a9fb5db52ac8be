from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from odoo import api, fields, models

from .accrual import Share


class EmobilityAccrual(models.Model):
    """Fees are earned day by day: what is invoiced for days after the month is deferred, and the other way round."""

    _inherit = "emobility.accrual"

    def _amounts(self) -> Iterator[tuple[Share, float, int]]:
        yield from super()._amounts()
        yield from self._invoiced_fees()
        yield from self._due_fees()

    def _invoiced_fees(self) -> Iterator[tuple[Share, float, int]]:
        """Lines of invoices and credit notes for a period that does not end with the month in which they are booked."""
        last = self._month_end()
        lines = self.env["account.move.line"].sudo()
        issued = fields.Domain("parent_state", "=", "posted") & fields.Domain("date", "<=", last)
        deferred = issued & fields.Domain("emobility_period_to", ">", last)
        accrued = ~issued & fields.Domain("emobility_period_from", "<=", last)
        for line in lines.search(
            fields.Domain("company_id", "=", self.company_id.id)
            & fields.Domain("currency_id", "=", self.currency_id.id)
            & fields.Domain("parent_state", "!=", "cancel")
            & fields.Domain("move_id.move_type", "in", ("out_invoice", "out_refund"))
            & fields.Domain("emobility_period_to", "!=", False)
            & (deferred | accrued)
        ):
            earned = _share_until(last, line.emobility_period_from, line.emobility_period_to)
            is_issued = line.parent_state == "posted" and line.date <= last
            kind, part = ("deferred", 1 - earned) if is_issued else ("accrued", earned)
            analytic = tuple(sorted((line.analytic_distribution or {}).items()))
            yield Share(kind, "fees", line.account_id.id, analytic), -line.amount_currency * part, 0

    def _due_fees(self) -> Iterator[tuple[Share, float, int]]:
        """Lines of contracts with a period that has begun and is on no document yet."""
        last = self._month_end()
        for line in (
            self.env["contract.line"]
            .sudo()
            .with_company(self.company_id)
            .search(
                [
                    ("contract_id.company_id", "=", self.company_id.id),
                    ("contract_id.is_charging", "=", True),
                    ("contract_id.generation_type", "=", "invoice"),
                    ("recurring_next_date", "!=", False),
                    ("is_canceled", "=", False),
                    ("date_start", "<=", last),
                    "|",
                    ("last_date_invoiced", "=", False),
                    ("last_date_invoiced", "<", last),
                ]
            )
            .filtered(lambda line: line.contract_id.currency_id == self.currency_id and line.product_id)
        ):
            account = self._revenue_account(line.product_id)
            analytic = tuple(sorted((line.analytic_distribution or {}).items()))
            for first, until, price in line._emobility_periods(last):
                net = self._net_fee(line, price)
                yield Share("accrued", "fees", account.id, analytic), net * _share_until(last, first, until), 0

    def _net_fee(self, line: Any, price: float) -> float:
        contract = line.contract_id
        taxes = contract.fiscal_position_id.map_tax(
            line.product_id.taxes_id._filter_taxes_by_company(self.company_id)
        )
        # Of a large amount, so that rounding to the cent does not show.
        result = taxes.compute_all(1e6, self.currency_id)
        return price * result["total_excluded"] / 1e6

    @api.model
    def _used_currencies(self, month: date) -> set[tuple[Any, Any]]:
        fees = (
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                [("emobility_period_to", ">=", month), ("parent_state", "!=", "cancel")], ["company_id", "currency_id"]
            )
        )
        return super()._used_currencies(month) | set(fees)


def _share_until(day: date, first: date, last: date) -> float:
    """Which part of the days from the first to the last one is over at the end of a day."""
    days = (last - first).days + 1
    return min(max((day - first).days + 1, 0), days) / days
