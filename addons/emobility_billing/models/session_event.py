from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from odoo import fields, models

from ..derivation import KINDS, OFFICE_KINDS, SOURCES, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE_LABELS = {
    "ocpp": "Station (OCPP)",
    "ocpi": "Roaming (OCPI)",
    "internal": "Roaming between own companies",
    "import": "Import",
}
KIND_LABELS = {
    "started": "Started",
    "meter": "Meter values",
    "state": "Charging state",
    "ended": "Ended",
    "unplugged": "Unplugged",
    "conflict": "Conflict",
    "closed": "Closed by the watchdog",
    "corrected": "Corrected by a person",
}
# Events that are added here, and not taken in.
OFFICE = "office"


class EmobilitySessionEvent(models.Model):
    """A raw event as it arrived. Never changed; the session is derived from the set of them."""

    _name = "emobility.session.event"
    _inherit = "emobility.guarded"
    _description = "Charging session event"
    _order = "at, uid"
    _rec_name = "uid"

    session_id = fields.Many2one(
        "emobility.session", required=True, index=True, ondelete="cascade", readonly=True
    )
    source = fields.Selection(
        [*((key, SOURCE_LABELS[key]) for key in SOURCES), (OFFICE, "Office")], required=True, readonly=True
    )
    uid = fields.Char("Event ID", required=True, readonly=True)
    kind = fields.Selection([(key, KIND_LABELS[key]) for key in (*KINDS, *OFFICE_KINDS)], required=True, readonly=True)
    at = fields.Datetime("Happened at", required=True, readonly=True)
    received_at = fields.Datetime(required=True, readonly=True)
    payload = fields.Json(readonly=True)
    company_id = fields.Many2one(related="session_id.company_id", store=False)

    _source_uid_unique = models.UniqueIndex("(source, uid)", "This event has been received already.")

    def _by_session(self, session_ids: Iterable[int]) -> dict[int, list[Event]]:
        """Events of many sessions in one query, as plain values."""
        rows = self.env["emobility.session.event"].search_fetch(
            [("session_id", "in", list(session_ids))], ["session_id", "uid", "kind", "at", "payload"]
        )
        result: dict[int, list[Event]] = {session_id: [] for session_id in session_ids}
        for row in rows:
            event = Event(row.uid, row.kind, row.at.replace(tzinfo=UTC), row.payload or {})
            result[row.session_id.id].append(event)
        return result
