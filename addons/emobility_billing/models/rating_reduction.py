from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from ..reductions import Reduction, Reductions

if TYPE_CHECKING:
    from ..rating import Rating


class EmobilityRating(models.Model):
    """What is taken off the price of a session: it is a line of the rating, and is used up."""

    _inherit = "emobility.rating"

    @api.model
    def _create_from_result(
        self, cdr: Any, relation: str, contract: Any, partner: Any, version: Any, result: Rating
    ) -> EmobilityRating:
        rating = super()._create_from_result(cdr, relation, contract, partner, version, result)
        if relation == "retail" and contract:
            start = cdr.start_at.replace(tzinfo=UTC)
            currency = rating.currency_id
            rating._take_off(
                Reductions(start, contract, partner, cdr.location_id, currency, claim=True).of(result)
            )
        return rating

    def _create_credit(self, credit_cdr: Any) -> EmobilityRating:
        for line in self.line_ids:
            line._give_back()
        return super()._create_credit(credit_cdr)

    def _local_start(self) -> date:
        """The day on which the session started, on the clock of the place."""
        zone = ZoneInfo(self.location_id.time_zone or "UTC")
        return self.cdr_id.start_at.replace(tzinfo=UTC).astimezone(zone).date()

    def _take_off(self, reductions: list[Reduction]) -> None:
        """Add a line for each, and count it towards the limits of what gave it."""
        self.ensure_one()
        if not reductions:
            return
        first = max(self.line_ids.mapped("sequence"), default=0) + 1
        for reduction in reductions:
            self._use_up(reduction)
        self.sudo()._as_system().write(
            {
                "amount_total": self.currency_id.round(
                    self.amount_total + float(sum(reduction.amount for reduction in reductions))
                ),
                "trace": {
                    **self.trace,
                    "reductions": [
                        *self.trace.get("reductions", ()),
                        *(reduction.to_json() for reduction in reductions),
                    ],
                },
                "line_ids": [
                    fields.Command.create(self._reduction_values(reduction, sequence))
                    for sequence, reduction in enumerate(reductions, first)
                ],
            }
        )

    def _reduction_values(self, reduction: Reduction, sequence: int) -> dict[str, Any]:
        product = self.env.ref(reduction.product) if reduction.product else self._energy_product()
        return {
            "sequence": sequence,
            "dimension": reduction.dimension,
            "product_id": product.id,
            "quantity": float(reduction.quantity),
            "unit": reduction.unit,
            "unit_price": float(reduction.unit_price),
            "amount": float(reduction.amount),
            "description": reduction.description,
            "allowance_id": reduction.allowance.id if reduction.allowance else False,
            "discount_id": reduction.discount.id if reduction.discount else False,
        }

    def _energy_product(self) -> Any:
        return self.line_ids.filtered(lambda line: line.dimension == "ENERGY")[:1].product_id

    def _use_up(self, reduction: Reduction) -> None:
        quantity, amount = float(reduction.quantity), float(-reduction.amount)
        if allowance := reduction.allowance:
            if reduction.unit == "session":
                allowance.used_sessions += 1
            else:
                allowance.used_kwh += quantity
        if discount := reduction.discount:
            use = discount._use_of(self.contract_id, create=True)
            use.write(
                {
                    "session_count": use.session_count + 1,
                    "energy_kwh": use.energy_kwh + quantity,
                    "amount": use.amount + amount,
                }
            )
            if discount.budget:
                discount.budget_used += amount
