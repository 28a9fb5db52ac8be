from typing import Any
from urllib.parse import quote, urlencode

from odoo import api, fields, models


class EmobilityCommissioningWizard(models.TransientModel):
    """Accompanies an installer: what to enter at the station, and what has been seen of it so far."""

    _name = "emobility.commissioning.wizard"
    _description = "Commissioning of a Charging Station"

    station_id = fields.Many2one("emobility.station", required=True, readonly=True)
    identity = fields.Char(related="station_id.identity")
    url = fields.Char("Address of the Bridge", compute="_compute_url")
    qr_url = fields.Char("QR Code", compute="_compute_url")
    has_password = fields.Boolean("Password is set", compute="_compute_checks")
    is_connected = fields.Boolean("Station is connected", compute="_compute_checks")
    has_booted = fields.Boolean("Station has reported its boot", compute="_compute_checks")
    is_accepted = fields.Boolean("Station is accepted", compute="_compute_checks")
    has_evses = fields.Boolean("EVSEs have their OCPP numbers", compute="_compute_checks")
    has_statuses = fields.Boolean("Every connector has reported its status", compute="_compute_checks")
    has_right_clock = fields.Boolean("Clock of the station is right", compute="_compute_checks")
    has_meter = fields.Boolean("A session with meter values was seen", compute="_compute_checks")

    @api.depends("station_id")
    def _compute_url(self) -> None:
        base = self.env["ir.config_parameter"].sudo().get_param("emobility_ocpp.bridge_url") or ""
        for wizard in self:
            wizard.url = f"{base.rstrip('/')}/{quote(wizard.identity or '', safe='')}" if base else False
            code = urlencode({"barcode_type": "QR", "value": wizard.url or "", "width": 220, "height": 220})
            wizard.qr_url = f"/report/barcode/?{code}" if wizard.url else False

    @api.depends("station_id")
    def _compute_checks(self) -> None:
        for wizard in self:
            station = wizard.station_id
            connectors = station.evse_ids.connector_ids
            messages = self.env["emobility.ocpp.message"].search_count(
                [("station_id", "=", station.id), ("kind", "=", "session.meter")], limit=1
            )
            # An installer sees no sessions, but whether the clock of the station is right.
            wrong_clock = self.env["emobility.hold"].sudo().search_count(
                [
                    ("session_id.evse_id", "in", station.evse_ids.ids),
                    ("state", "=", "open"),
                    ("evidence", "ilike", "clock_implausible"),
                ],
                limit=1,
            )
            wizard.update(
                {
                    "has_password": bool(station.password_set_at),
                    "is_connected": station.connection_state == "online",
                    "has_booted": bool(station.booted_at),
                    "is_accepted": station.accepted,
                    "has_evses": bool(station.evse_ids) and all(station.evse_ids.mapped("ocpp_evse_number")),
                    "has_statuses": bool(connectors) and all(connectors.mapped("ocpp_status")),
                    "has_right_clock": bool(station.booted_at) and not wrong_clock,
                    "has_meter": bool(messages),
                }
            )

    def action_check(self) -> dict[str, Any]:
        """Look again."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Commissioning"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }
