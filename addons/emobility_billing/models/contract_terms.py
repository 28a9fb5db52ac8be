from __future__ import annotations

from datetime import date
from typing import Any

from odoo import api, models
from odoo.exceptions import UserError


class ContractContract(models.Model):
    """What the plan of a contract means for prices: there has to be one, and what is included has none."""

    _inherit = "contract.contract"

    def _begin(self) -> Any:
        self.filtered(lambda one: not one.activated_on)._check_plan_has_price()
        return super()._begin()

    def _begin_first_phases(self) -> Any:
        self.filtered(lambda one: one.activated_on and not one.phase_ids)._check_plan_has_price()
        return super()._begin_first_phases()

    def _check_plan_change(self, plan: Any, day: date, today: date) -> Any:
        if not plan._with_price(self.company_id):
            raise UserError(
                self.env._(
                    "%(contract)s cannot have the plan %(plan)s: no retail price rule of %(company)s fits it, so that "
                    "its sessions would have no price. Add one under Pricing, Price Rules, for this plan or for all "
                    "plans.",
                    contract=self.display_name,
                    plan=plan.name,
                    company=self.company_id.name,
                )
            )
        return super()._check_plan_change(plan, day, today)

    def _check_plan_has_price(self) -> None:
        """A plan without any price would let people charge, and hold each of their sessions."""
        for contract in self.sudo().filtered(lambda one: one.plan_id and one.plan_without_price):
            raise UserError(
                self.env._(
                    "%(contract)s cannot be activated: no retail price rule of %(company)s fits its plan %(plan)s, "
                    "so that its sessions would have no price. Add one under Pricing, Price Rules, for this plan or "
                    "for all plans.",
                    contract=contract.display_name,
                    company=contract.company_id.name,
                    plan=contract.plan_id.name,
                )
            )

    @api.depends("plan_id", "company_id", "is_charging")
    def _compute_plan_without_price(self) -> None:
        priced = self.env["emobility.price.rule"]._priced_plans(self.company_id, self.plan_id)
        for contract in self:
            contract.plan_without_price = (
                contract.is_charging and (contract.company_id.id, contract.plan_id.id) not in priced
            )

    def _included_text(self, day: date, currency: Any = None) -> str:
        """What the plan of a day includes, how much of it is used, and what is beyond it; empty: nothing.

        :param currency: of the tariff that is talked about; None: of any
        """
        self.ensure_one()
        plan = self._plan_on(day).with_company(self.company_id)
        allowance = self.env["emobility.allowance"].sudo()._of(self, day, keep=False)
        texts = []
        if allowance.included_sessions:
            texts.append(
                self.env._(
                    "%(used)s of %(included)s sessions of the month that are included are used.",
                    used=allowance.used_sessions,
                    included=allowance.included_sessions,
                )
            )
        if allowance.included_kwh:
            texts.append(
                self.env._(
                    "%(used)s of %(included)s kWh of the month that are included are used.",
                    used=f"{allowance.used_kwh:g}",
                    included=f"{allowance.included_kwh:g}",
                )
            )
        if plan._has_session_overage_price(currency):
            texts.append(
                self.env._("Each session beyond them costs %(price)s.", price=plan._session_overage_price_text())
            )
        if plan._has_overage_price(currency):
            texts.append(
                self.env._(
                    "Energy beyond them costs %(price)s per kWh.",
                    price=plan._overage_price_text(),
                )
            )
        return " ".join(texts)
