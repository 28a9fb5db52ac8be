from __future__ import annotations

from datetime import date
from typing import Any

from odoo import api, fields, models


class EmobilityAllowance(models.Model):
    """What the plan of a contract includes in a month, and how much of it is used."""

    _name = "emobility.allowance"
    _description = "Included Charging of a Month"
    _order = "month desc, id desc"
    _check_company_auto = True

    contract_id = fields.Many2one(
        "contract.contract", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer")
    month = fields.Date(required=True, readonly=True, help="The first day of the month.")
    included_kwh = fields.Float(
        "Included (kWh)",
        digits=(16, 3),
        compute="_compute_included",
        help="In a month in which the plan began, changed or ended, the part for its days.",
    )
    included_sessions = fields.Integer(compute="_compute_included")
    used_kwh = fields.Float("Used (kWh)", digits=(16, 3), readonly=True)
    used_sessions = fields.Integer(readonly=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)

    _month_uniq = models.UniqueIndex("(contract_id, month)", "This contract has a row for this month already.")

    @api.depends("contract_id", "month")
    def _compute_display_name(self) -> None:
        for allowance in self:
            allowance.display_name = f"{allowance.contract_id.display_name} {allowance.month:%Y-%m}"

    @api.depends("contract_id.phase_ids.date_start", "contract_id.phase_ids.date_end", "contract_id.phase_ids.plan_id")
    def _compute_included(self) -> None:
        for allowance in self:
            kwh, sessions = allowance.contract_id._included_in_month(allowance.month)
            allowance.included_kwh = kwh
            allowance.included_sessions = sessions

    @api.model
    def _of(self, contract: Any, day: date, *, keep: bool = True) -> EmobilityAllowance:
        """The row of the month of a day. Empty: nothing is included.

        :param keep: make the row when the contract has none yet; else that row is not stored
        """
        month = day.replace(day=1)
        found = self.search([("contract_id", "=", contract.id), ("month", "=", month)])
        if found or not any(contract._included_in_month(month)):
            return found
        values = {"contract_id": contract.id, "month": month}
        return self.create(values) if keep else self.new(values)
