from __future__ import annotations

from typing import Any

from odoo import api, models


class EmobilityOcpiServer(models.AbstractModel):
    _inherit = "emobility.ocpi.server"

    @api.model
    def _command_start_session(self, connection: Any, command: Any) -> str:
        """A customer has shown a card at a terminal of the provider, and agreed to the price there."""
        if not connection._is_terminal_provider():
            return super()._command_start_session(connection, command)
        evse = self._evse(connection, command.location_id, command.evse_uid)
        terminals = connection.sudo().terminal_ids.filtered(
            lambda one: one.active and one.ptp_state == "active" and evse in one.evse_ids
        )
        if not evse or not terminals or not command.authorization_reference:
            return "REJECTED"
        adhoc = terminals[0]._start_for_provider(evse.sudo(), command)
        if adhoc and not self._start_of(connection, command.authorization_reference):
            self.env["emobility.ocpi.command"]._receive(connection, "START_SESSION", command, evse_id=evse.id)
        return "ACCEPTED" if adhoc else "REJECTED"

    @api.model
    def _start_of(self, connection: Any, reference: str) -> Any:
        """The command of the provider that the session with this reference came from."""
        return self.env["emobility.ocpi.command"].sudo().search(
            [("connection_id", "=", connection.id), ("direction", "=", "in"), ("kind", "=", "START_SESSION"),
             ("authorization_reference", "=", reference)], limit=1
        )  # fmt: skip
