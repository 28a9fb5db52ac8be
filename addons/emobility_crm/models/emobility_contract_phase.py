from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class EmobilityContractPhase(models.Model):
    """A span of days in which a contract has one plan. Sessions have the prices of the plan of their day."""

    _name = "emobility.contract.phase"
    _description = "Plan of a Charging Contract"
    _order = "date_start desc, id desc"
    _rec_name = "plan_id"
    _check_company_auto = True

    contract_id = fields.Many2one(
        "contract.contract", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    plan_id = fields.Many2one(
        "product.template", string="Charging Plan", required=True, readonly=True, index=True, ondelete="restrict"
    )
    date_start = fields.Date("First Day", required=True, readonly=True)
    date_end = fields.Date("Last Day", readonly=True, help="Empty: no end.")
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)

    _date_order = models.Constraint(
        "CHECK (date_end IS NULL OR date_end >= date_start)", "The last day is before the first day."
    )
    _start_uniq = models.UniqueIndex(
        "(contract_id, date_start)", "This contract has a plan that begins on the same day already."
    )

    @api.depends("plan_id.name", "date_start")
    def _compute_display_name(self) -> None:
        for phase in self:
            # A customer may read the name of their plan, but no products.
            phase.display_name = f"{phase.sudo().plan_id.name or ''} ({phase.date_start or ''})"

    @api.constrains("contract_id", "date_start", "date_end")
    def _check_overlap(self) -> None:
        for contract in self.contract_id:
            phases = contract.phase_ids.sorted("date_start")
            for earlier, later in zip(phases, phases[1:], strict=False):
                if not earlier.date_end or earlier.date_end >= later.date_start:
                    raise ValidationError(
                        self.env._(
                            "%(contract)s would have two plans on %(day)s: %(first)s and %(second)s.",
                            contract=contract.display_name,
                            day=later.date_start,
                            first=earlier.plan_id.display_name,
                            second=later.plan_id.display_name,
                        )
                    )

    def _covers(self, day: date) -> bool:
        """Whether the contract has this plan on a day."""
        self.ensure_one()
        return self.date_start <= day and (not self.date_end or day <= self.date_end)

    def _days_in(self, first: date, last: date) -> int:
        """How many days of a span belong to this phase."""
        self.ensure_one()
        start = max(first, self.date_start)
        end = min(last, self.date_end or last)
        return max(0, (end - start).days + 1)
