from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from odoo import api, fields, models

from ..terms import Priced, month_parts


class EmobilityRating(models.Model):
    """Charging at home: of what the payer pays, a part is what the host gets back, and the rest is our service."""

    _inherit = "emobility.rating"

    @api.model
    def _create_for_host(self, cdr: Any, agreement: Any) -> EmobilityRating:
        rating = super()._create_for_host(cdr, agreement)
        if agreement.is_passed_on:
            rating._pass_on()
        return rating

    def _pass_on(self) -> None:
        """Split the energy that the payer is charged for. What is invoiced already stays as it was issued.

        The part is at most what the payer pays: a price below the reimbursement is our loss, and no negative service.
        """
        self.ensure_one()
        sold = self.cdr_id.rating_ids.filtered(
            lambda rating: rating.relation == "retail" and rating.state == "open" and not rating.move_id
        )
        for rating in sold.sudo()._as_system():
            money = rating.currency_id
            reimbursed = self.currency_id._convert(
                self._adds_to_month(), money, self.company_id, self.cdr_id._local_start_day()
            )
            left = min(reimbursed, rating.amount_total)
            for line in rating.line_ids.filtered(lambda line: line.dimension == "ENERGY" and line.amount > 0):
                part = money.round(min(left, line.amount))
                if money.compare_amounts(part, 0) > 0:
                    line._split_off_passed_on(part)
                    left -= part

    def _adds_to_month(self) -> float:
        """What the host gets more in the month because of this session: once a cap is reached, less than its amount."""
        agreement = self.agreement_id
        if not (agreement.cap_amount or agreement.cap_kwh):
            return self.amount_total
        month = self.cdr_id._local_month()
        others = self.search(
            [
                ("agreement_id", "=", agreement.id),
                ("id", "!=", self.id),
                ("state", "!=", "credited"),
                ("credited_rating_id", "=", False),
                ("end_at", ">=", fields.Date.subtract(month, days=1)),
                ("end_at", "<", fields.Date.add(month, months=1, days=1)),
            ]
        ).filtered(lambda rating: rating.cdr_id._local_month() == month)
        # Neither the fixed amount nor the minimum comes from a session.
        terms = replace(agreement._terms(), fixed=Decimal(0), minimum=None)
        before, now = (
            sum(part.amount for part in month_parts(ratings._priced(), terms).values())
            for ratings in (others, others | self)
        )
        return float(now - before)

    def _priced(self) -> list[Priced]:
        """As the sum of a month sees these sessions."""
        return [
            Priced(
                (rating.end_at, rating.id),
                Decimal(f"{rating.energy_kwh:.3f}"),
                Decimal(f"{rating.amount_total:.{rating.currency_id.decimal_places}f}"),
            )
            for rating in self
        ]


class EmobilityRatingLine(models.Model):
    _inherit = "emobility.rating.line"

    def _split_off_passed_on(self, part: float) -> None:
        """Make a line of its own of a part of this amount; a line that is passed on as a whole becomes that line."""
        self.ensure_one()
        payer = self.rating_id.partner_id
        env = self.with_context(lang=payer.lang or self.env.lang).env
        passed_on = {
            "product_id": self.env.ref("emobility_host.product_passed_on").id,
            "unit_price": part / self.quantity if self.quantity else part,
            "amount": part,
            "description": env._("Reimbursed electricity, passed on: %s", self.currency_id.format(part)),
        }
        rest = self.currency_id.round(self.amount - part)
        if self.currency_id.is_zero(rest):
            self.write(passed_on)
            return
        self.copy({**passed_on, "sequence": self.sequence})
        self.write(
            {
                "unit_price": rest / self.quantity if self.quantity else rest,
                "amount": rest,
                "description": env._(
                    "%(sentence)s, less %(passed)s that are passed on",
                    sentence=self.description,
                    passed=self.currency_id.format(part),
                ),
            }
        )
