from __future__ import annotations

from collections import defaultdict
from typing import Any

from odoo import api, models


class EmobilityInvoicing(models.AbstractModel):
    _inherit = "emobility.invoicing"

    def _line_extras(self, bucket: Any) -> dict[str, Any]:
        extras = super()._line_extras(bucket)
        distribution = self._analytic_distribution(bucket.lines)
        return {**extras, "analytic_distribution": distribution} if distribution else extras

    @api.model
    def _analytic_distribution(self, rating_lines: list[Any]) -> dict[str, float]:
        """Analytic accounts of rating lines and their shares of the amount; empty when the company wants none.

        What has no analytic account has no share: the rest of the line stays without one.
        """
        mode = rating_lines[0].company_id.emobility_analytic
        if mode == "none":
            return {}
        amounts: dict[str, float] = defaultdict(float)
        for line in rating_lines:
            if key := self._analytic_key(line.rating_id, mode):
                amounts[key] += line.amount
        total = sum(line.amount for line in rating_lines)
        if not total:
            return {}
        return {key: round(100 * amount / total, 2) for key, amount in sorted(amounts.items()) if amount}

    @api.model
    def _analytic_key(self, rating: Any, mode: str) -> str:
        accounts = []
        if mode in ("location", "both"):
            accounts.append(rating.location_id.analytic_account_id)
        if mode in ("group", "both"):
            accounts.append(rating.partner_id.customer_group_id.analytic_account_id)
        return ",".join(str(account.id) for account in accounts if account)
