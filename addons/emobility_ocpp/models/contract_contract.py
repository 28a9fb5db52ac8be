from datetime import date
from typing import Any

from odoo import api, fields, models

# What of a contract decides whether its tokens may charge.
_DECISIVE = {"charging_state", "is_charging", "active"}
# What of it decides what they pay.
_PRICING = {"plan_id", "partner_id", "invoice_partner_id"}


class ContractContract(models.Model):
    _inherit = "contract.contract"

    ocpp_price_group = fields.Char(
        "Price Group", readonly=True, copy=False, help="Contracts of one group pay the same wherever they charge."
    )

    def write(self, vals: dict[str, Any]) -> bool:
        if vals.keys() & _PRICING:
            vals = vals | {"ocpp_price_group": False}  # not known until contracts are sorted again
        result = super().write(vals)
        if vals.keys() & (_DECISIVE | {"ocpp_price_group"}):
            self.sudo().token_ids._record_ocpp_change()
        return result

    @api.model
    def _refresh_price_groups(self, company: models.Model, day: date) -> dict[str, models.Model]:
        """Sort the contracts of a company into groups that pay the same on a day, wherever they charge.

        :return: by group, one contract of it
        """
        rules = self.env["emobility.price.rule"].search(
            [("company_id", "=", company.id), ("relation", "=", "retail")]
        )
        partners, customer_groups = set(rules.partner_id.ids), set(rules.customer_group_id.ids)
        contracts = self.search(
            [
                ("company_id", "=", company.id),
                ("is_charging", "=", True),
                ("charging_state", "in", ("active", "suspended")),
            ]
        )
        groups: dict[str, models.Model] = {}
        for contract in contracts:
            payer = rules._payer(contract, None)
            named = [
                ("plan", contract._plan_on(day).ids),
                ("partner", sorted(partners.intersection((payer | payer.commercial_partner_id).ids))),
                ("group", sorted(customer_groups.intersection(rules._customer_groups(payer, company).ids))),
            ]
            group = "; ".join(f"{axis} {','.join(map(str, ids))}" for axis, ids in named if ids) or "all"
            if contract.ocpp_price_group != group:
                contract.ocpp_price_group = group
            groups.setdefault(group, contract)
        return groups
