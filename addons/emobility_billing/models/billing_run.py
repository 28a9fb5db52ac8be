from __future__ import annotations

from typing import Any

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..jobs import SOON, enqueue

# A job makes so many invoices at most, of so many sessions: enough to share what they have in common, and not
# more than what fits into memory and into the patience of somebody who pauses the run.
CHUNK_LINES = 100
CHUNK_SESSIONS = 4000
SNAPSHOT_LINES = 500


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
    customer_group_id = fields.Many2one(
        "emobility.customer.group",
        "Customer group",
        index="btree_not_null",
        check_company=True,
        help="Only payers of this group. Empty: all payers.",
    )
    payer_ids = fields.Many2many("res.partner", string="Payers", help="Only these payers. Empty: all payers.")
    late_only = fields.Boolean(
        "Late sessions only",
        help="Only sessions that ended before the period that this run bills, and came in too late for it.",
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
            ("paused", "Paused"),
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
    held_count = fields.Integer("Held sessions", compute="_compute_held")
    held_summary = fields.Text("Held because", compute="_compute_held")
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

    def _selection_domain(self) -> list[Any]:
        """What the run is about, for ratings and sessions alike."""
        domain: list[Any] = [
            ("company_id", "=", self.company_id.id),
            ("end_at", "<", self._period_start() if self.late_only else self.date_to),
        ]
        if self.billing_trigger:
            domain.append(("contract_id.billing_trigger", "=", self.billing_trigger))
        if self.customer_group_id:
            domain.append(("partner_id.customer_group_id", "=", self.customer_group_id.id))
        if self.payer_ids:
            domain.append(("partner_id", "in", self.payer_ids.ids))
        return domain

    def _period_start(self) -> Any:
        """First day of the period that ends with the run's last day."""
        lengths = {"weekly": relativedelta(weeks=1), "quarterly": relativedelta(months=3)}
        return self.date_to - lengths.get(self.billing_trigger, relativedelta(months=1))

    @api.depends(
        "date_to", "billing_trigger", "customer_group_id", "payer_ids", "late_only", "company_id", "state"
    )
    def _compute_held(self) -> None:
        labels = dict(self.env["emobility.hold"]._fields["reason_code"]._description_selection(self.env))
        for run in self:
            if not run.date_to:
                run.held_count, run.held_summary = 0, False
                continue
            reasons = self.env["emobility.hold"]._read_group(
                run._held_domain(), ["reason_code"], ["__count", "session_id:count_distinct"]
            )
            run.held_count = self.env["emobility.session"].search_count(
                [("hold_ids", "any", run._held_domain())]
            )
            run.held_summary = "\n".join(
                f"{sessions} × {labels[reason]}" for reason, _count, sessions in reasons
            )

    def _held_domain(self) -> list[Any]:
        """Open holds of the sessions that the run would bill otherwise. An end that is not known yet counts too."""
        selection = self._selection_domain()
        period = [term for term in selection if term[0] == "end_at"]
        others = [term for term in selection if term[0] != "end_at"]
        return [
            ("state", "=", "open"),
            ("session_id", "any", [*others, "|", ("end_at", "=", False), *period]),
        ]

    def _snapshot(self) -> None:
        domain = [
            *self._selection_domain(),
            ("state", "=", "open"),
            ("move_id", "=", False),
            ("billing_line_id", "=", False),
            ("relation", "=", "retail"),
        ]
        groups = self._snapshot_groups_of(domain)
        for first in range(0, len(groups), SNAPSHOT_LINES):
            self._snapshot_groups(groups[first : first + SNAPSHOT_LINES])

    def _snapshot_groups_of(self, domain: list[Any]) -> list[tuple[Any, ...]]:
        """(contract, payer, currency, amount, ids of ratings) of each line that the run will have."""
        return (
            self.env["emobility.rating"]
            .sudo()
            ._read_group(
                domain,
                ["contract_id", "partner_id", "currency_id"],
                ["amount_total:sum", "id:array_agg"],
                order="contract_id",
            )
        )

    def _snapshot_groups(self, groups: list[tuple[Any, ...]]) -> None:
        lines = (
            self.env["emobility.billing.run.line"]
            .sudo()
            ._as_system()
            .create(
                [
                    {
                        "run_id": self.id,
                        "contract_id": contract.id,
                        "partner_id": partner.id,
                        "rating_count": len(ids),
                        "rated_amount": amount,
                        "rated_currency_id": currency.id,
                    }
                    for contract, partner, currency, amount, ids in groups
                ]
            )
        )
        ratings = self.env["emobility.rating"].sudo()._as_system()
        ratings._link_to_lines(
            {rating: line.id for line, group in zip(lines, groups, strict=True) for rating in group[-1]}
        )
        # A month of a large company does not fit into memory at once.
        self.env.flush_all()
        ratings.invalidate_model()

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

    def action_pause(self) -> None:
        """Make no more invoices for now. What a job is doing at this moment is finished."""
        for run in self:
            if run.state != "running":
                raise UserError(self.env._("%s is not running.", run.name))
            run.state = "paused"

    def action_resume(self) -> None:
        """Go on with the contracts that are left."""
        for run in self:
            if run.state != "paused":
                raise UserError(self.env._("%s is not paused.", run.name))
            run.state = "running"
            run._queue_chunks()
            run._finish()

    def _queue_chunks(self) -> None:
        pending = self.line_ids.filtered(lambda line: line.state == "pending")
        for chunk in self._chunks(pending):
            enqueue(
                self,
                f"emobility.billing.run:{self.id}:{chunk[0]}",
                self.env._("%(run)s: %(count)s contracts", run=self.name, count=len(chunk)),
                priority=SOON,
            )._run_chunk(chunk)

    def _chunks(self, lines: Any) -> list[list[int]]:
        """Ids of lines, cut where a job has enough to do."""
        chunks: list[list[int]] = []
        sessions = 0
        for line in lines:
            sessions += line.rating_count
            if not chunks or len(chunks[-1]) == CHUNK_LINES or sessions > CHUNK_SESSIONS:
                chunks.append([])
                sessions = line.rating_count
            chunks[-1].append(line.id)
        return chunks

    def _run_chunk(self, line_ids: list[int]) -> None:
        """Job: invoice the pending ones of these lines. What is done stays done, so it can be repeated."""
        self.ensure_one()
        if self.state == "paused":
            return
        lines = self.env["emobility.billing.run.line"].browse(line_ids).exists()
        pending = lines.filtered(lambda line: line.state == "pending")
        if pending:
            pending._bill()
        self._queue_finish(line_ids[0])

    def _queue_finish(self, first_line_id: int) -> None:
        """Look whether the run is done when this chunk is committed: of two workers that finish at the same time
        neither sees yet what the other has done. So each chunk has a job of its own for that.
        """
        enqueue(
            self,
            f"emobility.billing.run.finish:{self.id}:{first_line_id}",
            self.env._("Close %s when it is done", self.name),
            priority=SOON,
        )._finish()

    def _finish(self) -> None:
        """Job: close the run when no line is pending."""
        self.env.flush_all()
        lines = self.env["emobility.billing.run.line"].sudo()
        states = {state for (state,) in lines._read_group([("run_id", "=", self.id)], ["state"])}
        if self.state == "running" and "pending" not in states:
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

    def action_open_held(self) -> dict[str, Any]:
        """Why sessions of the period are not in this run."""
        return self.env["emobility.session"]._window(
            "emobility.hold", self._held_domain(), self.env._("Held sessions")
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
