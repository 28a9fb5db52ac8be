from __future__ import annotations

from typing import Any

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class EmobilityInstalmentPlan(models.Model):
    """The open amount of some invoices, split into dates. While it is kept, nobody is reminded or blocked."""

    _name = "emobility.instalment.plan"
    _description = "Instalment plan"
    _inherit = "mail.thread"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one("res.currency", required=True, default=lambda self: self.env.company.currency_id)
    partner_id = fields.Many2one("res.partner", "Payer", required=True, index=True)
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        check_company=True,
        domain="[('commercial_partner_id', '=', partner_id), ('company_id', '=', company_id),"
        " ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'), ('currency_id', '=', currency_id),"
        " ('payment_state', 'in', ('not_paid', 'partial'))]",
    )
    count = fields.Integer("Number of instalments", default=3)
    first_date = fields.Date("First on", default=fields.Date.context_today)
    interval_months = fields.Integer("Every (months)", default=1)
    grace_days = fields.Integer("Days of grace", default=5)
    total = fields.Monetary(readonly=True, copy=False, help="What was open when the plan began.")
    open_amount = fields.Monetary("Open", compute="_compute_open_amount")
    paid_amount = fields.Monetary("Paid", compute="_compute_open_amount")
    paid_percent = fields.Float(compute="_compute_open_amount")
    line_ids = fields.One2many("emobility.instalment", "plan_id", "Instalments", copy=False)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("active", "Kept"),
            ("broken", "Broken"),
            ("done", "Paid"),
            ("cancelled", "Cancelled"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )

    _numbers_positive = models.Constraint(
        "CHECK (count > 0 AND count <= 60 AND interval_months > 0 AND grace_days >= 0)",
        "A plan has 1 to 60 instalments, at least a month apart.",
    )

    @api.depends("partner_id", "count")
    def _compute_name(self) -> None:
        for plan in self:
            plan.name = self.env._(
                "%(payer)s: %(count)s instalments", payer=plan.partner_id.name or "", count=plan.count
            )

    @api.depends("move_ids.amount_residual", "total")
    def _compute_open_amount(self) -> None:
        for plan in self:
            plan.open_amount = sum(plan.move_ids.mapped("amount_residual"))
            plan.paid_amount = max(plan.total - plan.open_amount, 0.0) if plan.total else 0.0
            plan.paid_percent = 100 * plan.paid_amount / plan.total if plan.total else 0.0

    @api.constrains("move_ids", "currency_id", "partner_id")
    def _check_moves(self) -> None:
        for plan in self:
            wrong = plan.move_ids.filtered(
                lambda move, plan=plan: (
                    move.currency_id != plan.currency_id
                    or move.commercial_partner_id != plan.partner_id.commercial_partner_id
                    or move.move_type != "out_invoice"
                )
            )
            if wrong:
                raise ValidationError(
                    self.env._("%s is not an invoice of this payer in this currency.", wrong[0].display_name)
                )

    def action_start(self) -> None:
        """Split what is open now, and give the payer time."""
        for plan in self:
            if plan.state != "draft":
                raise UserError(self.env._("The plan has begun already."))
            busy = plan.move_ids.emobility_instalment_plan_id.filtered(lambda one: one.state == "active")
            if busy:
                raise UserError(self.env._("There is a plan for these invoices already: %s.", busy[0].name))
            if plan.currency_id.compare_amounts(plan.open_amount, 0) <= 0:
                raise UserError(self.env._("Choose invoices that are open."))
            plan.total = plan.open_amount
            # Only the plan makes its instalments.
            plan.sudo().line_ids = [fields.Command.create(values) for values in plan._instalments()]
            plan.state = "active"
            plan.move_ids.sudo().emobility_instalment_plan_id = plan
            plan._review_contracts()

    def _instalments(self) -> list[dict[str, Any]]:
        """Equal amounts; the last one takes what rounding leaves."""
        each = self.currency_id.round(self.total / self.count)
        rest = self.currency_id.round(self.total - each * (self.count - 1))
        return [
            {
                "date": self.first_date + relativedelta(months=number * self.interval_months),
                "amount": each if number < self.count - 1 else rest,
            }
            for number in range(self.count)
        ]

    def action_cancel(self) -> None:
        """End the agreement: what is open is reminded of again."""
        self.filtered(lambda plan: plan.state in ("draft", "active", "broken")).state = "cancelled"
        self._review_contracts()

    def _is_kept(self) -> bool:
        """Whether the payer keeps to the plan. An empty recordset is no plan."""
        return any(plan.state == "active" for plan in self)

    def _check(self) -> None:
        """Close the plan that is paid, and end the one that is not kept."""
        today = fields.Date.context_today(self)
        for plan in self.filtered(lambda one: one.state == "active"):
            plan.invalidate_recordset(["open_amount", "paid_amount"])
            limit = today - relativedelta(days=plan.grace_days)
            due = sum(plan.line_ids.filtered(lambda line, limit=limit: line.date < limit).mapped("amount"))
            if plan.currency_id.is_zero(plan.open_amount):
                plan.state = "done"
            elif plan.currency_id.compare_amounts(due, plan.paid_amount) > 0:
                plan.state = "broken"
                plan._review_contracts()

    def _review_contracts(self) -> None:
        self.move_ids.emobility_contract_id.sudo()._review_payment_block()

    @api.model
    def _cron_check(self) -> None:
        self.search([("state", "=", "active")])._check()

    def action_view_moves(self) -> dict[str, Any]:
        """Invoices of these plans."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.move_ids.ids)], self.env._("Invoices")
        )
