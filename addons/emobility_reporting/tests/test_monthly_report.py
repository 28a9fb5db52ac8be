from __future__ import annotations

from datetime import datetime
from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestMonthlyReport(ReportingCommon):
    def _report(self):
        return self.env["emobility.monthly.report"].create(
            {"company_id": self.company.id, "month": "2026-06-20"}
        )

    def test_figures_and_pictures_of_the_month(self) -> None:
        self._session("M1", datetime(2026, 6, 3, 8), "17.345")
        report = self._report()
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "emobility_reporting.report_monthly", report.ids
        )
        text = html.decode()
        self.assertIn("June 2026", text)
        self.assertEqual(text.count("<svg"), 4)
        self.assertIn("Marktplatz", text)
        self.assertIn("17", text)

    def test_readers_get_it_once_in_their_language(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        readers = self.env["res.partner"].create(
            [
                {"name": "Ann", "email": "ann@example.com"},
                {"name": "Bernd", "email": "bernd@example.com", "lang": "de_DE"},
                {"name": "No mail"},
            ]
        )
        self.company.emobility_report_partner_ids = [Command.set(readers.ids)]
        report = self._report()
        with self.running_jobs():
            report.action_send()
        mails = self.env["mail.mail"].search([("model", "=", report._name), ("res_id", "=", report.id)])
        self.assertEqual(mails.recipient_ids, readers[:2])
        self.assertEqual({len(mail.attachment_ids) for mail in mails}, {1})
        subjects = {mail.recipient_ids: mail.subject for mail in mails}
        self.assertIn("June 2026", subjects[readers[0]])
        self.assertIn("Juni 2026", subjects[readers[1]])
        report._send()
        self.assertEqual(
            self.env["mail.mail"].search_count([("res_id", "=", report.id), ("model", "=", report._name)]), 2
        )

    def test_it_comes_by_itself_where_somebody_reads_it(self) -> None:
        model = self.env["emobility.monthly.report"]
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            with self.running_jobs():
                model._cron_send()
            self.assertFalse(model.search([("company_id", "=", self.company.id)]))
            self.company.emobility_report_partner_ids = self.driver
            with self.running_jobs():
                model._cron_send()
                model._cron_send()
        [report] = model.search([("company_id", "=", self.company.id)])
        self.assertTrue(report.is_sent)
