from __future__ import annotations

from typing import Any

from odoo import fields, models

from ..models.rating import RELATIONS


class EmobilityPriceCheckLine(models.TransientModel):
    """Something wrong in the price matrix."""

    _name = "emobility.price.check.line"
    _description = "Finding in the Price Matrix"
    _order = "kind, contract_count desc, id"

    check_id = fields.Many2one("emobility.price.check", required=True, index=True, ondelete="cascade")
    kind = fields.Selection(
        [
            ("conflict", "Conflict"),
            ("currency", "Price of the Plan in Another Currency"),
            ("hole", "Hole"),
            ("no_price", "Tariff Without Prices"),
            ("shadowed", "Never Counts"),
        ],
        required=True,
    )
    relation = fields.Selection(RELATIONS)
    rule_id = fields.Many2one("emobility.price.rule", ondelete="cascade")
    other_rule_id = fields.Many2one("emobility.price.rule", ondelete="cascade")
    criteria = fields.Char(related="rule_id.criteria", string="For")
    plan_id = fields.Many2one("product.template", "Charging Plan", ondelete="cascade")
    contract_count = fields.Integer("Contracts")
    connector_count = fields.Integer("Connectors")
    description = fields.Char()

    def action_open_rules(self) -> dict[str, Any]:
        """The rules of this finding; for a hole the rules of the relation."""
        self.ensure_one()
        rules = self.rule_id | self.other_rule_id
        domain = [("id", "in", rules.ids)] if rules else [("relation", "=", self.relation)]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Price Rules"),
            "res_model": "emobility.price.rule",
            "view_mode": "list,form",
            "domain": domain,
            "context": {"default_plan_id": self.plan_id.id, "default_relation": self.relation or "retail"},
        }
