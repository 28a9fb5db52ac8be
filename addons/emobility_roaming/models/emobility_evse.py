from __future__ import annotations

from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import UserError

# What a partner says of its EVSE, in the words of the map.
_LIVE = {"AVAILABLE": "available", "RESERVED": "occupied", "BLOCKED": "occupied", "CHARGING": "occupied",
         "INOPERATIVE": "unavailable", "OUTOFORDER": "unavailable"}  # fmt: skip


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    ocpi_uid = fields.Char("UID of the Operator", readonly=True, copy=False)
    ocpi_status = fields.Char("Status at the Operator", readonly=True, copy=False)

    _ocpi_uid_index = models.Index("(upper(ocpi_uid)) WHERE ocpi_uid IS NOT NULL")

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        evses = super().create(vals_list)
        evses.location_id._ocpi_changed()
        return evses

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() - {"ocpi_status"}:
            self.location_id._ocpi_changed()
        return result

    def _live_status(self) -> str:
        if self.sudo().location_id.roaming_partner_id:
            return _LIVE.get(self.sudo().ocpi_status or "", "unknown")
        return super()._live_status()

    def _can_start_remotely(self) -> bool:
        partner = self.sudo().location_id.roaming_partner_id
        if partner:
            return partner.connection_id._takes_commands()
        return super()._can_start_remotely()

    def _start_remotely(self, token: Any) -> str | None:
        partner = self.sudo().location_id.roaming_partner_id
        if not partner:
            return super()._start_remotely(token)
        command = self.env["emobility.ocpi.command"].sudo()._send_start(partner, self.sudo(), token.sudo())
        if command.state != "sent":
            raise UserError(self.env._("The operator refused: %(reason)s.", reason=command._reason()))
        return None
