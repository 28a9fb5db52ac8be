from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup
from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import SQL

from odoo.addons.queue_job.exception import RetryableJobError

from ..cost_curve import chart, cost_over_time, energy_over_time
from ..derivation import Derived, Event, EventError, check_event, derive
from ..jobs import LATER, NORMAL, enqueue
from ..rating import RatingError, facts_to_json
from .gate import Finding
from .session_event import SOURCE_LABELS

_logger = logging.getLogger(__name__)

ENERGY_DIGITS = (16, 3)
CRON_BATCH = 50
OPEN_STATES = ("live", "ended", "held")
# Where the cable cannot be seen, waiting for it to come out is waiting for nothing.
SOURCES_WITH_CABLE = ("ocpp",)


class EmobilitySession(models.Model):
    """A charging session: live, then ended, then a CDR. It is derived from the set of its events."""

    _name = "emobility.session"
    _inherit = ["emobility.guarded", "portal.mixin", "mail.thread", "mail.activity.mixin"]
    _description = "Charging session"
    _order = "start_at desc, id desc"
    _rec_name = "uid"
    _check_company_auto = True
    _guard_editable = frozenset({"contract_id", "evse_id", "connector_id", "access_token"})

    uid = fields.Char("Session ID", required=True, readonly=True)
    source = fields.Selection(list(SOURCE_LABELS.items()), required=True, readonly=True)
    state = fields.Selection(
        [("live", "Charging"), ("ended", "Ended"), ("held", "Held"), ("done", "Done"), ("void", "Void")],
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    evse_id = fields.Many2one("emobility.evse", "EVSE", index=True, check_company=True)
    connector_id = fields.Many2one("emobility.connector", index=True, domain="[('evse_id', '=', evse_id)]")
    location_id = fields.Many2one(related="evse_id.location_id", store=True, index=True)
    token_uid = fields.Char("Token", readonly=True, index=True)
    token_id = fields.Many2one(
        "emobility.token", "Known token", readonly=True, index=True, check_company=True
    )
    contract_id = fields.Many2one(
        "contract.contract",
        index=True,
        check_company=True,
        domain="[('is_charging', '=', True)]",
        help="Who charged. Found by the token; set it by hand on a session that nobody is to pay.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Payer", compute="_compute_partner_id", store=True, index=True, compute_sudo=True
    )
    start_at = fields.Datetime(readonly=True, index=True)
    end_at = fields.Datetime(readonly=True, index=True)
    unplugged_at = fields.Datetime(readonly=True)
    last_event_at = fields.Datetime(readonly=True)
    duration = fields.Float("Duration (h)", compute="_compute_duration")
    energy_kwh = fields.Float("Energy (kWh)", digits=ENERGY_DIGITS, readonly=True)
    end_reason = fields.Char(readonly=True)
    remote_ref = fields.Char("Remote start reference", readonly=True, index="btree_not_null")
    notes = fields.Json(
        readonly=True, help="What was repaired while the session was derived from its events."
    )
    event_count = fields.Integer(readonly=True)
    settle_at = fields.Datetime("To be billed from", readonly=True, index="btree_not_null")
    tariff_version_id = fields.Many2one("emobility.tariff.version", "Tariff", readonly=True, index=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_estimated = fields.Monetary("Cost so far", readonly=True)
    energy_picture = fields.Html("Energy over time", compute="_compute_pictures", sanitize=False)
    cost_picture = fields.Html("Cost over time", compute="_compute_pictures", sanitize=False)
    event_ids = fields.One2many("emobility.session.event", "session_id", "Events")
    hold_ids = fields.One2many("emobility.hold", "session_id", "Holds")
    open_hold_count = fields.Integer(compute="_compute_open_hold_count")
    cdr_ids = fields.One2many("emobility.cdr", "session_id", "CDRs")
    cdr_count = fields.Integer(compute="_compute_cdr_count")

    _source_uid_unique = models.UniqueIndex("(source, uid)", "This session is known already.")

    # Computed fields

    @api.depends("contract_id.partner_id", "contract_id.invoice_partner_id")
    def _compute_partner_id(self) -> None:
        for session in self:
            contract = session.contract_id
            session.partner_id = contract.invoice_partner_id or contract.partner_id

    @api.depends("start_at", "end_at", "last_event_at")
    def _compute_duration(self) -> None:
        for session in self:
            end = session.end_at or session.last_event_at
            known = session.start_at and end and end > session.start_at
            session.duration = (end - session.start_at).total_seconds() / 3600 if known else 0.0

    @api.depends("event_count", "tariff_version_id")
    def _compute_pictures(self) -> None:
        derived = self.sudo()._derive()
        for session in self:
            session.energy_picture = session.cost_picture = False
            known = derived.get(session.id)
            facts = known and known.facts(session.location_id.time_zone or "UTC")
            if not facts or facts.released == facts.start:
                continue
            session.energy_picture = Markup(chart(energy_over_time(facts), facts.zone, facts.end, "kWh"))
            version = session.sudo().tariff_version_id
            if version:
                try:
                    points = cost_over_time(version._price, version._engine_tariff(), facts)
                except RatingError as error:
                    _logger.info("Session %s has no cost curve: %s", session.uid, error)
                    continue
                session.cost_picture = Markup(chart(points, facts.zone, facts.end, version.currency_id.name))

    @api.depends("hold_ids.state")
    def _compute_open_hold_count(self) -> None:
        counts = dict(
            self.env["emobility.hold"]._read_group(
                [("session_id", "in", self.ids), ("state", "=", "open")], ["session_id"], ["__count"]
            )
        )
        for session in self:
            session.open_hold_count = counts.get(session, 0)

    @api.depends("cdr_ids")
    def _compute_cdr_count(self) -> None:
        counts = dict(
            self.env["emobility.cdr"]._read_group(
                [("session_id", "in", self.ids)], ["session_id"], ["__count"]
            )
        )
        for session in self:
            session.cdr_count = counts.get(session, 0)

    def _compute_access_url(self) -> None:
        for session in self:
            session.access_url = f"/my/charging/sessions/{session.id}"

    # The only way in

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

    # From events to facts

    def _derive(self, events: dict[int, list[Event]] | None = None) -> dict[int, Derived]:
        """What the events say, by session id."""
        events = (
            self.env["emobility.session.event"].sudo()._by_session(self.ids) if events is None else events
        )
        result = {}
        for session in self:
            power = (
                session.connector_id.max_power_kw or self._reported_connector(events[session.id]).max_power_kw
            )
            result[session.id] = derive(events[session.id], Decimal(str(power)) if power else None)
        return result

    def _reported_connector(self, events: list[Event]) -> Any:
        """The connector that a first start names, while it is not on the session yet."""
        connectors = self.env["emobility.connector"].sudo()
        for event in events:
            connector_id = event.payload.get("connector_id") if event.kind == "started" else None
            if isinstance(connector_id, int) and connector_id:
                return connectors.browse(connector_id).exists()
        return connectors

    def _refresh(self) -> None:
        """Bring the sessions in line with all their events, and see to what follows from that."""
        events = self.env["emobility.session.event"]._by_session(self.ids)
        derived = self._derive(events)
        for session in self:
            if session.state in OPEN_STATES:
                session._apply(derived[session.id], len(events[session.id]))
            else:
                session.event_count = len(events[session.id])
                session._note_late_change(derived[session.id])
        self.filtered(lambda session: session.state in ("ended", "held"))._schedule()

    def _apply(self, derived: Derived, event_count: int) -> None:
        """Write what the events say; a session stays as it is where they say nothing."""
        self.ensure_one()
        values: dict[str, Any] = {
            "event_count": event_count,
            "start_at": _naive(derived.start),
            "end_at": _naive(derived.end),
            "unplugged_at": _naive(derived.unplugged),
            "last_event_at": _naive(derived.last_at),
            "energy_kwh": float(derived.energy_kwh or 0),
            "notes": list(derived.notes) or False,
        }
        if derived.ended:
            values["end_reason"] = derived.ended.payload.get("reason") or False
        if derived.started:
            values.update(self._identity(derived.started))
        if derived.end and self.state == "live":
            values["state"] = "ended"
        if derived.end or derived.unplugged:
            values["settle_at"] = self._settle_time(derived)
        self.write({name: value for name, value in values.items() if self._differs(name, value)})
        self._freeze_tariff()
        self._estimate(derived)

    def _differs(self, name: str, value: Any) -> bool:
        current = self[name]
        return (current.id or False) != value if isinstance(current, models.BaseModel) else current != value

    def _identity(self, started: Event) -> dict[str, Any]:
        """Who charged, where: as reported at the start, as far as it is known here."""
        payload = started.payload
        values: dict[str, Any] = {"remote_ref": payload.get("remote_ref") or False}
        evse = self._existing("emobility.evse", payload.get("evse_id"))
        connector = self._existing("emobility.connector", payload.get("connector_id"))
        if evse:
            values["evse_id"] = evse.id
        if connector and connector.evse_id == (evse or self.evse_id):
            values["connector_id"] = connector.id
        company = evse.company_id or self.company_id
        if company != self.company_id:
            values["company_id"] = company.id
        token_uid = payload.get("token_uid") or False
        values["token_uid"] = token_uid
        tokens = self.env["emobility.token"].with_company(company)
        token = tokens._find_by_uid(token_uid, company) if token_uid else tokens
        values["token_id"] = token.id or False
        contract = self._existing("contract.contract", payload.get("contract_id")) or token.contract_id
        if not contract and not token_uid:
            contract = (evse or self.evse_id).location_id.default_contract_id
        if contract:
            values["contract_id"] = contract.id
        return values

    def _existing(self, model: str, record_id: Any) -> Any:
        if not isinstance(record_id, int) or not record_id:
            return self.env[model]
        return self.env[model].browse(record_id).exists()

    def _freeze_tariff(self) -> None:
        """Choose the tariff version of the start, once: later price changes do not touch a session."""
        if self.tariff_version_id or not (self.start_at and self.evse_id and self.contract_id):
            return
        version = self.env["emobility.price.rule"]._select_version(
            self.company_id,
            self.contract_id,
            self.evse_id,
            self.connector_id,
            self.start_at,
            relation="retail",
        )
        if version:
            version._freeze()
            self.write({"tariff_version_id": version.id, "currency_id": version.tariff_id.currency_id.id})

    def _estimate(self, derived: Derived) -> None:
        """The cost so far, by the engine that also makes the invoice."""
        facts = derived.facts(self.location_id.time_zone or "UTC")
        if facts is None or not self.tariff_version_id:
            return
        try:
            amount = float(self.tariff_version_id._price(facts, self.contract_id).total)
        except RatingError as error:
            _logger.info("Session %s has no estimate: %s", self.uid, error)
            return
        if self.currency_id.compare_amounts(amount, self.amount_estimated):
            self.amount_estimated = amount

    def _received_at(self) -> datetime:
        """When the server heard of the session last: the one clock that can be trusted."""
        newest = (
            self.env["emobility.session.event"]
            .sudo()
            .search([("session_id", "=", self.id)], order="received_at desc", limit=1)
        )
        return (newest.received_at or fields.Datetime.now()).replace(tzinfo=UTC)

    # Settling and processing

    def _settle_time(self, derived: Derived) -> datetime:
        """From when on it may be billed: cable out, or the company's time after the end was heard of.

        Idle time is only known when the cable is out, and closing meter values may follow the end.
        """
        now = fields.Datetime.now()
        wait = timedelta(minutes=self.company_id.emobility_settle_minutes)
        if derived.end and (derived.unplugged or self.source not in SOURCES_WITH_CABLE):
            return min(self.settle_at or now, now)
        return self.settle_at or now + wait

    def _schedule(self) -> None:
        """Queue the processing of each session for the time it is settled.

        Who processes the sessions right away says so with the context key ``emobility_no_jobs``; what it leaves
        behind, the cron takes.
        """
        if self.env.context.get("emobility_no_jobs"):
            return
        now = fields.Datetime.now()
        for session in self:
            due = not session.settle_at or session.settle_at <= now
            kind = "now" if due else "settle"
            enqueue(
                session,
                f"emobility.session.process:{session.id}:{kind}",
                self.env._("Process charging session %s", session.uid),
                eta=None if due else session.settle_at,
                priority=LATER if session.source == "import" else NORMAL,
            )._process()

    def _process(self) -> None:
        """Job: gate, then CDR and retail rating. Harmless when there is nothing to do."""
        self.ensure_one()
        try:
            self.lock_for_update()
        except LockError:
            raise RetryableJobError("The session is being changed at this moment.", seconds=30) from None
        self.invalidate_recordset()
        session = self.sudo()._as_system().with_company(self.company_id)
        if session.state in OPEN_STATES and session._is_settled():
            session._pass_gate()

    def _is_settled(self) -> bool:
        if self.settle_at:
            return self.settle_at <= fields.Datetime.now()
        return bool(self.start_at and self._zombie_since() <= datetime.now(UTC)) or self.state == "held"

    def _zombie_since(self) -> datetime:
        return self.start_at.replace(tzinfo=UTC) + timedelta(hours=self.company_id.emobility_zombie_hours)

    def _pass_gate(self) -> None:
        events = self.env["emobility.session.event"]._by_session(self.ids)
        derived = self._derive(events)[self.id]
        self._apply(derived, len(events[self.id]))
        findings = self.env["emobility.gate"]._findings(self, derived)
        if not self._hold_for(findings):
            self._complete(derived)

    def _hold_for(self, findings: list[Finding]) -> bool:
        """Open, keep and close holds so that they are the findings; tell whether any is left to decide."""
        accepted = set(self.hold_ids.filtered(lambda hold: hold.state == "accepted").mapped("reason_code"))
        open_holds = {hold.reason_code: hold for hold in self.hold_ids if hold.state == "open"}
        remaining = {finding.code: finding for finding in findings if finding.code not in accepted}
        for code, hold in open_holds.items():
            if code not in remaining:
                hold.write({"state": "resolved", "retry_at": False})
        for code, finding in remaining.items():
            self._open_hold(finding, open_holds.get(code))
        if remaining and self.state != "held":
            self.state = "held"
        return bool(remaining)

    def _open_hold(self, finding: Finding, hold: Any) -> None:
        values = {"severity": finding.severity, "evidence": finding.evidence}
        if hold:
            values["retry_count"] = hold.retry_count + 1
            values["retry_at"] = hold._next_retry() if finding.retry else False
            hold.write(values)
            return
        holds = self.env["emobility.hold"]._as_system()
        values |= {"session_id": self.id, "reason_code": finding.code}
        values["retry_at"] = holds._next_retry() if finding.retry else False
        holds.create(values)

    def _relation(self) -> str:
        """For which commercial relation the payer of the session pays."""
        return "retail"

    def _complete(self, derived: Derived) -> None:
        """Make the CDR and its retail rating."""
        facts = derived.facts(self.location_id.time_zone or "UTC")
        if facts is None:
            raise UserError(
                self.env._("Session %s passed the gate without facts that can be priced.", self.uid)
            )
        try:
            with self.env.cr.savepoint():
                cdr = self.env["emobility.cdr"]._create_from_session(self, facts)
                cdr._rate(self._relation(), self.contract_id, self.partner_id, self.tariff_version_id)
                self.write({"state": "done", "settle_at": False})
        except RatingError as error:
            self._hold_for([Finding("rating_error", evidence={"error": str(error)})])
            return
        cdr._after_rating()

    def _note_late_change(self, derived: Derived) -> None:
        """Late data never changes what was billed; when it says something else, a person decides."""
        cdr = self._current_cdr()
        facts = derived.facts(self.location_id.time_zone or "UTC")
        if not cdr or facts is None:
            return
        now = facts_to_json(facts)
        if (
            {key: now[key] for key in ("start", "end", "energy_kwh")}
            == {key: cdr.facts[key] for key in ("start", "end", "energy_kwh")}
            and not derived.problems
            and (now["unplugged"] in (None, cdr.facts["unplugged"]))
        ):
            return
        evidence = {
            "cdr": cdr.name,
            "billed_kwh": cdr.facts["energy_kwh"],
            "now_kwh": now["energy_kwh"],
            "billed_end": cdr.facts["end"],
            "now_end": now["end"],
            "now_unplugged": now["unplugged"],
        }
        open_hold = self.hold_ids.filtered(
            lambda hold: hold.state == "open" and hold.reason_code == "late_change"
        )
        self._open_hold(Finding("late_change", "1_warning", evidence), open_hold)

    def _current_cdr(self) -> Any:
        """The CDR that counts: not a credit, and not credited."""
        return self.cdr_ids.filtered(lambda cdr: not cdr.credit and not cdr.credit_cdr_ids)[:1]

    def _process_now(self) -> None:
        """Process after a person's decision: at once, because the person waits for the answer."""
        for session in self.sudo()._as_system():
            if session.state in OPEN_STATES:
                session._process()

    def _void(self) -> None:
        for session in self.sudo()._as_system():
            if session._current_cdr():
                continue
            session.write({"state": "void", "settle_at": False})

    def _reopen(self) -> None:
        """After a correction: bill the session again from what its events say now."""
        for session in self.sudo()._as_system():
            session.hold_ids.filtered(lambda hold: hold.state == "open").write({"state": "resolved"})
            session.write({"state": "ended", "settle_at": fields.Datetime.now()})
        self.sudo()._as_system()._schedule()

    # Periodic work

    @api.model
    def _cron_process_due(self) -> None:
        """Process settled sessions that no job took, due retries of holds, and sessions that never ended."""
        todo = self._due()
        self.env["ir.cron"]._commit_progress(remaining=len(todo))
        for start in range(0, len(todo), CRON_BATCH):
            batch = todo[start : start + CRON_BATCH]
            for session in batch:
                session._process_safely()
            if not self.env["ir.cron"]._commit_progress(len(batch)):
                return

    def _process_safely(self) -> None:
        try:
            with self.env.cr.savepoint():
                self._process()
        except (RetryableJobError, SerializationFailure):
            _logger.info("Session %s is busy; the next run takes it.", self.uid)
        except Exception:
            # One broken session must not stop all others; the error is repeated, and seen, at every run.
            _logger.exception("Session %s could not be processed.", self.uid)

    @api.model
    def _due(self) -> EmobilitySession:
        """The sessions to process now, snapshot first: processing changes what this search finds."""
        now = fields.Datetime.now()
        settled = self.search([("state", "in", ("ended", "live")), ("settle_at", "<=", now)])
        retry = self.env["emobility.hold"].search(
            [("state", "=", "open"), ("retry_at", "<=", now), ("session_id.state", "=", "held")]
        )
        zombies = self.browse()
        for company in self.env["res.company"].search([]):  # pylint: disable=no-search-all
            limit = now - timedelta(hours=company.emobility_zombie_hours)
            zombies |= self.search(
                [("company_id", "=", company.id), ("state", "=", "live"), ("start_at", "<", limit)]
            )
        return settled | retry.session_id | zombies

    # Buttons

    def action_process(self) -> None:
        """Look at the session now instead of waiting for the cable or the next run."""
        self.check_access("write")
        for session in self.sudo()._as_system():
            if session.state in ("ended", "held"):
                session.settle_at = fields.Datetime.now()
                session._process()

    def action_open_holds(self) -> dict[str, Any]:
        """Holds of these sessions."""
        return self._window("emobility.hold", [("session_id", "in", self.ids)], self.env._("Holds"))

    def action_open_cdrs(self) -> dict[str, Any]:
        """CDRs of these sessions."""
        return self._window("emobility.cdr", [("session_id", "in", self.ids)], self.env._("CDRs"))

    def _window(self, model: str, domain: list[Any], name: str) -> dict[str, Any]:
        records = self.env[model].search(domain, limit=2)
        action = {"type": "ir.actions.act_window", "res_model": model, "name": name, "domain": domain}
        if len(records) == 1:
            return action | {"view_mode": "form", "res_id": records.id}
        return action | {"view_mode": "list,form"}


def _naive(instant: datetime | None) -> datetime | bool:
    """Aware UTC -> what an Odoo Datetime field holds."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else False
