from __future__ import annotations

import zoneinfo
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from odoo import api, fields, models

from ..cost_curve import chart, cost_over_time
from ..rating import Rating, RatingError, SessionFacts


class EmobilityTariffSimulation(models.TransientModel):
    """What would a session cost? Priced by the engine that also makes the invoice; nothing is stored."""

    _name = "emobility.tariff.simulation"
    _description = "Tariff Simulation"

    version_id = fields.Many2one("emobility.tariff.version", "Tariff", required=True)
    connector_id = fields.Many2one("emobility.connector", help="Gives the time zone, and the power that is possible.")
    time_zone = fields.Selection(
        lambda _model: [(name, name) for name in sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})],
        compute="_compute_time_zone",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        help="Of the place of charging: times of day in the tariff are local.",
    )
    start_at = fields.Datetime("Start", required=True, default=fields.Datetime.now)
    energy_kwh = fields.Float("Energy (kWh)", required=True, default=20.0, digits=(16, 3))
    charging_hours = fields.Float("Charging", required=True, default=1.0)
    parking_hours = fields.Float("Parking afterwards", help="How long the cable stays in when charging is over.")
    currency_id = fields.Many2one(related="version_id.currency_id")
    price_mode = fields.Selection(related="version_id.price_mode")
    amount_total = fields.Monetary("Total", compute="_compute_result")
    price_per_kwh = fields.Monetary("Per kWh, all in all", compute="_compute_result")
    power_kw = fields.Float("Mean power (kW)", compute="_compute_result", digits=(10, 1))
    line_table = fields.Html("Lines", compute="_compute_result", sanitize=False)
    picture = fields.Html("Cost over time", compute="_compute_result", sanitize=False)
    problem = fields.Char(compute="_compute_result")
    trace = fields.Json(compute="_compute_result")

    def _compute_display_name(self) -> None:
        for simulation in self:
            simulation.display_name = self.env._("Simulation")

    @api.depends("connector_id")
    def _compute_time_zone(self) -> None:
        for simulation in self:
            place = simulation.connector_id.evse_id.location_id
            simulation.time_zone = place.time_zone or simulation.time_zone or self.env.user.tz or "UTC"

    @api.depends(
        "version_id", "connector_id", "time_zone", "start_at", "energy_kwh", "charging_hours", "parking_hours"
    )  # fmt: skip
    def _compute_result(self) -> None:
        for simulation in self:
            simulation.update(simulation._empty_result())
            if not simulation.version_id or not simulation.start_at:
                continue
            try:
                simulation.update(simulation._result(simulation._facts()))
            except RatingError as error:
                simulation.problem = str(error)

    @api.model
    def _empty_result(self) -> dict[str, Any]:
        return {
            "amount_total": 0.0, "price_per_kwh": 0.0, "power_kw": 0.0, "line_table": False, "picture": False,
            "problem": False, "trace": False,
        }  # fmt: skip

    def _facts(self) -> SessionFacts:
        """The session, charging evenly. :raises FactsError: when it makes no sense."""
        start = self.start_at.replace(tzinfo=UTC)
        end = start + timedelta(hours=self.charging_hours)
        parking = timedelta(hours=self.parking_hours)
        return SessionFacts(
            start=start,
            end=end,
            unplugged=end + parking if parking else None,
            energy_kwh=Decimal(f"{self.energy_kwh:.3f}"),
            time_zone=self.time_zone or "UTC",
        )

    def _result(self, facts: SessionFacts) -> dict[str, Any]:
        version = self.version_id
        rating = version._price(facts)
        points = cost_over_time(lambda until: version._price(until).total, version._engine_tariff(), facts)
        power = self.energy_kwh / self.charging_hours if self.charging_hours else 0.0
        possible = self.connector_id.max_power_kw
        return {
            "amount_total": float(rating.total),
            "price_per_kwh": float(rating.total) / self.energy_kwh if self.energy_kwh else 0.0,
            "power_kw": power,
            "line_table": self._line_table(rating),
            "picture": Markup(chart(points, facts.zone, facts.end, rating.currency)),
            "problem": possible
            and power > possible
            and self.env._(
                "The connector delivers %(possible)s kW at most: such a session would be held.", possible=possible
            ),
            "trace": rating.to_json(),
        }

    def _line_table(self, rating: Rating) -> Markup:
        rows = Markup().join(
            Markup("<tr><td>%s</td><td class='text-end text-nowrap'>%s</td></tr>")
            % (line.sentence(self.env.lang or "en"), self.currency_id.format(float(line.amount)))
            for line in rating.lines
        )
        total = Markup("<tr class='fw-bold'><td>%s</td><td class='text-end text-nowrap'>%s</td></tr>") % (
            self.env._("Total"),
            self.currency_id.format(float(rating.total)),
        )
        return Markup("<table class='table table-sm'>%s%s</table>") % (rows, total)
