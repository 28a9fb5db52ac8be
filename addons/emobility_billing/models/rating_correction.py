from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from odoo import api, models

from ..reductions import Reduction
from . import rating_reduction  # noqa: F401 (what plans and discounts give is taken off first)
from .discount import DISCOUNT_PRODUCT

if TYPE_CHECKING:
    from ..derivation import Event
    from ..rating import Rating


class EmobilityRating(models.Model):
    """What is taken off because of what went wrong: a second start fee, an end that nobody reported, a dispute."""

    _inherit = "emobility.rating"

    @api.model
    def _create_from_result(
        self, cdr: Any, relation: str, contract: Any, partner: Any, version: Any, result: Rating
    ) -> EmobilityRating:
        rating = super()._create_from_result(cdr, relation, contract, partner, version, result)
        if relation == "retail":
            rating._take_off_repeated_fee()
        return rating

    def _take_off_repeated_fee(self) -> None:
        """A pause with the cable in is one visit: its start fee was paid with the session before."""
        before = self.session_id._continued_session()
        fee = sum(line.amount for line in self.line_ids if line.dimension == "FLAT")
        if before and fee > 0 and self.amount_total > 0:
            self._take_off_amount(
                min(fee, self.amount_total),
                self._in_language().env._("Session fee paid already with the session before the pause"),
            )

    def _cut_to_cap(self, closed: Event | None) -> None:
        """A session whose end nobody reported costs at most what the cap was when the watchdog closed it."""
        cap = closed.payload.get("cap") if closed else None
        if self and cap and self.currency_id.compare_amounts(self.amount_total, cap) > 0:
            self._take_off_amount(
                self.amount_total - cap,
                self._in_language().env._("Cut to the highest amount of a session without a reported end"),
            )

    def _in_language(self) -> EmobilityRating:
        """In the language of the payer, for texts on the invoice."""
        return self.with_context(lang=self.partner_id.lang or self.env.lang)

    def _take_off_amount(self, amount: float, description: str) -> None:
        taken = Decimal(f"{self.currency_id.round(amount):.{self.currency_id.decimal_places}f}")
        self._take_off([Reduction("CORRECTION", -taken, description, DISCOUNT_PRODUCT)])
