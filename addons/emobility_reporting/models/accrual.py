from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

REVENUE = ("retail", "adhoc")


# Accounts and their percentages, as in an analytic distribution.
Analytic = tuple[tuple[str, float], ...]


class Share(NamedTuple):
    """What the amounts of one line have in common."""

    kind: str
    source: str
    account_id: int
    analytic: Analytic


class EmobilityAccrual(models.Model):
    """What the invoices of a month do not show at its end: one entry per currency, taken back a day later."""

    _name = "emobility.accrual"
    _inherit = ["mail.thread"]
    _description = "Accrual"
    _order = "month desc, id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name", store=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, readonly=True, default=lambda self: self.env.company
    )
    month = fields.Date(
        required=True,
        default=lambda self: fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1),
        help="Any day of the month.",
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    state = fields.Selection(
        [("draft", "Preview"), ("posted", "Posted")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    line_ids = fields.One2many("emobility.accrual.line", "accrual_id", "Lines", readonly=True)
    accrued = fields.Monetary("Earned, not invoiced", compute="_compute_amounts", store=True)
    deferred = fields.Monetary("Invoiced, earned later", compute="_compute_amounts", store=True)
    move_id = fields.Many2one(
        "account.move", "Entry", readonly=True, copy=False, index="btree_not_null", check_company=True
    )
    reversal_move_id = fields.Many2one(
        "account.move", "Reversal", readonly=True, copy=False, index="btree_not_null", check_company=True
    )

    _one_per_month = models.UniqueIndex(
        "(company_id, month, currency_id)", "This month has an accrual in this currency already."
    )

    @api.depends("month", "currency_id.name")
    def _compute_name(self) -> None:
        for accrual in self:
            month = f"{accrual.month:%Y-%m}" if accrual.month else ""
            accrual.name = f"{month} {accrual.currency_id.name or ''}".strip()

    @api.depends("line_ids.amount", "line_ids.kind")
    def _compute_amounts(self) -> None:
        for accrual in self:
            for kind in accrual._kinds():
                lines = accrual.line_ids.filtered(lambda line, kind=kind: line.kind == kind)
                accrual[kind] = sum(lines.mapped("amount"))

    def _kinds(self) -> dict[str, tuple[int, Any]]:
        """Kinds of lines: the sign of what is booked on the other account (1: a debit), and that account."""
        return {
            "accrued": (1, self.company_id.emobility_accrued_account_id),
            "deferred": (-1, self.company_id.emobility_deferred_account_id),
        }

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityAccrual:
        for vals in vals_list:
            if vals.get("month"):
                vals["month"] = fields.Date.to_date(vals["month"]).replace(day=1)
        return super().create(vals_list)

    def write(self, vals: dict[str, Any]) -> bool:
        if vals.get("month"):
            vals = {**vals, "month": fields.Date.to_date(vals["month"]).replace(day=1)}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_previews_only(self) -> None:
        for accrual in self:
            if accrual.state == "posted":
                raise UserError(self.env._("%s is posted and cannot be deleted.", accrual.name))

    # Preview

    def action_prepare(self) -> None:
        """Work out what belongs to the month and is not in its documents, and what is and does not. Posts nothing."""
        for accrual in self:
            if accrual.state == "posted":
                raise UserError(self.env._("%s is posted already.", accrual.name))
            accrual.line_ids.sudo()._as_system().unlink()
            self.env["emobility.accrual.line"].sudo()._as_system().create(accrual._line_values())

    def _month_end(self) -> date:
        return fields.Date.end_of(self.month, "month")

    def _line_values(self) -> list[dict[str, Any]]:
        amounts: dict[Share, float] = defaultdict(float)
        counts: dict[Share, int] = defaultdict(int)
        for share, amount, sessions in self._amounts():
            amounts[share] += amount
            counts[share] += sessions
        return [
            {
                "accrual_id": self.id,
                "kind": share.kind,
                "source": share.source,
                "account_id": share.account_id,
                "analytic_distribution": dict(share.analytic) or False,
                "analytic_names": self._analytic_names(share.analytic),
                "rating_count": counts[share],
                "amount": rounded,
            }
            for share, amount in sorted(amounts.items())
            if (rounded := self.currency_id.round(amount))
        ]

    def _amounts(self) -> Iterator[tuple[Share, float, int]]:
        """What belongs to another month than its document, and of how many sessions it is. Others add theirs."""
        net_of = self._net_factor()
        mode = self.company_id.emobility_analytic
        invoicing = self.env["emobility.invoicing"].sudo().with_company(self.company_id)
        for row in self._unbalanced():
            product = self.env["product.product"].browse(row["product_id"])
            rating = self.env["emobility.rating"].sudo().browse(row["rating_id"])
            key = "" if mode == "none" else invoicing._analytic_key(rating, mode)
            analytic: Analytic = ((key, 100.0),) if key else ()
            source = self._sold_relations()[row["relation"]]
            share = Share(row["kind"], source, self._revenue_account(product).id, analytic)
            yield share, row["amount"] * net_of(product, rating, row["price_mode"]), row["ratings"]

    @api.model
    def _sold_relations(self) -> dict[str, str]:
        """Relations whose ratings become revenue, and where the lines say that it comes from."""
        return dict.fromkeys(REVENUE, "sessions")

    def _unbalanced(self) -> list[dict[str, Any]]:
        """Rated amounts whose month is not that of their invoice, by what decides about account and taxes.

        The day of a session is that of its end on the clock of the place, as on invoices.
        """
        self.env.flush_all()
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT kind.name AS kind, r.relation, rl.product_id, r.price_mode, SUM(rl.amount) AS amount,
                       COUNT(*) FILTER (WHERE rl.id = head.id) AS ratings, MIN(r.id) AS rating_id
                  FROM emobility_rating r
                  JOIN emobility_rating_line rl ON rl.rating_id = r.id
                  -- A session counts where its first line is, so that the counts add up to the sessions.
                  CROSS JOIN LATERAL (SELECT MIN(one.id) AS id FROM emobility_rating_line one
                                       WHERE one.rating_id = r.id) head
                  LEFT JOIN emobility_location l ON l.id = r.location_id
                  LEFT JOIN res_partner p ON p.id = r.partner_id
                  LEFT JOIN contract_contract contract ON contract.id = r.contract_id
                  LEFT JOIN account_move m ON m.id = r.move_id AND m.state = 'posted'
                  CROSS JOIN LATERAL (SELECT
                      (r.end_at AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(l.time_zone, 'UTC'))::date AS value) day
                  CROSS JOIN LATERAL (SELECT CASE
                      WHEN day.value <= %(last)s AND (m.id IS NULL OR m.date > %(last)s) THEN 'accrued'
                      WHEN day.value > %(last)s AND m.date <= %(last)s THEN 'deferred' END AS name) kind
                 WHERE r.company_id = %(company)s AND r.currency_id = %(currency)s AND r.relation IN %(relations)s
                   AND kind.name IS NOT NULL
                 GROUP BY kind.name, r.relation, rl.product_id, r.price_mode, l.country_id, l.analytic_account_id,
                          p.customer_group_id, p.country_id, p.vat, contract.fiscal_position_id
                """,
                last=self._month_end(),
                company=self.company_id.id,
                currency=self.currency_id.id,
                relations=tuple(self._sold_relations()),
            )
        )

    def _net_factor(self) -> Any:
        """Function (product, rating, price mode) -> net amount of one unit of amount, by the taxes of the invoice."""
        invoicing = self.env["emobility.invoicing"].sudo().with_company(self.company_id)

        def factor(product: Any, rating: Any, price_mode: str) -> float:
            if price_mode == "net":
                return 1.0
            country = rating.location_id.country_id or self.company_id.country_id
            taxes = invoicing._taxes(product, price_mode, rating, country)
            # Of a large amount, so that rounding to the cent does not show.
            result = taxes.compute_all(1e6, self.currency_id, handle_price_include=True)
            return result["total_excluded"] / 1e6

        return factor

    def _revenue_account(self, product: Any) -> Any:
        return self._product_account(product, "income")

    def _product_account(self, product: Any, use: str) -> Any:
        """:param use: income or expense"""
        account = product.with_company(self.company_id)._get_product_accounts()[use]
        if not account:
            raise UserError(
                self.env._(
                    "%s has no account for its amounts. The account check shows what is missing.",
                    product.display_name,
                )
            )
        return account

    def _analytic_names(self, analytic: Analytic) -> str:
        ids = [int(part) for key, _percent in analytic for part in key.split(",")]
        return ", ".join(self.env["account.analytic.account"].sudo().browse(ids).mapped("display_name"))

    # Entry

    def action_post(self) -> None:
        """Post the entry at the end of the month and its reversal on the next day. Once: then it is done."""
        for accrual in self:
            if accrual.state == "posted":
                raise UserError(self.env._("%s is posted already.", accrual.name))
            accrual.action_prepare()
            if not accrual.line_ids:
                raise UserError(self.env._("There is nothing to accrue in %s.", accrual.name))
            move = accrual._make_move()
            next_day = fields.Date.add(accrual._month_end(), days=1)
            move.action_post()
            reversal = move._reverse_moves(
                [{"date": next_day, "ref": self.env._("Reversal of %s", move.name), "auto_post": "no"}],
                cancel=False,
            )
            reversal._post(soft=False)
            accrual.write({"state": "posted", "move_id": move.id, "reversal_move_id": reversal.id})

    def _make_move(self) -> Any:
        lines = []
        for kind, (sign, counter) in self._kinds().items():
            chosen = self.line_ids.filtered(lambda line, kind=kind: line.kind == kind)
            if not chosen:
                continue
            if not counter:
                raise UserError(self.env._("Choose the accounts of accruals in the settings first."))
            booked = [
                self._entry_line(line.account_id, -sign * line.amount, line.analytic_distribution)
                for line in chosen
            ]
            total = self._entry_line(counter, sign * sum(chosen.mapped("amount")), False)
            # In another currency the sum of what is rounded counts, so that the entry balances.
            total["balance"] = -sum(line["balance"] for line in booked)
            lines += [*booked, total]
        return (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "entry",
                    "journal_id": self._journal().id,
                    "date": self._month_end(),
                    "ref": self.env._("Charging: accruals at the end of %s", f"{self.month:%Y-%m}"),
                    "currency_id": self.currency_id.id,
                    "line_ids": [fields.Command.create(line) for line in lines],
                }
            )
        )

    def _entry_line(self, account: Any, amount: float, analytic: Any) -> dict[str, Any]:
        """One line; a positive amount is a debit."""
        company_currency = self.company_id.currency_id
        balance = self.currency_id._convert(amount, company_currency, self.company_id, self._month_end())
        return {
            "name": self.env._("Charging %s", f"{self.month:%Y-%m}"),
            "account_id": account.id,
            "currency_id": self.currency_id.id,
            "amount_currency": self.currency_id.round(amount),
            "balance": balance,
            "analytic_distribution": analytic,
            # An accrual is no turnover that is taxed.
            "tax_ids": [fields.Command.clear()],
        }

    def _journal(self) -> Any:
        journals = self.env["account.journal"].sudo()
        return self.company_id.emobility_accrual_journal_id or journals.search(
            [*journals._check_company_domain(self.company_id), ("type", "=", "general")], limit=1
        )

    @api.model
    def _cron_prepare(self) -> None:
        """A preview of last month for each company and currency with something to accrue, once."""
        month = fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1)
        for company, currency in self._used_currencies(month):
            domain = [
                ("company_id", "=", company.id),
                ("month", "=", month),
                ("currency_id", "=", currency.id),
            ]
            if not self.search_count(domain, limit=1):
                self.with_company(company).create(
                    {"company_id": company.id, "month": month, "currency_id": currency.id}
                ).action_prepare()
                self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _used_currencies(self, month: date) -> set[tuple[Any, Any]]:
        """Companies and currencies in which there may be something to accrue at the end of a month."""
        ratings = self.env["emobility.rating"].sudo()
        return set(
            ratings._read_group(
                [
                    ("relation", "in", list(self._sold_relations())),
                    ("end_at", "<", fields.Date.add(month, months=1, days=1)),
                    ("end_at", ">=", fields.Date.subtract(month, months=12)),
                ],
                ["company_id", "currency_id"],
            )
        )

    # Buttons

    def action_open_moves(self) -> dict[str, Any]:
        """The entry and its reversal."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", (self.move_id | self.reversal_move_id).ids)], self.env._("Entries")
        )
