import base64

from odoo import fields, models

from ..infrastructure_csv import write_rows


class EmobilityLocationExport(models.TransientModel):
    """Exports locations with EVSEs and connectors. Another addon adds a format by extending :meth:`_content`."""

    _name = "emobility.location.export"
    _description = "Export Infrastructure"

    location_ids = fields.Many2many("emobility.location", required=True, string="Locations")
    format = fields.Selection([("csv", "CSV: a row for each connector")], required=True, default="csv")
    file = fields.Binary(readonly=True, attachment=False)
    filename = fields.Char(readonly=True)

    def action_export(self) -> dict:
        """Make the file and offer it for download."""
        self.ensure_one()
        name, content = self._content()
        self.write({"file": base64.b64encode(content.encode()), "filename": name})
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file/{name}?download=true",
            "target": "self",
        }

    def _content(self) -> tuple[str, str]:
        """Name and text of the file."""
        return "infrastructure.csv", "\ufeff" + write_rows(self._rows())

    def _rows(self) -> list[dict[str, str]]:
        return [
            {
                "location_code": location.code,
                "location_name": location.name,
                "street": location.street or "",
                "zip": location.zip or "",
                "city": location.city or "",
                "country": location.country_id.code or "",
                "latitude": f"{location.latitude:.7f}",
                "longitude": f"{location.longitude:.7f}",
                "time_zone": location.time_zone,
                "evse_uid": evse.uid,
                "evse_id": evse.evse_id or "",
                "physical_reference": evse.physical_reference or "",
                "meter_serial": evse.meter_serial or "",
                "calibrated_until": fields.Date.to_string(evse.calibrated_until) or "",
                "connector": connector.code,
                "standard": connector.standard,
                "power_type": connector.power_type,
                "max_power_kw": f"{connector.max_power_kw:g}",
            }
            for location in self.location_ids
            for evse in location.evse_ids
            for connector in evse.connector_ids
        ]
