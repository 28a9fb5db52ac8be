from __future__ import annotations

from typing import Any

from odoo import api, models

from odoo.addons.emobility_roaming.ocpi.internal import Party


class EmobilityOcpiReceiver(models.AbstractModel):
    """No CDR of a partner is paid unseen, whichever way it came."""

    _inherit = "emobility.ocpi.receiver"

    @api.model
    def _receive_cdrs(self, connection: Any, items: list[dict[str, Any]], party: Party | None = None) -> Any:
        cdrs = super()._receive_cdrs(connection, items, party)
        if cdrs:
            cdrs._wait_for_check()
        return cdrs
