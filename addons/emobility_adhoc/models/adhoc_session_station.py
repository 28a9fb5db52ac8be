from __future__ import annotations

from odoo import models

PAYING_SECONDS = 300


class EmobilityAdhocStation(models.Model):
    """What the station shows while somebody pays on the web page."""

    # A part of its own, beside the life of the session.
    _inherit = "emobility.adhoc.session"

    def _say_that_somebody_pays(self) -> None:
        """OCPP 2.1 (C25): the station keeps the charging point, and shows that a payment is under way."""
        evse = self.evse_id
        if evse.station_id.ocpp_version == "2.1" and evse._can_start_remotely():
            evse._request_at_station("web_payment_started", {"timeout": PAYING_SECONDS})
