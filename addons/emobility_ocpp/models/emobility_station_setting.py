from datetime import datetime
from typing import Any

from odoo import api, fields, models


class EmobilityStationSetting(models.Model):
    """One setting of a station as it reported it last, and what it was before."""

    _name = "emobility.station.setting"
    _description = "Setting of a Charging Station"
    _rec_name = "key"
    _order = "station_id, key"

    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    key = fields.Char(required=True, readonly=True)
    value = fields.Char(readonly=True)
    previous_value = fields.Char(readonly=True)
    is_readonly = fields.Boolean("Fixed", readonly=True, help="The station lets nobody change it.")
    reported_at = fields.Datetime(readonly=True)
    changed_at = fields.Datetime(readonly=True, help="When a report differed from the one before.")

    _key_unique = models.UniqueIndex("(station_id, key)", "The station has this setting already.")

    @api.model
    def _take_over(self, station: models.Model, at: datetime, settings: list[dict[str, Any]]) -> None:
        """Write what a station reported. What it reported later already stays as it is."""
        known = {setting.key: setting for setting in self.search([("station_id", "=", station.id)])}
        new: dict[str, dict[str, Any]] = {}
        for item in settings:
            key, value = str(item["key"]), item.get("value")
            text = False if value is None else str(value)
            values = {"value": text, "is_readonly": bool(item.get("readonly")), "reported_at": at}
            setting = known.get(key)
            if setting is None:
                new[key] = {"station_id": station.id, "key": key, **values}
            elif not setting.reported_at or setting.reported_at <= at:
                if setting.value != text:
                    values |= {"previous_value": setting.value, "changed_at": at}
                setting.write(values)
        self.create(list(new.values()))
