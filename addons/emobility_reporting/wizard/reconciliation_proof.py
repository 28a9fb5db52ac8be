from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityReconciliationProof(models.TransientModel):
    """Totals that show that nothing got lost between session, CDR, rating, invoice and payment.

    Each whole is counted by itself, and so are its parts: that they add up is a result and no construction.
    """

    _name = "emobility.reconciliation.proof"
    _description = "Reconciliation Proof"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    date_from = fields.Date("From", required=True, default=lambda self: self._last_month()[0])
    date_to = fields.Date("To", required=True, default=lambda self: self._last_month()[1])
    line_ids = fields.One2many("emobility.reconciliation.proof.line", "proof_id", "Proof", readonly=True)
    is_complete = fields.Boolean(readonly=True)
    break_count = fields.Integer("Breaks", readonly=True)

    @api.depends_context("lang")
    def _compute_display_name(self) -> None:
        for record in self:
            record.display_name = self.env._("Proof of completeness")

    @api.model
    def _last_month(self) -> tuple[date, date]:
        first = fields.Date.context_today(self).replace(day=1)
        return first - relativedelta(months=1), first - timedelta(days=1)

    def action_prove(self) -> dict[str, Any]:
        """Count everything again and show it."""
        self.ensure_one()
        if self.company_id not in self.env.user.company_ids:
            raise UserError(self.env._("This is not one of your companies."))
        self.line_ids.unlink()
        lines = [*self._session_lines(), *self._cdr_lines(), *self._rating_lines(), *self._invoice_lines()]
        self.env["emobility.reconciliation.proof.line"].sudo().create(
            [{"proof_id": self.id, "sequence": number, **line} for number, line in enumerate(lines)]
        )
        self.write(
            {
                "is_complete": all(line["is_balanced"] for line in lines),
                "break_count": self.env["emobility.reconciliation.break"].search_count(self._break_domain()),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Proof of completeness"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def action_open_breaks(self) -> dict[str, Any]:
        """The breaks since the first day."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Breaks"),
            "res_model": "emobility.reconciliation.break",
            "domain": self._break_domain(),
            "view_mode": "list,pivot,graph",
        }

    def _break_domain(self) -> list[Any]:
        return [("company_id", "=", self.company_id.id), *self._between("since")]

    def _between(self, field: str) -> list[Any]:
        return [(field, ">=", str(self.date_from)), (field, "<", str(self.date_to + timedelta(days=1)))]

    def _session_lines(self) -> list[dict[str, Any]]:
        domain = [("company_id", "=", self.company_id.id), *self._between("end_at")]
        return self._whole(
            self.env._("Sessions that ended"),
            "emobility.session",
            domain,
            [
                (self.env._("billed (done)"), [("state", "=", "done")]),
                (self.env._("held for a decision"), [("state", "=", "held")]),
                (self.env._("not settled yet"), [("state", "in", ("live", "ended"))]),
                (self.env._("void: taken back or given up"), [("state", "=", "void")]),
            ],
        )

    def _cdr_lines(self) -> list[dict[str, Any]]:
        done = [("company_id", "=", self.company_id.id), ("state", "=", "done"), *self._between("end_at")]
        current = [("cdr_ids", "any", [("credit", "=", False), ("credit_cdr_ids", "=", False)])]
        return self._whole(
            self.env._("Sessions done"),
            "emobility.session",
            done,
            [
                (self.env._("with a CDR that counts"), current),
                (self.env._("without CDR (break)"), ["!", *current]),
            ],
        )

    def _rating_lines(self) -> list[dict[str, Any]]:
        domain = [
            ("company_id", "=", self.company_id.id),
            ("relation", "in", ("retail", "adhoc")),
            ("currency_id", "=", self.currency_id.id),
            *self._between("end_at"),
        ]
        return self._whole(
            self.env._("Ratings of the sessions"),
            "emobility.rating",
            domain,
            [
                (self.env._("on an invoice or credit note"), [("move_id", "!=", False)]),
                (self.env._("to invoice"), [("move_id", "=", False), ("state", "=", "open")]),
                (self.env._("nothing to pay"), [("move_id", "=", False), ("state", "=", "free")]),
                (
                    self.env._("taken back before they were invoiced"),
                    [("move_id", "=", False), ("state", "=", "credited")],
                ),
                (
                    self.env._("invoiced without invoice (break)"),
                    [("move_id", "=", False), ("state", "=", "invoiced")],
                ),
            ],
            "amount_total",
        )

    def _invoice_lines(self) -> list[dict[str, Any]]:
        """Invoices of the period: what they ask for, what is paid and what is open."""
        domain = [
            ("company_id", "=", self.company_id.id),
            ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_refund")),
            ("rating_ids", "!=", False),
            ("currency_id", "=", self.currency_id.id),
            ("invoice_date", ">=", str(self.date_from)),
            ("invoice_date", "<=", str(self.date_to)),
        ]
        moves = self.env["account.move"].sudo().search(domain)
        paid = moves.filtered(lambda move: not move.amount_residual)
        asked = sum(moves.mapped("amount_total_in_currency_signed"))
        received = self._settled(moves)
        sign = {"out_invoice": 1, "out_refund": -1}
        left = sum(sign[move.move_type] * move.amount_residual for move in moves)
        balanced = not self.currency_id.compare_amounts(asked, received + left)
        rest = moves - paid
        return [
            self._line(self.env._("Charging invoices and credit notes"), moves, asked, balanced, total=True),
            self._line(self.env._("paid, set off or written off"), paid, received, balanced),
            self._line(self.env._("still open"), rest, left, balanced),
        ]

    def _settled(self, moves: Any) -> float:
        """What was matched with the receivables of these documents, in their currency."""
        lines = moves.line_ids.filtered(lambda line: line.account_id.account_type == "asset_receivable")
        return sum(lines.matched_credit_ids.mapped("debit_amount_currency")) - sum(
            lines.matched_debit_ids.mapped("credit_amount_currency")
        )

    def _line(
        self, name: str, records: Any, amount: float, balanced: bool, total: bool = False
    ) -> dict[str, Any]:
        return {
            "name": name,
            "is_total": total,
            "record_count": len(records),
            "amount": amount,
            "is_balanced": balanced,
            "res_model": records._name,
            "domain": repr([("id", "in", records.ids)]),
        }

    def _whole(
        self,
        name: str,
        model: str,
        domain: list[Any],
        parts: list[tuple[str, list[Any]]],
        amount: str | None = None,
    ) -> list[dict[str, Any]]:
        """A line for the whole and one for each part, and whether they add up."""
        rows = [(name, domain), *((label, [*domain, *part]) for label, part in parts)]
        figures = [self._count(model, row_domain, amount) for _label, row_domain in rows]
        count, total = figures[0]
        is_balanced = count == sum(one for one, _sum in figures[1:]) and not self.currency_id.compare_amounts(
            total, sum(one for _count, one in figures[1:])
        )
        return [
            {
                "name": label,
                "is_total": number == 0,
                "record_count": figures[number][0],
                "amount": figures[number][1],
                "is_balanced": is_balanced,
                "res_model": model,
                "domain": repr(row_domain),
            }
            for number, (label, row_domain) in enumerate(rows)
        ]

    def _count(self, model: str, domain: list[Any], amount: str | None) -> tuple[int, float]:
        aggregates = ["__count", f"{amount}:sum"] if amount else ["__count"]
        [row] = self.env[model]._read_group(domain, [], aggregates)
        return row[0], (row[1] if amount else 0.0) or 0.0
