from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError

STAFF = "emobility_crm.group_user,emobility_crm.group_auditor"


class ProductTemplate(models.Model):
    """The tariffs that a charging plan opens."""

    _inherit = "product.template"

    plan_rule_count = fields.Integer("Price Rules", compute="_compute_plan_rules", groups=STAFF)
    plan_tariff_ids = fields.Many2many(
        "emobility.tariff",
        string="Tariffs",
        compute="_compute_plan_rules",
        groups=STAFF,
        help="Of the retail price rules for this plan, or for all plans.",
    )

    def _compute_plan_rules(self) -> None:
        rules = self.env["emobility.price.rule"].search(
            [("relation", "=", "retail"), ("plan_id", "in", [False, *self.ids])]
        )
        general = rules.filtered(lambda rule: not rule.plan_id)
        for plan in self:
            fitting = general | rules.filtered(lambda rule, plan=plan: rule.plan_id == plan)
            plan.plan_rule_count = len(fitting)
            plan.plan_tariff_ids = fitting.tariff_id

    @api.constrains("plan_is_offered", "is_charging_plan")
    def _check_offered_plan_has_price(self) -> None:
        for plan in self.filtered(lambda one: one.is_charging_plan and one.plan_is_offered):
            company = plan.company_id or self.env.company
            if not plan._with_price(company):
                raise ValidationError(
                    self.env._(
                        "%(plan)s cannot be offered in the portal: no retail price rule of %(company)s fits it, so "
                        "that sessions would have no price. Add one first, for this plan or for all plans.",
                        plan=plan.name,
                        company=company.name,
                    )
                )

    def _with_price(self, company: Any) -> ProductTemplate:
        """Those of these plans to which a price rule of the company fits."""
        priced = self.env["emobility.price.rule"]._priced_plans(company, self)
        return self.filtered(lambda plan: (company.id, plan.id) in priced)

    @api.constrains(
        "is_charging_plan",
        "plan_included_kwh",
        "plan_overage",
        "plan_included_sessions",
        "plan_session_overage",
        "plan_overage_currency_id",
    )
    def _check_overage_currency(self) -> None:
        """A price beyond what is included that no tariff of the plan could ever use is a mistake."""
        for plan in self.filtered(lambda one: one._has_overage_price() or one._has_session_overage_price()):
            rules = self.env["emobility.price.rule"].sudo().search(
                [("relation", "=", "retail"), ("plan_id", "in", [False, plan.id])]
            )
            fitting = rules.tariff_id.filtered(lambda tariff, plan=plan: plan._knows_currency(tariff.currency_id))
            wrong = rules.filtered(lambda rule, plan=plan: rule.plan_id == plan).tariff_id - fitting
            if not fitting:
                wrong = rules.tariff_id
            if wrong:
                raise ValidationError(
                    self.env._(
                        "%(plan)s has a price in %(currency)s for what is beyond the included charging, but its tariff "
                        "%(tariff)s is in %(other)s: choose the same currency for both.",
                        plan=plan.name,
                        currency=plan._overage_currency().name,
                        tariff=wrong[:1].name,
                        other=wrong[:1].currency_id.name,
                    )
                )

    def action_view_plan_rules(self) -> dict[str, Any]:
        """Price rules that sessions with this plan can have."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Prices of %(plan)s", plan=self.name),
            "res_model": "emobility.price.rule",
            "view_mode": "list,form",
            "domain": [("relation", "=", "retail"), ("plan_id", "in", [False, self.id])],
            "context": {"default_plan_id": self.id, "default_relation": "retail"},
        }
