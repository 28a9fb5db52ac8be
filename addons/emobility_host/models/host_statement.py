from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from odoo import models
from odoo.tools import format_date, format_datetime, formatLang


@dataclass(frozen=True)
class StatementRow:
    """A session on a statement: place and time, never who charged."""

    number: int
    session: str
    start: datetime
    end: datetime
    start_text: str
    place: str
    charge_point: str
    meter: str
    meter_start_kwh: Decimal | None
    meter_end_kwh: Decimal | None
    energy_kwh: float
    price_basis: str
    sentences: tuple[str, ...]
    amount: float


class EmobilityHostSettlement(models.Model):
    """What a statement prints, prepared so that the template only lays it out."""

    # A part of its own, beside the life of the settlement.
    _inherit = "emobility.host.settlement"

    def _statement_rows(self) -> list[StatementRow]:
        """The sessions in the order in which they took place. Their amounts add up to the parts "Sessions"."""
        ratings = self.sudo().rating_ids.sorted(lambda rating: (rating.cdr_id.start_at, rating.id))
        return [self._statement_row(number, rating) for number, rating in enumerate(ratings, start=1)]

    def _statement_row(self, number: int, rating: Any) -> StatementRow:
        cdr = rating.cdr_id
        zone = ZoneInfo(cdr.location_id.time_zone or "UTC")
        first, last = _register(cdr.facts)
        agreement = rating.agreement_id.with_env(self.env)
        return StatementRow(
            number=number,
            session=cdr.name,
            start=cdr.start_at.replace(tzinfo=UTC).astimezone(zone),
            end=cdr.end_at.replace(tzinfo=UTC).astimezone(zone),
            start_text=format_datetime(self.env, cdr.start_at, tz=zone.key, dt_format="short"),
            place=cdr.location_id.name or "",
            charge_point=cdr.evse_id.evse_id or cdr.evse_id.uid or "",
            meter=cdr.evse_id.meter_serial or "",
            meter_start_kwh=first,
            meter_end_kwh=last,
            energy_kwh=rating.energy_kwh,
            price_basis=agreement._price_basis(cdr._local_start_day(), cdr.location_id.country_id),
            sentences=tuple(rating.line_ids.mapped("description")),
            amount=rating.amount_total,
        )

    def _statement_sessions_amount(self) -> float:
        """What the listed sessions add up to; it is the sum of the parts "Sessions"."""
        return self[:1].currency_id.round(sum(self.sudo().rating_ids.mapped("amount_total")))

    def _statement_title(self) -> str:
        if sum(self.mapped("amount")) < 0:
            return self.env._("Correction of a credit note")
        return self.env._("Credit note (self-billing)")

    def _statement_period(self) -> str:
        return format_date(self.env, self.month, date_format="MMMM yyyy")

    def _statement_number(self, value: float | Decimal | None, digits: int = 3) -> str:
        return "" if value is None else formatLang(self.env, float(value), digits=digits)


def _register(facts: dict[str, Any] | None) -> tuple[Decimal | None, Decimal | None]:
    """First and last register of the meter in a session. None where only a total was reported."""
    readings = [
        one["energy_kwh"] for one in (facts or {}).get("readings") or [] if one.get("energy_kwh") is not None
    ]
    if not readings:
        return None, None
    return Decimal(readings[0]), Decimal(readings[-1])
