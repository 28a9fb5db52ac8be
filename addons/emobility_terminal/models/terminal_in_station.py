from __future__ import annotations

from typing import Any

from odoo import Command, api, models


class EmobilityTerminal(models.Model):
    """The terminal that is part of a station: the station tells of its payments (OCPP 2.1, direct payment)."""

    _inherit = "emobility.terminal"

    @api.model
    def _built_into(self, station: Any) -> Any:
        """The terminal of a station, made when it is first heard of; none when the company takes no such payments."""
        known = self.with_context(active_test=False).search([("station_id", "=", station.id)])
        provider = self.with_company(station.company_id)._default_provider()
        if known or not provider:
            return known
        return self.create(
            {
                "name": self.env._("Terminal of %s", station.identity),
                "station_id": station.id,
                "company_id": station.company_id.id,
                "provider_id": provider,
                "evse_ids": [Command.set(station.evse_ids.ids)],
            }
        )

    def _adhoc_at_station(self, payload: dict[str, Any]) -> Any:
        """The session of a settlement: by its reference, or by the transaction that it names."""
        adhoc = self._adhoc_of(payload["reference"])
        if adhoc or not payload.get("session_uid"):
            return adhoc
        sessions = self.env["emobility.session"].sudo()
        session = sessions.search([("source", "=", "ocpp"), ("uid", "=", payload["session_uid"])])
        return session.adhoc_id.filtered(lambda one: one.terminal_id == self)

    def _start_at_station(self, evse: Any, token_uid: str) -> None:
        """Somebody charges who has paid at the station. How much is held is known there only: we assume the most."""
        others = evse.adhoc_ids.filtered(lambda one: one.state in ("held", "starting", "charging"))
        if not self or evse._adhoc_sheet() is None or "charging" in others.mapped("state"):
            # The session has no payer then, and is held until a person has looked.
            return
        for other in others:
            other._release("not_available")
        adhoc = self.env["emobility.adhoc.session"]._check_out(
            evse, email=None, lang=self._language(""), client=self.identity
        )
        most = max(evse._adhoc_hold(), self.company_id.adhoc_hold_max)
        adhoc.write(
            {
                "terminal_id": self.id,
                "terminal_reference": token_uid,
                "hold_amount": most if adhoc.kind == "paid" else 0.0,
                "state": "starting",
            }
        )
        adhoc.token_id = self.env["emobility.token"].sudo().create(
            {"uid": token_uid, "token_type": "AD_HOC_USER", "state": "active", "company_id": self.company_id.id,
             "adhoc_id": adhoc.id}
        )  # fmt: skip
        if adhoc.kind == "paid":
            self._make_hold(adhoc)
            adhoc.transaction_id = adhoc.transaction_ids
