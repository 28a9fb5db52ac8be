from datetime import datetime
from typing import Any

from odoo import api, fields, models


class EmobilityStationOutage(models.Model):
    """A time in which a station was not connected."""

    _name = "emobility.station.outage"
    _description = "Outage of a Charging Station"
    _rec_name = "start_at"
    _order = "start_at desc, id desc"

    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    location_id = fields.Many2one(related="station_id.location_id", store=True, index=True)
    start_at = fields.Datetime("Lost At", required=True, readonly=True)
    end_at = fields.Datetime("Back At", readonly=True)
    hours = fields.Float(compute="_compute_hours", store=True)

    _open_unique = models.UniqueIndex(
        "(station_id) WHERE end_at IS NULL", "The station is offline already."
    )

    @api.depends("start_at", "end_at")
    def _compute_hours(self) -> None:
        for outage in self:
            length = outage.end_at - outage.start_at if outage.end_at else None
            outage.hours = length.total_seconds() / 3600 if length else 0.0

    @api.model
    def _note(self, station: models.Model, at: datetime, online: bool) -> None:
        """The station came or went at ``at`` (naive UTC); what is older than what is known does not get here."""
        outages = self.sudo()
        open_outage = outages.search([("station_id", "=", station.id), ("end_at", "=", False)])
        if online:
            open_outage.end_at = at
        elif not open_outage:
            outages.create({"station_id": station.id, "start_at": at})
        if not station.first_connected_at and online:
            station.first_connected_at = at

    @api.model
    def _seconds(self, station: models.Model, start: datetime, end: datetime) -> tuple[int, int]:
        """How long, and how often, the station was away between two times."""
        outages = self.search(
            [
                ("station_id", "=", station.id),
                ("start_at", "<", end),
                "|",
                ("end_at", "=", False),
                ("end_at", ">", start),
            ]
        )
        away = sum(
            (min(outage.end_at or end, end) - max(outage.start_at, start)).total_seconds() for outage in outages
        )
        begun: list[Any] = [outage for outage in outages if outage.start_at >= start]
        return int(away), len(begun)
