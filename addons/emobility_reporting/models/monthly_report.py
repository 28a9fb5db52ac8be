from __future__ import annotations

import base64
from typing import Any

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from odoo.addons.emobility_billing.jobs import enqueue

from .. import charts


class EmobilityMonthlyReport(models.Model):
    """The dashboard of a month as a PDF, for people who read it in the mail."""

    _name = "emobility.monthly.report"
    _inherit = ["mail.thread"]
    _description = "Monthly Charging Report"
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
    is_sent = fields.Boolean("Sent", readonly=True, copy=False)

    _one_per_month = models.UniqueIndex("(company_id, month)", "This month has a report already.")

    @api.depends("month", "company_id.name")
    def _compute_name(self) -> None:
        for report in self:
            month = f"{report.month:%Y-%m}" if report.month else ""
            report.name = f"{report.company_id.name} {month}".strip()

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityMonthlyReport:
        for vals in vals_list:
            if vals.get("month"):
                vals["month"] = fields.Date.to_date(vals["month"]).replace(day=1)
        return super().create(vals_list)

    def write(self, vals: dict[str, Any]) -> bool:
        if vals.get("month"):
            vals = {**vals, "month": fields.Date.to_date(vals["month"]).replace(day=1)}
        return super().write(vals)

    # What it prints

    def _figures(self) -> dict[str, Any]:
        self.ensure_one()
        last = fields.Date.end_of(self.month, "month")
        board = self.env["emobility.dashboard"].sudo().with_company(self.company_id)
        return board.get_figures(str(self.month), str(last))

    def _month_text(self) -> str:
        return format_date(self.env, self.month, date_format="MMMM yyyy")

    def _money(self, value: float, digits: int | None = None) -> str:
        return formatLang(self.env, value, digits=digits, currency_obj=self.company_id.currency_id)

    def _number(self, value: float, digits: int = 0) -> str:
        return formatLang(self.env, value, digits=digits)

    def _change(self, figures: dict[str, Any], name: str) -> str:
        """How a total compares with that of the period before, in percent; empty when there was none."""
        before = figures["previous"][name]
        if not before:
            return ""
        return f"{100 * (figures['totals'][name] - before) / abs(before):+.0f} %"

    def _column_chart(self, rows: list[dict[str, Any]], name: str, unit: str = "") -> Markup:
        values = [(row["label"][-2:], row[name] or 0) for row in rows]
        colour = charts.BLUE if name == "revenue" else charts.GREEN
        return Markup(charts.columns(values, self._writer(unit), colour=colour))

    def _bar_chart(self, rows: list[dict[str, Any]], name: str, unit: str = "") -> Markup:
        return Markup(charts.bars([(row["label"], row[name] or 0) for row in rows], self._writer(unit)))

    def _writer(self, unit: str) -> Any:
        if unit:
            return lambda value: f"{self._number(value)} {unit}".strip()
        return lambda value: formatLang(self.env, value, digits=0) + f" {self.company_id.currency_id.symbol}"

    # Sending

    def action_send(self) -> None:
        """Mail the report to the readers that the settings name, again if need be."""
        self.check_access("write")
        for report in self:
            report.is_sent = False
            enqueue(
                report,
                f"emobility.monthly.report:{report.id}",
                self.env._("Send the monthly report %s", report.name),
            )._send()

    def _send(self) -> None:
        """Job: make the PDF and mail it, each reader in the own language, once."""
        self.ensure_one()
        if self.is_sent:
            return
        template = self.env.ref("emobility_reporting.mail_template_monthly_report")
        for partner in self.company_id.emobility_report_partner_ids.filtered("email"):
            report = self.with_context(lang=partner.lang or self.env.lang)
            content, _kind = (
                report.env["ir.actions.report"]
                .sudo()
                ._render_qweb_pdf("emobility_reporting.report_monthly", self.ids)
            )
            file = self.env["ir.attachment"].create(
                {
                    "name": f"{self.name}.pdf",
                    "datas": base64.b64encode(content),
                    "mimetype": "application/pdf",
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
            template.with_context(lang=report.env.lang).send_mail(
                self.id,
                email_values={
                    "recipient_ids": [fields.Command.set(partner.ids)],
                    "attachment_ids": [fields.Command.link(file.id)],
                },
            )
        self.is_sent = True

    @api.model
    def _cron_send(self) -> None:
        """Last month's report of each company with readers, once."""
        month = fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1)
        for company in self.env["res.company"].search([("emobility_report_partner_ids", "!=", False)]):
            if not self.search_count([("company_id", "=", company.id), ("month", "=", month)], limit=1):
                self.with_company(company).create({"company_id": company.id, "month": month}).action_send()
                self.env["ir.cron"]._commit_progress(1)
