from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

BARS = 10
LONGEST_DAYS = 800
AGES = ((30, "1 – 30"), (60, "31 – 60"), (90, "61 – 90"), (None, "> 90"))


class EmobilityDashboard(models.AbstractModel):
    """The figures of the dashboard and of the monthly report, each with the domain of what is behind it."""

    _name = "emobility.dashboard"
    _description = "Charging Dashboard"

    @api.model
    def get_figures(
        self, date_from: str, date_to: str, filters: dict[str, int] | None = None
    ) -> dict[str, Any]:
        """Figures of the sessions that ended in a period, and of what is open now.

        :param date_from, date_to: first and last day, on the clocks of the places
        :param filters: ids by ``location_id``, ``location_group_id``, ``customer_group_id`` or ``partner_id``
        """
        self.env["emobility.session.report"].check_access("read")
        first, last = fields.Date.to_date(date_from), fields.Date.to_date(date_to)
        if not first or not last or first > last or (last - first).days > LONGEST_DAYS:
            raise UserError(self.env._("Choose a period of at most %s days, first day first.", LONGEST_DAYS))
        chosen = self._filter_domain(filters or {})
        before = first - (last - first) - timedelta(days=1)
        domain = [*self._period_domain(first, last), *chosen]
        # Hosts get a part of what payers pay; they are no payers.
        paid = [*domain, ("relation", "in", ("retail", "adhoc"))]
        company = self.env.company
        return {
            "currency": {"symbol": company.currency_id.symbol, "position": company.currency_id.position,
                         "digits": company.currency_id.decimal_places, "id": company.currency_id.id},
            "domain": _plain(domain),
            "totals": self._totals(domain),
            "previous": self._totals([*self._period_domain(before, first - timedelta(days=1)), *chosen]),
            "open": self._open_items(),
            "days": self._days(domain, first, last),
            "hours": self._hours(domain),
            "locations": self._top(domain, "location_id"),
            "groups": self._top(paid, "customer_group_id"),
            "partners": self._top(paid, "partner_id"),
            "holds": self._holds(),
            "ages": self._ages(),
        }  # fmt: skip

    @api.model
    def _period_domain(self, first: date, last: date) -> list[Any]:
        # The bounds on the indexed time save reading the whole table; the day says what counts.
        return [
            ("company_id", "=", self.env.company.id),
            ("end_at", ">=", fields.Datetime.to_datetime(first) - timedelta(days=1)),
            ("end_at", "<", fields.Datetime.to_datetime(last) + timedelta(days=2)),
            ("local_date", ">=", first),
            ("local_date", "<=", last),
        ]

    @api.model
    def _filter_domain(self, filters: dict[str, int]) -> list[Any]:
        domain = [
            (name, "=", int(filters[name]))
            for name in ("location_id", "customer_group_id", "partner_id")
            if filters.get(name)
        ]
        if group := filters.get("location_group_id"):
            domain.append(("location_id.group_ids", "in", [int(group)]))
        return domain

    @api.model
    def _totals(self, domain: list[Any]) -> dict[str, float]:
        names = ("session_count", "energy_kwh", "revenue", "cost", "margin")
        [row] = self.env["emobility.session.report"]._read_group(
            domain, [], [f"{name}:sum" for name in names]
        )
        return {name: value or 0 for name, value in zip(names, row, strict=True)}

    @api.model
    def _days(self, domain: list[Any], first: date, last: date) -> list[dict[str, Any]]:
        """A value per day, or per month when the period is long; days without sessions are zero."""
        step = "day" if (last - first).days <= 62 else "month"
        groups = self.env["emobility.session.report"]._read_group(
            domain, [f"local_date:{step}"], ["revenue:sum", "margin:sum", "energy_kwh:sum"]
        )
        found = {start: values for start, *values in groups}
        width = relativedelta(days=1) if step == "day" else relativedelta(months=1)
        at = first if step == "day" else first.replace(day=1)
        rows = []
        while at <= last:
            revenue, margin, energy = found.get(at, (0, 0, 0))
            rows.append(
                {
                    "label": at.isoformat() if step == "day" else f"{at:%Y-%m}",
                    "from": at.isoformat(),
                    "to": (at + width - relativedelta(days=1)).isoformat(),
                    "revenue": revenue or 0,
                    "margin": margin or 0,
                    "energy": energy or 0,
                }
            )
            at += width
        return rows

    @api.model
    def _hours(self, domain: list[Any]) -> list[dict[str, Any]]:
        groups = self.env["emobility.session.report"]._read_group(
            domain, ["local_hour"], ["energy_kwh:sum", "session_count:sum"]
        )
        found = {hour: (energy, count) for hour, energy, count in groups}
        return [
            {"label": hour, "energy": found.get(hour, (0, 0))[0], "sessions": found.get(hour, (0, 0))[1]}
            for hour in (f"{number:02}" for number in range(24))
        ]

    @api.model
    def _top(self, domain: list[Any], field: str) -> list[dict[str, Any]]:
        groups = self.env["emobility.session.report"]._read_group(
            domain,
            [field],
            ["revenue:sum", "margin:sum", "energy_kwh:sum", "session_count:sum"],
            order="revenue:sum desc",
            limit=BARS,
        )
        return [
            {
                "id": record.id,
                "field": field,
                "label": record.sudo().display_name or self.env._("None"),
                "revenue": revenue,
                "margin": margin,
                "energy": energy,
                "sessions": count,
            }
            for record, revenue, margin, energy, count in groups
        ]

    @api.model
    def _holds(self) -> list[dict[str, Any]]:
        """What waits for a decision now, whenever it was charged."""
        holds = self.env["emobility.hold"]
        labels = dict(holds._fields["reason_code"]._description_selection(self.env))
        groups = holds._read_group(
            [("state", "=", "open"), ("company_id", "=", self.env.company.id)],
            ["reason_code"],
            ["__count"],
            order="__count desc",
        )
        return [{"code": code, "label": labels.get(code, code), "count": count} for code, count in groups]

    @api.model
    def _open_domain(self) -> list[Any]:
        return [
            ("company_id", "=", self.env.company.id),
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("payment_state", "in", ("not_paid", "partial")),
            ("rating_ids", "!=", False),
        ]

    @api.model
    def _open_items(self) -> dict[str, Any]:
        """Debts, what is not invoiced yet, holds and breaks, as they are now."""
        moves = self.env["account.move"].sudo()
        today = fields.Date.context_today(self)
        [[owed, count]] = moves._read_group(
            self._open_domain(), [], ["amount_residual_signed:sum", "__count"]
        )
        [[overdue]] = moves._read_group(
            [*self._open_domain(), ("invoice_date_due", "<", today)], [], ["amount_residual_signed:sum"]
        )
        unbilled_domain = [("company_id", "=", self.env.company.id), ("state", "=", "open"),
                           ("relation", "in", ("retail", "adhoc"))]  # fmt: skip
        [[unbilled]] = self.env["emobility.session.report"]._read_group(unbilled_domain, [], ["revenue:sum"])
        sessions = self.env["emobility.session"]
        breaks = self.env["emobility.reconciliation.break"].sudo()
        return {
            "owed": owed or 0,
            "owed_count": count,
            "owed_domain": self._open_domain(),
            "overdue": overdue or 0,
            "unbilled": unbilled or 0,
            "held": sessions.search_count([("state", "=", "held"), ("company_id", "=", self.env.company.id)]),
            "live": sessions.search_count([("state", "=", "live"), ("company_id", "=", self.env.company.id)]),
            "breaks": breaks.search_count([("company_id", "=", self.env.company.id)]),
        }

    @api.model
    def _ages(self) -> list[dict[str, Any]]:
        """Overdue debts by their age in days."""
        today = fields.Date.context_today(self)
        moves = self.env["account.move"].sudo()
        rows, youngest = [], 1
        for oldest, label in AGES:
            domain = [*self._open_domain(), ("invoice_date_due", "<=", _iso(today, youngest))]
            if oldest:
                domain.append(("invoice_date_due", ">=", _iso(today, oldest)))
                youngest = oldest + 1
            [[amount]] = moves._read_group(domain, [], ["amount_residual_signed:sum"])
            rows.append({"label": label, "amount": amount or 0, "domain": domain})
        return rows


def _iso(today: date, days: int) -> str:
    return (today - timedelta(days=days)).isoformat()


def _plain(domain: list[Any]) -> list[Any]:
    """A domain that JSON can carry."""
    return [
        [name, operator, str(value) if isinstance(value, date) else value] for name, operator, value in domain
    ]
