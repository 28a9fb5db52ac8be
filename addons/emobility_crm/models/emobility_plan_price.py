from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityPlanPrice(models.Model):
    """A change of the base fee of a plan: announced to the customers first, then applied on its day."""

    _name = "emobility.plan.price"
    _description = "Price Change of a Charging Plan"
    _order = "date_from desc, id desc"
    _rec_name = "date_from"

    plan_id = fields.Many2one(
        "product.template",
        string="Charging Plan",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("is_charging_plan", "=", True)],
    )
    date_from = fields.Date("From", required=True, help="The first day with the new base fee.")
    base_fee = fields.Monetary("New Base Fee", required=True)
    previous_fee = fields.Monetary("Fee Before", readonly=True, help="Kept when the change is applied.")
    announced_on = fields.Date(readonly=True)
    notice_days = fields.Integer(
        default=30, help="At least so many days lie between the announcement and the first day."
    )
    message = fields.Html(
        translate=True, help="What customers read. Empty: a sentence with the plan, the fee and the day."
    )
    state = fields.Selection(
        [("draft", "Draft"), ("announced", "Announced"), ("applied", "Applied")],
        default="draft",
        required=True,
        readonly=True,
        index=True,
    )
    currency_id = fields.Many2one(related="plan_id.currency_id")
    company_id = fields.Many2one(related="plan_id.company_id", store=True, index=True)

    _date_uniq = models.UniqueIndex(
        "(plan_id, date_from)", "The plan has a price change on the same day already."
    )
    _fee_not_negative = models.Constraint(
        "CHECK (base_fee >= 0 AND notice_days >= 0)", "The base fee and the notice cannot be negative."
    )

    def write(self, vals: dict) -> bool:
        if {"date_from", "base_fee", "plan_id"} & vals.keys():
            for change in self:
                if change.state != "draft":
                    raise UserError(
                        self.env._(
                            "The price change of %(plan)s on %(day)s was announced: it cannot change any more.",
                            plan=change.plan_id.display_name,
                            day=change.date_from,
                        )
                    )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_drafts_only(self) -> None:
        if any(change.state == "applied" for change in self):
            raise UserError(self.env._("A price change that was applied cannot be deleted."))

    def action_announce(self) -> None:
        """Tell the customers of the plan, in the chatter of their contracts, and fix the change."""
        today = fields.Date.context_today(self)
        for change in self:
            if change.state != "draft":
                raise UserError(self.env._("This price change was announced already."))
            if change.date_from < today + timedelta(days=change.notice_days):
                raise UserError(
                    self.env._(
                        "The new fee of %(plan)s can begin on %(day)s at the earliest: customers have to know "
                        "%(count)s days before.",
                        plan=change.plan_id.display_name,
                        day=today + timedelta(days=change.notice_days),
                        count=change.notice_days,
                    )
                )
            change.write({"state": "announced", "announced_on": today})
            change._tell_customers()

    def _tell_customers(self) -> None:
        self.ensure_one()
        contracts = self.env["contract.contract"].search(
            [("plan_id", "=", self.plan_id.id), ("charging_state", "in", ["active", "suspended"])]
        )
        for contract in contracts:
            lang = contract.partner_id.lang or self.env.lang
            here = self.with_context(lang=lang)
            body = here.message or here.env._(
                "The base fee of %(plan)s changes to %(fee)s on %(day)s.",
                plan=here.plan_id.name,
                fee=here.currency_id.format(here.base_fee),
                day=here.date_from,
            )
            contract.message_post(
                body=body,
                subject=here.env._("Change of price: %(plan)s", plan=here.plan_id.name),
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=contract.partner_id.ids,
            )

    @api.model
    def _cron_apply(self) -> None:
        """Apply what is announced for today or earlier; a contract at a time, so that it can go on later."""
        due = self.search(
            [("state", "=", "announced"), ("date_from", "<=", fields.Date.context_today(self))],
            order="date_from, id",
        )
        for number, change in enumerate(due, 1):
            change._apply()
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(due) - number):
                return

    def _apply(self) -> None:
        """From its day on the contracts of the plan have a base fee line with the new price."""
        self.ensure_one()
        plan = self.plan_id
        previous = plan.plan_base_fee
        contracts = self.env["contract.contract"].search(
            [("plan_id", "=", plan.id), ("charging_state", "in", ["active", "suspended"])]
        )
        plan.plan_base_fee = self.base_fee
        for contract in contracts:
            contract._restart_base_fee(self.date_from)
        self.write({"state": "applied", "previous_fee": previous})
