from __future__ import annotations

from typing import Any

from odoo import api, models


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    @api.depends("adhoc_id.terminal_id.connection_id")
    def _compute_roaming_partner_id(self) -> None:  # pylint: disable=missing-return
        super()._compute_roaming_partner_id()
        for session in self.filtered("adhoc_id.terminal_id.connection_id"):
            session.roaming_partner_id = session.adhoc_id.terminal_id.connection_id._terminal_provider()

    def _identity(self, started: Any) -> dict[str, Any]:
        values = super()._identity(started)
        if self.adhoc_id.terminal_id.connection_id:
            values["authorization_reference"] = self.adhoc_id.terminal_reference
        return values
