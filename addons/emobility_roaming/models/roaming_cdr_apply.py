from __future__ import annotations

from datetime import UTC
from typing import Any

from odoo import models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import split_every

from ..ocpi import internal
from ..ocpi.versions import read_cdr
from .ocpi_receiver import event, literal, readings

BATCH = 50


class EmobilityRoamingCdr(models.Model):
    _inherit = "emobility.roaming.cdr"

    def _apply(self) -> None:
        """Job: make of each received CDR what our session needs to be billed.

        Many at once cost a fraction of one by one; when one of them is wrong, each is tried alone.
        """
        received = self.sudo()._as_system().exists()
        for cdrs in split_every(BATCH, received.ids, received.browse):
            if cdrs._try_to_apply():
                for cdr in cdrs.sorted("credit"):
                    cdr.error = cdr._try_to_apply() or False

    def _try_to_apply(self) -> str | None:
        """All of these or none; returns what was wrong."""
        try:
            with self.env.cr.savepoint():
                for connection, cdrs in self.grouped("connection_id").items():
                    cdrs._apply_of(connection)
        except (UserError, ValidationError) as error:
            return str(error)[:500]
        return None

    def _apply_of(self, connection: Any) -> None:
        known = self.env["emobility.token"].sudo()._knowing(
            {connection.company_id: {uid for cdr in self for uid in (cdr.token_uid, cdr.contract_ref) if uid}}
        )
        # The sessions are processed together as well.
        receiver = self.env["emobility.ocpi.receiver"].with_context(emobility_no_jobs=True, **known)
        uids: dict[Any, str] = {}
        places: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        events = []
        for cdr in self.filtered(lambda one: not one.credit):
            party = internal.Party.of(cdr.country_code, cdr.party_id)
            told = read_cdr(cdr.version, cdr.data, party)
            place = (party, *_named_place(told))
            if place not in places:
                places[place] = cdr._place(receiver, party, told)
            evse, connector = places[place]
            named = cdr.session_ref and receiver._session_uid(party, cdr.session_ref)
            uids[cdr] = named or cdr._same_session(evse, told).uid or receiver._session_uid(party, f"CDR-{told.id}")
            events += cdr._events(receiver, uids[cdr], told, evse, connector)
        if events:
            receiver._ingest(connection, events)
        sessions = self.env["emobility.session"].sudo().search(
            [("source", "=", "ocpi"), ("uid", "in", list(uids.values()))]
        )
        by_uid = {session.uid: session.id for session in sessions}
        for cdr, uid in uids.items():
            cdr.write({"session_id": by_uid.get(uid), "error": False})
        sessions._queue_together()
        for cdr in self.filtered("credit"):
            cdr._pair_credit(internal.Party.of(cdr.country_code, cdr.party_id))

    def _same_session(self, evse: Any, told: internal.Cdr) -> Any:
        """The session of a CDR of 2.1.1, which names none: the one that began at the EVSE at the same time."""
        return self.env["emobility.session"].sudo().search(
            [("source", "=", "ocpi"), ("company_id", "=", self.company_id.id), ("evse_id", "=", evse.id),
             ("start_at", "=", told.start.astimezone(UTC).replace(tzinfo=None, microsecond=0)),
             "|", ("partner_cdr_ids", "=", False), ("partner_cdr_ids", "in", self.ids)], limit=1
        )  # fmt: skip

    def _place(self, receiver: Any, party: internal.Party, told: internal.Cdr) -> tuple[Any, Any]:
        evse, connector = receiver._place(self.connection_id, party, *_named_place(told), told.location)
        if not evse:
            # F49: a CDR names exactly one EVSE; of one without nobody knows where the energy went.
            raise UserError(self.env._("The CDR names no EVSE."))
        return evse, connector

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


def _named_place(told: internal.Cdr) -> tuple[str, str, str]:
    """IDs of location, EVSE and connector; empty where the CDR names none."""
    evse = told.location.evses[0] if told.location.evses else None
    connector = evse.connectors[0].id if evse and evse.connectors else ""
    return told.location.id, evse.uid if evse else "", connector
