from datetime import datetime
from typing import Any

from odoo import api, fields, models


class EmobilityStationUnknown(models.Model):
    """A station that wanted to connect and that nobody knows. It stays outside until a person makes a station of it."""

    _name = "emobility.station.unknown"
    _description = "Unknown Charging Station"
    _rec_name = "identity"
    _order = "last_seen desc"

    identity = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    remote_address = fields.Char(readonly=True)
    subprotocols = fields.Char("OCPP Versions", readonly=True, help="What it offers to speak.")
    first_seen = fields.Datetime(readonly=True)
    last_seen = fields.Datetime(readonly=True)

    _identity_unique = models.UniqueIndex("(company_id, identity)", "This station is listed already.")

    @api.model
    def _note(self, company: models.Model, identity: str, at: datetime, payload: dict[str, Any]) -> None:
        """Somebody with this identity knocked at the bridge."""
        values = {
            "last_seen": at,
            "remote_address": payload.get("remote_address") or False,
            "subprotocols": payload.get("subprotocols") or False,
        }
        known = self.search([("company_id", "=", company.id), ("identity", "=", identity)])
        if not known:
            self.create({"company_id": company.id, "identity": identity, "first_seen": at, **values})
        elif known.last_seen <= at:
            known.write(values)

    def action_create_station(self) -> dict[str, Any]:
        """Open the form of a new station with this identity."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.station",
            "view_mode": "form",
            "context": {"default_identity": self.identity, "default_company_id": self.company_id.id},
        }
