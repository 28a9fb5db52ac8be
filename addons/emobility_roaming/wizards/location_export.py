import json
from datetime import UTC
from typing import Any

from odoo import fields, models

from ..ocpi.countries import ALPHA_3
from ..ocpi_location import electrical


class EmobilityLocationExport(models.TransientModel):
    _inherit = "emobility.location.export"

    format = fields.Selection(
        selection_add=[("ocpi", "OCPI 2.2.1: locations as JSON")], ondelete={"ocpi": "cascade"}
    )

    def _content(self) -> tuple[str, str]:
        if self.format != "ocpi":
            return super()._content()
        locations = [self._ocpi_location(location) for location in self.location_ids]
        return "locations.json", json.dumps(locations, indent=2, ensure_ascii=False)

    def _ocpi_location(self, location: models.BaseModel) -> dict[str, Any]:
        company = location.company_id
        content = {
            "country_code": company.emobility_country_code,
            "party_id": company.emobility_party_id,
            "id": location.code,
            "publish": location.is_public,
            "name": location.name,
            "address": location.street or "",
            "city": location.city or "",
            "postal_code": location.zip or None,
            "country": ALPHA_3.get(location.country_id.code or ""),
            "coordinates": {
                "latitude": f"{location.latitude:.6f}",
                "longitude": f"{location.longitude:.6f}",
            },
            "time_zone": location.time_zone,
            "opening_times": self._opening_times(location),
            "evses": [self._ocpi_evse(evse) for evse in location.evse_ids],
            "last_updated": self._instant(location),
        }
        return {name: value for name, value in content.items() if value is not None}

    def _opening_times(self, location: models.BaseModel) -> dict[str, Any]:
        if location.open_always:
            return {"twentyfourseven": True}

        def text(hour: float) -> str:
            return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"

        return {
            "twentyfourseven": False,
            "regular_hours": [
                {
                    "weekday": int(hours.weekday),
                    "period_begin": text(hours.hour_from),
                    "period_end": text(hours.hour_to),
                }
                for hours in location.opening_hour_ids
            ],
        }

    def _ocpi_evse(self, evse: models.BaseModel) -> dict[str, Any]:
        content = {
            "uid": evse.uid,
            "evse_id": evse.evse_id or None,
            # A file is read later than it is written: what the EVSE does then nobody knows.
            "status": "UNKNOWN",
            "physical_reference": evse.physical_reference or None,
            "connectors": [
                {
                    "id": connector.code,
                    "standard": connector.standard,
                    "format": connector.connector_format,
                    "power_type": connector.power_type,
                    **electrical(connector.power_type, connector.max_power_kw),
                    "last_updated": self._instant(connector),
                }
                for connector in evse.connector_ids
            ],
            "last_updated": self._instant(evse),
        }
        return {name: value for name, value in content.items() if value is not None}

    def _instant(self, record: models.BaseModel) -> str:
        return record.write_date.replace(tzinfo=UTC, microsecond=0).isoformat().replace("+00:00", "Z")
