from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from odoo import fields, models

from ..rating import SpotSeries
from .price_component import PRICE_DIGITS


class EmobilitySpotSeries(models.Model):
    """Prices of a market over time, which the energy prices of tariffs can follow."""

    _name = "emobility.spot.series"
    _description = "Market Price Series"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, help="For example: day-ahead DE-LU.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one("res.currency", required=True, default=lambda self: self.env.company.currency_id)
    interval = fields.Integer("Minutes", required=True, default=60, help="How long each price is valid.")
    price_ids = fields.One2many("emobility.spot.price", "series_id", "Prices")

    _name_unique = models.UniqueIndex("(company_id, name)", "There is a series with this name already.")
    _interval_positive = models.Constraint("CHECK (interval > 0)", "A price is valid for a minute at least.")

    def _engine_series(self, start: datetime, end: datetime) -> SpotSeries:
        """The prices from ``start`` to ``end`` (aware UTC); a time without price has None."""
        self.ensure_one()
        length = timedelta(minutes=self.interval)
        rows = self.env["emobility.spot.price"].search(
            [
                ("series_id", "=", self.id),
                ("at", ">", (start - length).astimezone(UTC).replace(tzinfo=None)),
                ("at", "<=", end.astimezone(UTC).replace(tzinfo=None)),
            ],
            order="at",
        )
        steps: dict[datetime, Decimal | None] = {}
        for row in rows:
            at = row.at.replace(tzinfo=UTC)
            steps[at] = Decimal(f"{row.price:.{PRICE_DIGITS}f}").normalize()
            # The next price, if there is one, takes this place.
            steps[at + length] = None
        return SpotSeries(tuple(sorted(steps.items())))
