from datetime import datetime
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..signed_values import is_key

# The state of an EVSE is the one of its connector that matters most: only one of them charges at a time.
_STATUS_RANK = (
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Occupied",
    "Preparing",
    "Finishing",
    "Reserved",
    "Available",
    "Faulted",
    "Unavailable",
)


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    station_id = fields.Many2one(
        "emobility.station", index=True, check_company=True, ondelete="restrict", string="Charging Station"
    )
    ocpp_evse_number = fields.Integer(
        "OCPP EVSE Number",
        help="Number of the EVSE in its station, from 1. For OCPP 1.6 it is the connectorId.",
    )
    meter_public_key = fields.Char(
        help="Public key of the meter, from its type plate or its data sheet, as hexadecimal or base64: the signed "
        "meter values of this EVSE are checked with it."
    )
    ocpp_status = fields.Char("Status", compute="_compute_ocpp_status", store=True)

    _ocpp_evse_number_unique = models.UniqueIndex(
        "(station_id, ocpp_evse_number) WHERE station_id IS NOT NULL",
        "Another EVSE of this station has this OCPP number.",
    )
    _ocpp_evse_number_positive = models.Constraint(
        "CHECK (station_id IS NULL OR ocpp_evse_number > 0)",
        "An EVSE of a charging station needs its OCPP number, from 1.",
    )

    @api.depends("connector_ids.ocpp_status")
    def _compute_ocpp_status(self) -> None:
        for evse in self:
            statuses = [status for status in evse.connector_ids.mapped("ocpp_status") if status]
            evse.ocpp_status = min(statuses, key=_STATUS_RANK.index, default=False)

    @api.constrains("meter_public_key")
    def _check_meter_public_key(self) -> None:
        for evse in self.filtered("meter_public_key"):
            if not is_key(evse.meter_public_key):
                raise ValidationError(
                    self.env._("The public key of the meter of %(evse)s cannot be read.", evse=evse.display_name)
                )

    @api.constrains("station_id", "location_id")
    def _check_station_location(self) -> None:
        for evse in self:
            if evse.station_id and evse.station_id.location_id != evse.location_id:
                raise ValidationError(
                    self.env._(
                        "The station %(station)s stands at another location than the EVSE %(evse)s.",
                        station=evse.station_id.identity,
                        evse=evse.display_name,
                    )
                )

    def action_remote_start(self) -> dict[str, Any]:
        """Ask for the token and start a session at this EVSE."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.remote_start_wizard_action")
        return action | {"context": {"default_evse_id": self.id}}

    def _live_status(self) -> str:
        self.ensure_one()
        station = self.sudo().station_id
        if not station or station.connection_state == "never" or not self.ocpp_status:
            return super()._live_status()
        if not station.accepted or station.connection_state == "offline":
            return "unavailable"
        states = {"Available": "available", "Faulted": "unavailable", "Unavailable": "unavailable"}
        return states.get(self.ocpp_status, "occupied")

    def _can_start_remotely(self) -> bool:
        """Whether the portal may offer to start here: the station is ours and connected."""
        station = self.sudo().station_id
        if not station:
            return super()._can_start_remotely()
        return bool(station.accepted) and station.connection_state == "online"

    def _start_remotely(self, token: models.Model) -> str | None:
        """Put the command of the portal or of a partner on the way."""
        if not self.sudo().station_id:
            return super()._start_remotely(token)
        return self.env["emobility.command"].sudo()._request_start(self, token).uid

    def _request_at_station(self, action: str, payload: dict[str, Any]) -> str:
        evse = self.sudo()
        commands = self.env["emobility.command"].sudo()
        return commands._request(evse.station_id, action, {"evse": evse.ocpp_evse_number, **payload}, evse).uid

    def _unlock_remotely(self) -> str | None:
        if not self.sudo().station_id:
            return super()._unlock_remotely()
        return self._request_at_station("unlock", {})

    def _reserve_remotely(self, token: models.Model, until: datetime, number: int) -> str | None:
        if not self.sudo().station_id:
            return super()._reserve_remotely(token, until, number)
        payload = {
            "token_uid": token.uid,
            "token_type": token.token_type,
            "expires_at": until.replace(microsecond=0).isoformat() + "Z",
            "reservation": number,
        }
        return self._request_at_station("reserve", payload)

    def _cancel_reservation_remotely(self, number: int) -> str | None:
        if not self.sudo().station_id:
            return super()._cancel_reservation_remotely(number)
        return self._request_at_station("cancel_reservation", {"reservation": number})

    def _connector_by_number(self, number: int | None) -> models.Model:
        """The connector with the OCPP number; the only connector when it has no number or none was sent."""
        self.ensure_one()
        match = self.connector_ids.filtered(
            lambda connector: number and connector.ocpp_connector_number == number
        )
        if (
            not match
            and len(self.connector_ids) == 1
            and not (number and self.connector_ids.ocpp_connector_number)
        ):
            return self.connector_ids
        return match
