from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityBillingRun(models.Model):
    _inherit = "emobility.billing.run"

    def _snapshot_groups_of(self, domain: list[Any]) -> list[tuple[Any, ...]]:
        """Customers with one invoice for all contracts have one line for them."""
        single: list[tuple[Any, ...]] = []
        joined: dict[tuple[int, int], tuple[Any, ...]] = {}
        none = self.env["contract.contract"]
        for contract, partner, currency, amount, ids in super()._snapshot_groups_of(domain):
            if not partner.emobility_one_invoice:
                single.append((contract, partner, currency, amount, ids))
                continue
            key = (partner.id, currency.id)
            known = joined.get(key, (none, partner, currency, 0.0, []))
            joined[key] = (none, partner, currency, currency.round(known[3] + amount), [*known[4], *ids])
        return [*single, *joined.values()]
