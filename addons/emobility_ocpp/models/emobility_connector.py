from datetime import datetime
from typing import Any

from odoo import fields, models


class EmobilityConnector(models.Model):
    _inherit = "emobility.connector"

    ocpp_connector_number = fields.Integer(
        "OCPP Connector Number",
        help="Number of the connector in its EVSE, from 1. For OCPP 1.6 it is always 1.",
    )
    ocpp_status = fields.Selection(
        [
            ("Available", "Available"),
            ("Preparing", "Preparing"),
            ("Occupied", "Occupied"),
            ("Charging", "Charging"),
            ("SuspendedEV", "Suspended by the car"),
            ("SuspendedEVSE", "Suspended by the station"),
            ("Finishing", "Finishing"),
            ("Reserved", "Reserved"),
            ("Unavailable", "Unavailable"),
            ("Faulted", "Faulted"),
        ],
        "Status",
        readonly=True,
        copy=False,
    )
    ocpp_status_at = fields.Datetime("Status Since", readonly=True, copy=False)
    ocpp_error = fields.Char("Error", readonly=True, copy=False)

    _ocpp_connector_number_unique = models.UniqueIndex(
        "(evse_id, ocpp_connector_number) WHERE ocpp_connector_number > 0",
        "Another connector of this EVSE has this OCPP number.",
    )

    def _apply_status(self, at: datetime, payload: dict[str, Any]) -> None:
        """Take over what the station reported at ``at`` (naive UTC), unless something later is known."""
        self.ensure_one()
        if self.ocpp_status_at and self.ocpp_status_at > at:
            return
        details = (payload.get("error_code"), payload.get("info"))
        errors = [str(detail) for detail in details if detail and detail != "NoError"]
        self.write(
            {"ocpp_status": payload["status"], "ocpp_status_at": at, "ocpp_error": ": ".join(errors) or False}
        )
        self.evse_id.station_id._tell_views()
