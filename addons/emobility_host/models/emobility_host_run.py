from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityHostRun(models.Model):
    """The settlement of a month with all hosts: a preview, then the credit notes."""

    _name = "emobility.host.run"
    _inherit = ["mail.thread"]
    _description = "Host Settlement Run"
    _order = "month desc, id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name", store=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, readonly=True, default=lambda self: self.env.company
    )
    month = fields.Date(
        required=True,
        default=lambda self: fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1),
        help="Any day of the month. Late sessions of earlier months, and credits, are part of it.",
    )
    agreement_ids = fields.Many2many(
        "emobility.host.agreement", string="Agreements", check_company=True, help="Empty: all agreements."
    )
    state = fields.Selection(
        [("draft", "Draft"), ("ready", "Preview"), ("done", "Confirmed")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    settlement_ids = fields.One2many("emobility.host.settlement", "run_id", "Settlements", readonly=True)
    settlement_count = fields.Integer(compute="_compute_progress")
    error_count = fields.Integer("Errors", compute="_compute_progress")
    problem_count = fields.Integer("Without price", compute="_compute_progress")
    amount = fields.Monetary("Amount (net)", compute="_compute_progress")
    currency_id = fields.Many2one(related="company_id.currency_id")
    progress = fields.Float(compute="_compute_progress")

    @api.depends("month")
    def _compute_name(self) -> None:
        for run in self:
            run.name = self.env._("Hosts %s", f"{run.month:%Y-%m}") if run.month else ""

    @api.depends("settlement_ids.state", "settlement_ids.amount", "settlement_ids.problems")
    def _compute_progress(self) -> None:
        for run in self:
            settlements = run.settlement_ids
            done = settlements.filtered(lambda one: one.state == "done")
            run.settlement_count = len(settlements)
            run.error_count = len(settlements.filtered(lambda one: one.state == "error"))
            run.problem_count = len(settlements.filtered("problems"))
            run.amount = sum(
                one.currency_id._convert(one.amount, run.company_id.currency_id, run.company_id, run.month)
                for one in settlements
            )
            run.progress = 100.0 * len(done) / len(settlements) if settlements else 0.0

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityHostRun:
        for vals in vals_list:
            if vals.get("month"):
                vals["month"] = fields.Date.to_date(vals["month"]).replace(day=1)
        return super().create(vals_list)

    def write(self, vals: dict[str, Any]) -> bool:
        if vals.get("month"):
            vals = {**vals, "month": fields.Date.to_date(vals["month"]).replace(day=1)}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_unconfirmed_only(self) -> None:
        for run in self:
            if run.state == "done":
                raise UserError(self.env._("%s has made credit notes and cannot be deleted.", run.name))

    def action_prepare(self) -> None:
        """Show what each host gets, without paying anybody. Sessions without a price are named."""
        for run in self:
            if run.state == "done":
                raise UserError(self.env._("%s is confirmed already.", run.name))
            settlements = run.settlement_ids.sudo()._as_system()
            wanted = run._agreements()
            (settlements - settlements.filtered_domain([("agreement_id", "in", wanted.ids)])).unlink()
            known = run.settlement_ids.agreement_id
            self.env["emobility.host.settlement"].sudo()._as_system().create(
                [{"run_id": run.id, "agreement_id": agreement.id} for agreement in wanted - known]
            )
            run.settlement_ids.sudo()._as_system()._prepare()
            run.state = "ready"

    def _agreements(self) -> Any:
        """Agreements in force until the end of the month: also ended ones, for what is late."""
        agreements = self.env["emobility.host.agreement"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "!=", "draft"),
                ("date_from", "<=", fields.Date.end_of(self.month, "month")),
            ]
        )
        return agreements & self.agreement_ids if self.agreement_ids else agreements

    def action_confirm(self) -> None:
        """Make the credit notes over what the preview shows, in a job per host, and mail the statements."""
        for run in self:
            if run.state != "ready":
                raise UserError(self.env._("Prepare %s first, and look at it.", run.name))
            run.state = "done"
            run.settlement_ids.sudo()._as_system()._queue_settle()

    def action_retry(self) -> None:
        """Try the settlements with errors again, with what is there now."""
        settlements = self.settlement_ids.filtered(lambda one: one.state == "error")
        settlements.action_refresh()
        settlements.action_settle()

    def action_open_moves(self) -> dict[str, Any]:
        """The credit notes of this run."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.settlement_ids.move_id.ids)], self.env._("Credit notes")
        )

    @api.model
    def _cron_prepare(self) -> None:
        """On the first days of a month: a preview of last month for each company that has agreements."""
        month = fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1)
        agreements = self.env["emobility.host.agreement"].search([("state", "!=", "draft")])
        for company in agreements.company_id:
            if not self.search_count([("company_id", "=", company.id), ("month", "=", month)], limit=1):
                self.with_company(company).create({"company_id": company.id, "month": month}).action_prepare()
                self.env["ir.cron"]._commit_progress(1)
