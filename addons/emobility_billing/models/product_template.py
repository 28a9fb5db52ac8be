from __future__ import annotations

from typing import Any

from odoo import fields, models

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
