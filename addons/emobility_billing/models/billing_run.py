from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..jobs import SOON, enqueue

CHUNK_LINES = 25


class EmobilityBillingRun(models.Model):
    """A resumable batch that invoices what is open: a snapshot, then one line per contract and payer."""

    _name = "emobility.billing.run"
    _inherit = ["mail.thread"]
    _description = "Billing run"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company, readonly=True
    )
    date_to = fields.Date(
        "Sessions before",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        help="Sessions that ended before this day are billed. Late ones of earlier periods are included.",
    )
    invoice_date = fields.Date(help="Empty: the day on which the invoices are made.")
    billing_trigger = fields.Selection(
        [
            ("weekly", "Weekly"),
            ("monthly", "Monthly"),
            ("quarterly", "Quarterly"),
            ("session", "After each session"),
        ],
        help="Only contracts with this trigger. Empty: all contracts.",
    )
    auto_collect = fields.Boolean(
        "Post and collect",
        default=True,
        help="Post, mail and charge each invoice. Otherwise they stay drafts.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("ready", "Ready"),
            ("running", "Running"),
            ("error", "Errors"),
            ("done", "Done"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    line_ids = fields.One2many("emobility.billing.run.line", "run_id", "Lines", copy=False, readonly=True)
    line_count = fields.Integer(compute="_compute_progress")
    error_count = fields.Integer(compute="_compute_progress")
    move_count = fields.Integer(compute="_compute_progress")
    rating_count = fields.Integer("Sessions", compute="_compute_progress")
    progress = fields.Float(compute="_compute_progress", help="Percentage of lines that are finished.")

    @api.depends("line_ids.state", "line_ids.move_ids")
    def _compute_progress(self) -> None:
        lines = self.env["emobility.billing.run.line"]
        groups = lines._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state"], ["__count", "rating_count:sum"]
        )
        counts: dict[int, dict[str, tuple[int, int]]] = {}
        for run, state, count, ratings in groups:
            counts.setdefault(run.id, {})[state] = (count, ratings)
        for run in self:
            by_state = counts.get(run._origin.id, {})
            run.line_count = sum(count for count, _ratings in by_state.values())
            run.rating_count = sum(ratings for _count, ratings in by_state.values())
            run.error_count = by_state.get("error", (0, 0))[0]
            run.move_count = by_state.get("done", (0, 0))[0]
            pending = by_state.get("pending", (0, 0))[0]
            run.progress = 100.0 * (run.line_count - pending) / run.line_count if run.line_count else 0.0

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityBillingRun:
        for vals in vals_list:
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code("emobility.billing.run")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_unbilled_only(self) -> None:
        for run in self:
            if run.state not in ("draft", "ready"):
                raise UserError(self.env._("%s has made invoices and cannot be deleted.", run.name))

    # Steps

    def action_prepare(self) -> None:
        """Snapshot what to bill. Ids are fixed first: billing changes what a search would find."""
        for run in self:
            if run.state not in ("draft", "ready"):
                raise UserError(self.env._("%s has been started already.", run.name))
            run.line_ids.sudo()._as_system().unlink()
            run._snapshot()
            run.state = "ready"

    def _snapshot(self) -> None:
        domain: list[Any] = [
            ("company_id", "=", self.company_id.id),
            ("state", "=", "open"),
            ("move_id", "=", False),
            ("billing_line_id", "=", False),
            ("relation", "=", "retail"),
            ("end_at", "<", self.date_to),
        ]
        if self.billing_trigger:
            domain.append(("contract_id.billing_trigger", "=", self.billing_trigger))
        ratings = self.env["emobility.rating"].sudo()
        lines = self.env["emobility.billing.run.line"].sudo()._as_system()
        for contract, partner, group in ratings._read_group(
            domain, ["contract_id", "partner_id"], ["id:recordset"], order="contract_id"
        ):
            line = lines.create({"run_id": self.id, "contract_id": contract.id, "partner_id": partner.id})
            group._as_system().write({"billing_line_id": line.id})
            line.write({"rating_count": len(group)})

    def action_start(self) -> None:
        """Make the invoices, in jobs of some lines each."""
        for run in self:
            if run.state == "draft":
                run.action_prepare()
            if run.state not in ("ready", "error"):
                raise UserError(self.env._("%s is running or done.", run.name))
            run.line_ids.filtered(lambda line: line.state == "error").sudo()._as_system().write(
                {"state": "pending", "error": False}
            )
            run.state = "running"
            run._queue_chunks()
            run._finish()

    def action_retry(self) -> None:
        """Try the lines with errors again."""
        self.filtered(lambda run: run.state == "error").action_start()

    def _queue_chunks(self) -> None:
        pending = self.line_ids.filtered(lambda line: line.state == "pending").ids
        for start in range(0, len(pending), CHUNK_LINES):
            ids = pending[start : start + CHUNK_LINES]
            enqueue(
                self,
                f"emobility.billing.run:{self.id}:{ids[0]}",
                self.env._("%(run)s: %(count)s contracts", run=self.name, count=len(ids)),
                priority=SOON,
            )._run_chunk(ids)

    def _run_chunk(self, line_ids: list[int]) -> None:
        """Job: invoice the pending ones of these lines. What is done stays done, so it can be repeated."""
        self.ensure_one()
        for line in self.env["emobility.billing.run.line"].browse(line_ids).exists():
            if line.state == "pending":
                line._bill()
        self._finish()

    def _finish(self) -> None:
        """Close the run when no line is pending."""
        self.env.flush_all()
        states = set(
            self.env["emobility.billing.run.line"].sudo().search([("run_id", "=", self.id)]).mapped("state")
        )
        if "pending" not in states:
            self.state = "error" if "error" in states else "done"

    @api.model
    def _cron_bill_due(self) -> None:
        """Start the runs of companies with something open: weekly on Mondays, others on the first day."""
        today = fields.Date.context_today(self)
        triggers = []
        if today.weekday() == 0:
            triggers.append("weekly")
        if today.day == 1:
            triggers.append("monthly")
            if today.month % 3 == 1:
                triggers.append("quarterly")
        for company in self.env["res.company"].search([]):  # pylint: disable=no-search-all
            for trigger in triggers:
                self._bill_trigger(company, trigger, today)
                self.env["ir.cron"]._commit_progress(1)

    def _bill_trigger(self, company: Any, trigger: str, date_to: Any) -> None:
        runs = self.with_company(company)
        if runs.search_count(
            [("company_id", "=", company.id), ("billing_trigger", "=", trigger), ("date_to", "=", date_to)],
            limit=1,
        ):
            return
        run = runs.create({"company_id": company.id, "billing_trigger": trigger, "date_to": date_to})
        run.action_prepare()
        if run.line_ids:
            run.action_start()
        else:
            run.unlink()

    # Buttons

    def action_open_moves(self) -> dict[str, Any]:
        """Invoices of this run."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.line_ids.move_ids.ids)], self.env._("Invoices")
        )

    def action_open_ratings(self) -> dict[str, Any]:
        """Ratings of this run."""
        return self.env["emobility.session"]._window(
            "emobility.rating", [("billing_line_id.run_id", "in", self.ids)], self.env._("Ratings")
        )

    def action_open_errors(self) -> dict[str, Any]:
        """Lines of this run that could not be invoiced."""
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.billing.run.line",
            "name": self.env._("Errors"),
            "domain": [("run_id", "in", self.ids), ("state", "=", "error")],
            "view_mode": "list,form",
        }
