from __future__ import annotations

from typing import Any

from odoo import models

from odoo.addons.emobility_billing.derivation import Derived


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    def _apply(self, derived: Derived, event_count: int) -> None:  # pylint: disable=missing-return
        """A session that was paid at the terminal of the station begins without us: its payment is made known first."""
        started = derived.started.payload if derived.started else {}
        if started.get("token_type") == "AD_HOC_USER" and not self.adhoc_id:
            self._note_payment_at_station(started)
        super()._apply(derived, event_count)

    def _note_payment_at_station(self, started: dict[str, Any]) -> None:
        evse = self.env["emobility.evse"].sudo().browse(started.get("evse_id") or []).exists()
        known = self.env["emobility.token"]._find_by_uid(started["token_uid"], evse.company_id)
        if evse.station_id and not known:
            terminal = self.env["emobility.terminal"].sudo()._built_into(evse.station_id)
            terminal._start_at_station(evse, started["token_uid"])
