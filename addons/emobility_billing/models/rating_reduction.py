from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from .discount import ALLOWANCE_PRODUCT, AMOUNT, DISCOUNT_PRODUCT, ENERGY, PERCENT, VOUCHER

if TYPE_CHECKING:
    from ..rating import Rating


class EmobilityRating(models.Model):
    """What is taken off the price of a session: first what the plan includes, then discounts."""

    _inherit = "emobility.rating"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _create_from_result(
        self, cdr: Any, relation: str, contract: Any, partner: Any, version: Any, result: Rating
    ) -> EmobilityRating:
        rating = super()._create_from_result(cdr, relation, contract, partner, version, result)
        if relation == "retail" and contract:
            rating._take_off_allowance()
            rating._take_off_discounts()
        return rating

    def _create_credit(self, credit_cdr: Any) -> EmobilityRating:
        for line in self.line_ids:
            line._give_back()
        return super()._create_credit(credit_cdr)

    def _local_start(self) -> date:
        zone = ZoneInfo(self.location_id.time_zone or "UTC")
        return self.cdr_id.start_at.replace(tzinfo=UTC).astimezone(zone).date()

    def _take_off_allowance(self) -> None:
        self.ensure_one()
        allowance = self.env["emobility.allowance"].sudo()._of(self.contract_id, self._local_start())
        if not allowance or self.amount_total <= 0:
            return
        if allowance.used_sessions < allowance.included_sessions:
            allowance.used_sessions += 1
            self._add_reduction(
                "ALLOWANCE",
                self.amount_total,
                quantity=1.0,
                unit="session",
                allowance_id=allowance.id,
                description=self._in_language().env._(
                    "Session included in the plan (%(used)s of %(included)s)",
                    used=allowance.used_sessions,
                    included=allowance.included_sessions,
                ),
            )
            return
        covered, amount = self._energy_worth(allowance.included_kwh - allowance.used_kwh)
        if covered > 0:
            allowance.used_kwh += covered
            self._add_reduction(
                "ALLOWANCE",
                amount,
                quantity=covered,
                unit="kWh",
                allowance_id=allowance.id,
                description=self._in_language().env._(
                    "Energy included in the plan: %(covered)s kWh (%(used)s of %(included)s kWh)",
                    covered=f"{covered:g}",
                    used=f"{allowance.used_kwh:g}",
                    included=f"{allowance.included_kwh:g}",
                ),
            )

    def _take_off_discounts(self) -> None:
        self.ensure_one()
        day = self._local_start()
        combined = True
        for discount in self.env["emobility.discount"].sudo()._candidates(self.contract_id):
            if self.amount_total <= 0 or not combined:
                return
            taken = bool(self.line_ids.discount_id)
            if (taken and not discount.is_combinable) or not discount._fits_session(day, self.location_id):
                continue
            if self._take_off(discount):
                combined = discount.is_combinable

    def _take_off(self, discount: Any) -> bool:
        """Take one discount off, as far as its limits allow; tell whether there was something to take off."""
        use = discount._use_of(self.contract_id)
        if not discount._knows_currency(self.currency_id):
            return False
        if discount.max_sessions and use.session_count >= discount.max_sessions:
            return False
        if not use and discount.max_contracts:
            discount._lock()
            if len(discount.use_ids) >= discount.max_contracts:
                return False
        kwh, amount = self._worth(discount, use)
        amount = self._within_limits(discount, use, amount)
        if self.currency_id.compare_amounts(amount, 0) <= 0:
            return False
        use = use or discount._use_of(self.contract_id, create=True)
        use.write(
            {
                "session_count": use.session_count + 1,
                "energy_kwh": use.energy_kwh + kwh,
                "amount": use.amount + amount,
            }
        )
        if discount.budget:
            discount.budget_used += amount
        self._add_reduction(
            "DISCOUNT",
            amount,
            quantity=kwh,
            unit="kWh" if kwh else "",
            discount_id=discount.id,
            description=self._reduction_text(discount, kwh),
        )
        return True

    def _reduction_text(self, discount: Any, kwh: float) -> str:
        name = discount.with_context(lang=self.partner_id.lang or self.env.lang).name
        if discount.kind == PERCENT:
            return f"{name} ({discount.value:g} %)"
        return f"{name} ({kwh:g} kWh)" if kwh else name

    def _worth(self, discount: Any, use: Any) -> tuple[float, float]:
        """(kWh, amount) that the discount is worth in this session, before its limits."""
        if discount.kind == ENERGY:
            return self._energy_worth(discount.value - use.energy_kwh)
        amount = {
            PERCENT: self.amount_total * discount.value / 100,
            AMOUNT: discount.value,
            VOUCHER: discount.value - use.amount,
        }[discount.kind]
        return 0.0, amount

    def _within_limits(self, discount: Any, use: Any, amount: float) -> float:
        limits = [self.amount_total, amount]
        if discount.max_amount_per_session:
            limits.append(discount.max_amount_per_session)
        if discount.max_amount:
            limits.append(discount.max_amount - use.amount)
        if discount.budget:
            discount._lock()
            limits.append(discount.budget - discount.budget_used)
        return self.currency_id.round(min(limits))

    def _energy_worth(self, kwh: float) -> tuple[float, float]:
        """(kWh, amount): what up to this much energy of the session costs, from its first kWh on."""
        left, amount = Decimal(str(round(kwh, 3))), Decimal(0)
        covered = Decimal(0)
        for line in self.line_ids.filtered(lambda one: one.dimension == "ENERGY").sorted("sequence"):
            quantity = Decimal(str(line.quantity))
            if left <= 0 or quantity <= 0:
                continue
            part = min(left, quantity)
            amount += Decimal(str(line.amount)) * part / quantity
            left -= part
            covered += part
        return float(round(covered, 3)), self.currency_id.round(min(float(amount), self.amount_total))

    def _in_language(self) -> EmobilityRating:
        return self.with_context(lang=self.partner_id.lang or self.env.lang)

    def _add_reduction(self, dimension: str, amount: float, **values: Any) -> None:
        product = self.env.ref(ALLOWANCE_PRODUCT if dimension == "ALLOWANCE" else DISCOUNT_PRODUCT)
        quantity = values["quantity"]
        system = self.sudo()._as_system()
        system.write(
            {
                "amount_total": self.currency_id.round(self.amount_total - amount),
                "line_ids": [
                    fields.Command.create(
                        {
                            "sequence": max(self.line_ids.mapped("sequence"), default=0) + 1,
                            "dimension": dimension,
                            "product_id": product.id,
                            "unit_price": -amount / quantity if quantity else 0.0,
                            "amount": -amount,
                            **values,
                        }
                    )
                ],
            }
        )
