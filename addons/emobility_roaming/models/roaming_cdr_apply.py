from __future__ import annotations

from datetime import UTC
from typing import Any

from odoo import models
from odoo.exceptions import UserError, ValidationError

from ..ocpi import internal
from ..ocpi.versions import read_cdr
from .ocpi_receiver import event, literal, readings


class EmobilityRoamingCdr(models.Model):
    _inherit = "emobility.roaming.cdr"

    def _apply(self) -> None:
        """Job: make of each received CDR what our session needs to be billed."""
        for cdr in self.sudo()._as_system().exists():
            try:
                with self.env.cr.savepoint():
                    cdr._apply_one()
            except (UserError, ValidationError) as error:
                cdr.error = str(error)[:500]

    def _apply_one(self) -> None:
        connection = self.connection_id
        receiver = self.env["emobility.ocpi.receiver"]
        party = internal.Party.of(self.country_code, self.party_id)
        told = read_cdr(self.version, self.data, party)
        if told.credit:
            self._pair_credit(party)
            return
        evse_told = told.location.evses[0] if told.location.evses else None
        evse, connector = receiver._place(
            connection,
            party,
            told.location.id,
            evse_told.uid if evse_told else "",
            evse_told.connectors[0].id if evse_told and evse_told.connectors else "",
            told.location,
        )
        if not evse:
            # F49: a CDR names exactly one EVSE; of one without nobody knows where the energy went.
            raise UserError(self.env._("The CDR names no EVSE."))
        uid = receiver._session_uid(party, self.session_ref or f"CDR-{told.id}")
        receiver._ingest(connection, self._events(receiver, uid, told, evse, connector))
        session = self.env["emobility.session"].sudo().search([("source", "=", "ocpi"), ("uid", "=", uid)])
        self.write({"session_id": session.id, "error": False})

    def _events(self, receiver: Any, uid: str, told: internal.Cdr, evse: Any, connector: Any) -> list[dict[str, Any]]:
        """Start, when the energy flowed, pauses, and the end. Of a session that was live the start is known already."""
        events = [
            receiver._started(self.connection_id, uid, told, evse, connector),
            event(uid, "meter", told.end, {"readings": readings(told.periods, told.energy, told.end)}, suffix="cdr"),
        ]
        for period in told.periods:
            kinds = {kind for kind, volume in period.volumes if volume}
            state = "IDLE" if "PARKING_TIME" in kinds and "ENERGY" not in kinds else "CHARGING"
            events.append(event(uid, "state", period.start, {"state": state}, suffix="cdr"))
        events.append(event(uid, "ended", told.end, {"energy_kwh": str(told.energy), "reason": "CDR"}, once=True))
        return events

    def _pair_credit(self, party: internal.Party) -> None:
        """F44: a credit CDR belongs to the CDR that it names; a person decides what our driver gets back."""
        original = self.search(
            [("company_id", "=", self.company_id.id), ("direction", "=", "in"),
             ("country_code", "=", party.country_code), ("party_id", "=", party.party_id),
             ("name", "=ilike", literal(self.credit_reference or "")), ("id", "!=", self.id)], limit=1
        )  # fmt: skip
        if not original:
            raise UserError(
                self.env._("The CDR %(cdr)s that is taken back is not known.", cdr=self.credit_reference or "?")
            )
        self.write({"credited_id": original.id, "session_id": original.session_id.id, "error": False})
        if original.session_id:
            raw = {"credit_cdr": self.name, "cdr": original.name}
            taken_back = event(
                original.session_id.uid,
                "conflict",
                self.last_updated.replace(tzinfo=UTC),
                {"reason": "partner_took_cdr_back", "raw": raw},
                suffix=self.name,
            )
            self.env["emobility.ocpi.receiver"]._ingest(self.connection_id, [taken_back])
