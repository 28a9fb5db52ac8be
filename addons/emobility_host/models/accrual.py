from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odoo import api, fields, models

from odoo.addons.emobility_reporting.models.accrual import Share


class EmobilityAccrual(models.Model):
    """What hosts are owed for a month and have no credit note for, with minimum, caps and fixed amounts."""

    _inherit = "emobility.accrual"

    owed = fields.Monetary("Owed, not settled", compute="_compute_amounts", store=True)

    def _kinds(self) -> dict[str, tuple[int, Any]]:
        return super()._kinds() | {"owed": (-1, self.company_id.emobility_accrued_cost_account_id)}

    def _amounts(self) -> Iterator[tuple[Share, float, int]]:
        yield from super()._amounts()
        for agreement in (
            self.env["emobility.host.agreement"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("currency_id", "=", self.currency_id.id),
                    ("state", "!=", "draft"),
                    ("date_from", "<=", self._month_end()),
                ]
            )
        ):
            account = self._product_account(agreement._product(), "expense")
            for amount, sessions in (self._open_cost(agreement), self._cost_settled_later(agreement)):
                yield Share("owed", "hosts", account.id, ()), amount, sessions

    def _open_cost(self, agreement: Any) -> tuple[float, int]:
        """What a settlement of the month would pay now, and for how many sessions."""
        for cdr in agreement._unrated_cdrs(self._month_end()):
            cdr._rate_for_host(agreement)
        run = self.env["emobility.host.run"].new({"company_id": self.company_id.id, "month": self.month})
        settlement = self.env["emobility.host.settlement"].new({"run_id": run, "agreement_id": agreement.id})
        ratings = settlement._open_ratings()
        return sum(line["amount"] for line in settlement._month_lines(ratings)), len(ratings)

    def _cost_settled_later(self, agreement: Any) -> tuple[float, int]:
        """What credit notes of later months paid for this month and those before."""
        lines = self.env["emobility.host.settlement.line"].sudo()
        [[amount]] = lines._read_group(
            [
                ("agreement_id", "=", agreement.id),
                ("month", "<=", self.month),
                ("settlement_id.state", "=", "done"),
                ("settlement_id.move_id.date", ">", self._month_end()),
            ],
            [],
            ["amount:sum"],
        )
        ratings = self.env["emobility.rating"].sudo()
        sessions = ratings.search(
            [
                ("agreement_id", "=", agreement.id),
                ("settlement_id.move_id.date", ">", self._month_end()),
                ("end_at", "<", fields.Date.add(self._month_end(), days=2)),
            ]
        ).filtered(lambda rating: rating.cdr_id._local_month() <= self.month)
        return amount or 0.0, len(sessions)

    @api.model
    def _used_currencies(self, month: Any) -> set[tuple[Any, Any]]:
        agreements = self.env["emobility.host.agreement"].sudo()
        used = agreements._read_group(
            [("state", "!=", "draft"), ("date_from", "<=", fields.Date.end_of(month, "month"))],
            ["company_id", "currency_id"],
        )
        return super()._used_currencies(month) | set(used)


class EmobilityAccrualLine(models.Model):
    _inherit = "emobility.accrual.line"

    kind = fields.Selection(selection_add=[("owed", "Owed, not settled")], ondelete={"owed": "cascade"})
    source = fields.Selection(selection_add=[("hosts", "Hosts")], ondelete={"hosts": "cascade"})
