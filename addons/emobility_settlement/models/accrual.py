from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.emobility_reporting.models.accrual import Share

# Of a CDR that is doubted a bill may still come: it costs until it is refused or taken back.
NOT_OWED = ("refused", "credited")


class EmobilityAccrual(models.Model):
    """What partners in roaming will be invoiced for a month, and what they will invoice us."""

    _inherit = "emobility.accrual"

    bought = fields.Monetary("Bought, not billed", compute="_compute_amounts", store=True)

    def _kinds(self) -> dict[str, tuple[int, Any]]:
        return super()._kinds() | {"bought": (-1, self.company_id.emobility_accrued_roaming_account_id)}

    @api.model
    def _sold_relations(self) -> dict[str, str]:
        return super()._sold_relations() | {"wholesale": "roaming"}

    def _amounts(self) -> Iterator[tuple[Share, float, int]]:
        yield from super()._amounts()
        yield from self._passed_on_fees()
        product = self.env.ref("emobility_settlement.product_roaming_purchase")
        for amount, sessions in (self._unbilled_cdrs(), self._unbilled_by_our_companies()):
            # Who buys nothing needs no account for it.
            if sessions:
                share = Share("bought", "roaming", self._product_account(product, "expense").id, ())
                yield share, amount, sessions

    def _end_of_month(self) -> datetime:
        """The first instant after the month, naive UTC: days with partners are those of the company."""
        zone = ZoneInfo(self.company_id.partner_id.tz or "UTC")
        midnight = datetime.combine(self._month_end() + timedelta(days=1), time(), zone)
        return midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)

    def _wholesale(self, domain: list[Any]) -> Any:
        """Ratings between partners until the end of the month."""
        return (
            self.env["emobility.rating"]
            .sudo()
            .search(
                [
                    ("relation", "=", "wholesale"),
                    ("currency_id", "=", self.currency_id.id),
                    ("end_at", "<", self._end_of_month()),
                    *domain,
                ]
            )
        )

    def _passed_on_fees(self) -> Iterator[tuple[Share, float, int]]:
        """What the hub takes for sold CDRs, where the partner is invoiced for it."""
        domain = [
            ("company_id", "=", self.company_id.id),
            ("session_id.roaming_agreement_id.hub_fee_policy", "=", "pass_on"),
            "|",
            "|",
            ("move_id", "=", False),
            ("move_id.state", "!=", "posted"),
            ("move_id.date", ">", self._month_end()),
        ]
        for rating in self._wholesale(domain):
            account = self._revenue_account(self.env.ref("emobility_settlement.product_hub_fee"))
            fee = rating.session_id.roaming_agreement_id._hub_fee_of(rating)
            yield Share("accrued", "roaming", account.id, ()), float(fee), 0

    def _unbilled_cdrs(self) -> tuple[float, int]:
        """CDRs of partners without a bill that was posted in the month or before. A credit CDR takes its part back."""
        self.env.flush_all()
        [row] = self.env.execute_query_dict(
            SQL(
                """
                SELECT COALESCE(SUM(CASE WHEN c.credit THEN -ABS(c.total_net) ELSE c.total_net END), 0) AS amount,
                       COUNT(*) AS cdrs
                  FROM emobility_roaming_cdr c
                 WHERE c.company_id = %(company)s AND c.currency_id = %(currency)s AND c.direction = 'in'
                   AND c.check_state NOT IN %(not_owed)s AND c.end_at < %(before)s
                   AND NOT EXISTS (
                       SELECT 1
                         FROM emobility_settlement_line line
                         JOIN emobility_roaming_settlement settlement ON settlement.id = line.settlement_id
                         JOIN account_move_emobility_roaming_settlement_rel doc
                           ON doc.emobility_roaming_settlement_id = settlement.id
                         JOIN account_move m ON m.id = doc.account_move_id
                        WHERE line.roaming_cdr_id = c.id AND line.status = '4_matched' AND m.ref = line.invoice_ref
                          AND m.move_type IN ('in_invoice', 'in_refund')
                          AND m.state = 'posted' AND m.date <= %(last)s)
                """,
                company=self.company_id.id,
                currency=self.currency_id.id,
                not_owed=NOT_OWED,
                before=self._end_of_month(),
                last=self._month_end(),
            )
        )
        return row["amount"], row["cdrs"]

    def _unbilled_by_our_companies(self) -> tuple[float, int]:
        """What other companies of this database sold to this one, and this one has not posted a bill for."""
        year = fields.Date.subtract(self.month, months=12)
        bought = self._wholesale(
            [("session_id.roaming_agreement_id.internal_company_id", "=", self.company_id.id), ("end_at", ">=", year)]
        )
        bills = (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("move_type", "in", ("in_invoice", "in_refund")),
                    ("state", "=", "posted"),
                    ("date", "<=", self._month_end()),
                    ("partner_id", "in", bought.company_id.partner_id.ids),
                    ("ref", "in", bought.move_id.mapped("name")),
                ]
            )
        )
        billed = {(bill.partner_id, bill.ref) for bill in bills}
        open_ratings = bought.filtered(lambda rating: (rating.company_id.partner_id, rating.move_id.name) not in billed)
        return sum(rating._net_amount() for rating in open_ratings), len(open_ratings)

    @api.model
    def _used_currencies(self, month: Any) -> set[tuple[Any, Any]]:
        cdrs = self.env["emobility.roaming.cdr"].sudo()
        used = cdrs._read_group(
            [("direction", "=", "in"), ("end_at", ">=", fields.Date.subtract(month, months=12))],
            ["company_id", "currency_id"],
        )
        return super()._used_currencies(month) | {(company, currency) for company, currency in used if currency}


class EmobilityAccrualLine(models.Model):
    _inherit = "emobility.accrual.line"

    kind = fields.Selection(selection_add=[("bought", "Bought, not billed")], ondelete={"bought": "cascade"})
    source = fields.Selection(selection_add=[("roaming", "Roaming")], ondelete={"roaming": "cascade"})
