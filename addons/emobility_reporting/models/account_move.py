from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from odoo import fields, models
from odoo.tools import format_date


class AccountMove(models.Model):
    _inherit = "account.move"

    def _post(self, soft: bool = True) -> Any:
        """A month whose accrual is posted has this revenue or cost already: its document counts from the next day on,
        when the accrual is taken back.
        """
        for move, month in self._emobility_accrued_months():
            move.date = fields.Date.end_of(month, "month") + timedelta(days=1)
            move.message_post(
                body=self.env._(
                    "Booked on %(day)s: the accrual of %(month)s is posted.",
                    day=format_date(self.env, move.date),
                    month=f"{month:%Y-%m}",
                )
            )
        return super()._post(soft)

    def _emobility_accrued_months(self) -> list[tuple[Any, date]]:
        """Documents that belong to a month whose accrual is posted, each with the last such month that follows it."""
        dated = self.filtered(lambda move: move.state == "draft" and (move.invoice_date or move.date))
        days = {move: move.date or move.invoice_date for move in dated}
        if not days:
            return []
        accruals = (
            self.env["emobility.accrual"]
            .sudo()
            .search(
                [
                    ("company_id", "in", dated.company_id.ids),
                    ("state", "=", "posted"),
                    ("month", ">=", min(days.values()).replace(day=1)),
                ],
                order="month",
            )
        )
        found = []
        for move in dated if accruals else ():
            months = [
                accrual.month
                for accrual in accruals
                if accrual.company_id == move.company_id
                and accrual.currency_id == move.currency_id
                and accrual.month >= days[move].replace(day=1)
            ]
            if months and move._emobility_is_accrued():
                found.append((move, months[-1]))
        return found

    def _emobility_is_accrued(self) -> bool:
        """Whether accruals have what this document books. Others add theirs."""
        self.ensure_one()
        return bool(self.sudo().rating_ids) or bool(self.invoice_line_ids.filtered("emobility_period_to"))
