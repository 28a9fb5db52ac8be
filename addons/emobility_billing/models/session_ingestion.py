from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from odoo import api, fields, models
from odoo.tools import SQL

from ..derivation import Event, EventError, check_event


class EmobilitySession(models.Model):
    """The only way in: events become rows, once each, and the sessions that they belong to are refreshed."""

    _inherit = "emobility.session"

    @api.model
    def _ingest_events(self, events: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Take events in: any order, any number of times.

        :param events: see docs/architecture.md, "Sessions to money".
        :return: for each event ``{"uid", "status": "ok" | "duplicate" | "error", "error"}``, in order.

        An event that is malformed is refused with a sentence; whatever is well-formed is kept, even when it
        contradicts the rest (that becomes a hold). The insert decides what is new, not a look-up before it.
        """
        model = self.sudo()._as_system().with_context(tracking_disable=True)
        results: list[dict[str, Any]] = []
        good: list[tuple[int, Mapping[str, Any], Event]] = []
        for raw in events:
            uid = raw.get("uid") if isinstance(raw, Mapping) else None
            try:
                if not isinstance(raw, Mapping):
                    raise EventError("An event must be an object.")
                good.append((len(results), raw, check_event(raw)))
                results.append({"uid": uid, "status": "ok", "error": None})
            except EventError as error:
                results.append({"uid": uid, "status": "error", "error": str(error)})
        if not good:
            return results
        sessions = model._find_or_create([(raw, event) for _index, raw, event in good])
        fresh = model._insert_events(sessions, [(raw, event) for _index, raw, event in good])
        touched: set[int] = set()
        for index, raw, event in good:
            key = (raw["source"], event.uid)
            if key in fresh:
                fresh.remove(key)
                touched.add(sessions[raw["source"], raw["session_uid"]])
            else:
                results[index]["status"] = "duplicate"
        model.browse(sorted(touched))._refresh()
        return results

    def _find_or_create(self, pairs: list[tuple[Mapping[str, Any], Event]]) -> dict[tuple[str, str], int]:
        """Ids of the sessions of the events, by (source, uid); the rows are locked."""
        companies = self._companies_of(event for _raw, event in pairs if event.kind == "started")
        wanted: dict[tuple[str, str], int] = {}
        for raw, event in pairs:
            key = (raw["source"], raw["session_uid"])
            company_id = companies.get(event.payload.get("evse_id")) if event.kind == "started" else None
            if company_id or key not in wanted:
                wanted[key] = company_id or self.env.company.id
        keys = sorted(wanted)
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """INSERT INTO emobility_session
                       (source, uid, company_id, state, event_count,
                        create_uid, create_date, write_uid, write_date)
                   VALUES %s ON CONFLICT (source, uid) DO NOTHING""",
                SQL(", ").join(
                    SQL(
                        "(%s, %s, %s, 'live', 0, %s, %s, %s, %s)",
                        *key,
                        wanted[key],
                        self.env.uid,
                        now,
                        self.env.uid,
                        now,
                    )
                    for key in keys
                ),
            )
        )
        # Whoever adds an event to a session also counts it on the session's row: of two at once, one waits
        # and then starts again with what the other has committed, so that no event is left out.
        rows = self.env.execute_query(
            SQL(
                """SELECT source, uid, id FROM emobility_session
                    WHERE (source, uid) IN (%s) ORDER BY id FOR UPDATE""",
                SQL(", ").join(SQL("(%s, %s)", *key) for key in keys),
            )
        )
        return {(source, uid): session_id for source, uid, session_id in rows}

    def _companies_of(self, started: Iterable[Event]) -> dict[Any, int]:
        evse_ids = {event.payload.get("evse_id") for event in started}
        evses = self.env["emobility.evse"].browse([i for i in evse_ids if isinstance(i, int) and i]).exists()
        return {evse.id: evse.company_id.id for evse in evses if evse.company_id}

    def _insert_events(
        self, sessions: dict[tuple[str, str], int], pairs: list[tuple[Mapping[str, Any], Event]]
    ) -> set[tuple[str, str]]:
        """Insert the events that are new; return their (source, uid)."""
        now = fields.Datetime.now()
        values: dict[tuple[str, str], SQL] = {}
        for raw, event in pairs:
            values.setdefault(
                (raw["source"], event.uid),
                SQL(
                    "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    sessions[raw["source"], raw["session_uid"]],
                    raw["source"],
                    event.uid,
                    event.kind,
                    event.at.replace(tzinfo=None),
                    now,
                    json.dumps(dict(event.payload)),
                    self.env.uid,
                    now,
                    self.env.uid,
                    now,
                ),
            )
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO emobility_session_event
                       (session_id, source, uid, kind, at, received_at, payload,
                        create_uid, create_date, write_uid, write_date)
                   VALUES %s ON CONFLICT (source, uid) DO NOTHING RETURNING source, uid""",
                SQL(", ").join(values.values()),
            )
        )
        self.env["emobility.session.event"].invalidate_model(flush=False)
        self.invalidate_recordset(["event_ids"], flush=False)
        return {(source, uid) for source, uid in rows}
