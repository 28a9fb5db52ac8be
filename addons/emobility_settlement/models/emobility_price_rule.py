from __future__ import annotations

from typing import Any

from odoo import api, models


class EmobilityPriceRule(models.Model):
    """A wholesale price that begins or ends to count is news for the partners that pay it."""

    _inherit = "emobility.price.rule"

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityPriceRule:
        rules = super().create(vals_list)
        rules._tell_partners()
        return rules

    def write(self, vals: dict[str, Any]) -> bool:
        self._tell_partners()
        result = super().write(vals)
        self._tell_partners()
        return result

    def unlink(self) -> bool:
        self._tell_partners()
        return super().unlink()

    def _tell_partners(self) -> None:
        wholesale = self.filtered(lambda rule: rule.relation == "wholesale")
        if not wholesale:
            return
        agreements = self.env["emobility.roaming.agreement"].sudo().search(
            [("direction", "=", "sell"), ("company_id", "in", wholesale.company_id.ids)]
        )
        agreements.filtered(lambda one: wholesale.filtered_domain(one._rule_domain()))._tell_partner()
