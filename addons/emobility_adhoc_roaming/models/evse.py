from __future__ import annotations

from typing import Any

from odoo import models
from odoo.exceptions import UserError

# What an operator says of an EVSE at which nobody can start. One where a car is plugged in is in use for some.
UNUSABLE = ("INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED")


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    def _adhoc_operator(self) -> Any:
        """The roaming partner that operates the EVSE; empty: it is our own."""
        return self.sudo().location_id.roaming_partner_id

    def _adhoc_is_available(self) -> bool:
        """At an operator's station a session may be over for hours before its CDR says so."""
        if not self._adhoc_operator():
            return super()._adhoc_is_available()
        evse = self.sudo()
        if not evse._can_start_remotely() or evse.ocpi_status in UNUSABLE:
            return False
        live = self.env["emobility.session"].sudo().search([("evse_id", "=", evse.id), ("state", "=", "live")])
        return all(session._is_over_at_operator() for session in live)

    def action_print_stickers(self) -> dict[str, Any]:
        if foreign := self.filtered(lambda evse: evse._adhoc_operator()):
            names = ", ".join(foreign.mapped("display_name"))
            raise UserError(self.env._("Stickers are for your own charging points, not for those of others: %s", names))
        return super().action_print_stickers()
