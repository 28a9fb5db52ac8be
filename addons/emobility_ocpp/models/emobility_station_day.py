from datetime import date, datetime, time, timedelta

from odoo import api, fields, models


class EmobilityStationDay(models.Model):
    """How long a station was connected on a day, for graphs and for the month."""

    _name = "emobility.station.day"
    _description = "Uptime of a Charging Station"
    _rec_name = "day"
    _order = "day desc, id desc"

    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    location_id = fields.Many2one(related="station_id.location_id", store=True, index=True)
    day = fields.Date("Day (UTC)", required=True, readonly=True, index=True)
    known_seconds = fields.Integer("Observed (s)", readonly=True, help="Since it connected for the first time.")
    online_seconds = fields.Integer("Connected (s)", readonly=True)
    outage_count = fields.Integer("Outages", readonly=True)
    uptime = fields.Float(
        "Uptime (%)", compute="_compute_uptime", store=True, digits=(5, 2), aggregator="avg"
    )

    _day_unique = models.UniqueIndex("(station_id, day)", "The day of the station is known already.")

    @api.depends("known_seconds", "online_seconds")
    def _compute_uptime(self) -> None:
        for row in self:
            row.uptime = 100.0 * row.online_seconds / row.known_seconds if row.known_seconds else 0.0

    @api.model
    def _cron_compute(self, days: int = 2) -> None:
        """Compute today and the day before anew: an outage that is over now may have begun yesterday."""
        stations = self.env["emobility.station"].search([("first_connected_at", "!=", False)])
        today = fields.Date.today()
        for station in stations:
            for back in range(days):
                self._compute_day(station, today - timedelta(days=back))

    @api.model
    def _compute_day(self, station: models.Model, day: date) -> None:
        start = max(datetime.combine(day, time.min), station.first_connected_at)
        end = min(datetime.combine(day + timedelta(days=1), time.min), fields.Datetime.now())
        if end <= start:
            return
        away, count = self.env["emobility.station.outage"]._seconds(station, start, end)
        known = int((end - start).total_seconds())
        values = {"known_seconds": known, "online_seconds": max(known - away, 0), "outage_count": count}
        row = self.search([("station_id", "=", station.id), ("day", "=", day)])
        if row:
            row.write(values)
        else:
            self.create({"station_id": station.id, "day": day, **values})
