from __future__ import annotations

from odoo import api, fields, models


class CreditControlRun(models.Model):
    _inherit = "credit.control.run"

    @api.model
    def _cron_remind(self) -> None:
        """Remind what is due today, in each company that has a policy. Letters wait for a person to print them."""
        for company in self.env["res.company"].search([("credit_policy_id", "!=", False)]):
            self.with_company(company)._remind(company)

    @api.model
    def _remind(self, company: models.BaseModel) -> models.BaseModel:
        run = self.create(
            {
                "date": fields.Date.context_today(self),
                "company_id": company.id,
                "policy_ids": [fields.Command.set(company.credit_policy_id.ids)],
            }
        )
        run.generate_credit_lines()
        if not run.line_ids:
            run.unlink()
            return run.browse()
        run.set_to_ready_lines()
        mails = run.line_ids.filtered(lambda line: line.state == "to_be_sent" and line.channel == "email")
        reminders = self.env["credit.control.communication"]._generate_comm_from_credit_lines(mails)
        reminders._generate_emails()
        return run
