from __future__ import annotations

from typing import Any

from odoo import models

RESULTS = {"accepted": "ACCEPTED", "rejected": "REJECTED", "expired": "TIMEOUT"}


class EmobilityAdhocSession(models.Model):
    """A session at a terminal of a provider: what becomes of it is told in the words of OCPI."""

    _inherit = "emobility.adhoc.session"

    def _request_start(self) -> None:  # pylint: disable=missing-return
        """The token carries the party of the provider, whom session and CDR are for."""
        super()._request_start()
        if party := self.terminal_id.connection_id._terminal_provider():
            self.token_id.write({"country_code": party.country_code, "party_id": party.party_id})

    def _on_command(self, result: str) -> None:  # pylint: disable=missing-return
        super()._on_command(result)
        self._answer_provider(RESULTS.get(result, "FAILED"))

    def _release(self, reason: str) -> None:  # pylint: disable=missing-return
        super()._release(reason)
        self._answer_provider("TIMEOUT" if reason == "start_timeout" else "REJECTED")

    def _answer_provider(self, result: str) -> None:
        """The second answer to the command, once."""
        for adhoc in self.sudo().filtered(lambda one: one.terminal_id.connection_id):
            connection = adhoc.terminal_id.connection_id
            command = self.env["emobility.ocpi.server"]._start_of(connection, adhoc.terminal_reference)
            command._station_answered(result)

    def _make_receipt(self, rating: Any) -> None:  # pylint: disable=missing-return
        """The CDR names the receipt: so it goes out when there is one."""
        super()._make_receipt(rating)
        rating.cdr_id._ocpi_changed()
