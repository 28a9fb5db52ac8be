from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from odoo.addons.queue_job.exception import RetryableJobError

from ..derivation import Derived
from ..jobs import LATER, NORMAL, enqueue
from ..rating import RatingError, facts_to_json
from .gate import Finding
from .hold_reason import NOTE
from .session import OPEN_STATES

_logger = logging.getLogger(__name__)

CRON_BATCH = 50
# Where the cable cannot be seen, waiting for it to come out is waiting for nothing.
SOURCES_WITH_CABLE = ("ocpp", "internal")


class EmobilitySession(models.Model):
    """Settling and processing: through the gate to the CDR and its rating, or to holds that a person decides."""

    _inherit = "emobility.session"

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

    def _queue_together(self) -> None:
        """Queue the processing of sessions that came together as one job; what fails in it, the cron takes."""
        due = self.filtered(lambda session: session.state in ("ended", "held"))
        if due:
            enqueue(
                due,
                f"emobility.session.process:{due.ids}",
                self.env._("Process %s charging sessions", len(due)),
            )._process_together()

    def _process_together(self) -> None:
        """Job: gate, then CDR and retail rating of each."""
        for session in self:
            session._process_safely()

    def _is_settled(self) -> bool:
        if self.settle_at:
            return self.settle_at <= fields.Datetime.now()
        return self.state == "held"

    def _pass_gate(self) -> None:
        events = self.env["emobility.session.event"]._by_session(self.ids)
        derived = self._derive(events)[self.id]
        self._apply(derived, len(events[self.id]))
        findings = self.env["emobility.gate"]._findings(self, derived)
        if not self._hold_for(findings):
            self._complete(derived)

    def _hold_for(self, findings: list[Finding]) -> bool:
        """Open, keep and close holds so that they are the findings; tell whether any is left to decide."""
        notes = [finding for finding in findings if finding.severity == NOTE]
        findings = [finding for finding in findings if finding.severity != NOTE]
        self.hold_ids._note(self, notes)
        accepted = set(self.hold_ids.filtered(lambda hold: hold.state == "accepted").mapped("reason_code"))
        open_holds = {hold.reason_code: hold for hold in self.hold_ids if hold.state == "open"}
        remaining = {finding.code: finding for finding in findings if finding.code not in accepted}
        for code, hold in open_holds.items():
            if code not in remaining:
                hold._resolve()
        for code, finding in remaining.items():
            self._open_hold(finding, open_holds.get(code))
        if remaining and self.state != "held":
            self.state = "held"
        return bool(remaining)

    def _open_hold(self, finding: Finding, hold: Any) -> None:
        if hold:
            hold._keep(finding)
        else:
            self.env["emobility.hold"]._as_system()._open(self, finding)

    def _complete(self, derived: Derived) -> None:
        """Make the CDR and its first rating."""
        facts = derived.facts(self.location_id.time_zone or "UTC")
        if facts is None:
            raise UserError(
                self.env._("Session %s passed the gate without facts that can be priced.", self.uid)
            )
        try:
            with self.env.cr.savepoint():
                cdr = self.env["emobility.cdr"]._create_from_session(self, facts)
                self._rate_first(cdr)._cut_to_cap(derived.closed)
                self.write({"state": "done", "settle_at": False})
        except RatingError as error:
            finding = Finding("rating_error", evidence={"error": str(error)})
            self._hold_for(self.env["emobility.gate"]._under_rules(self, [finding]))
            return
        cdr._after_rating()

    def _rate_first(self, cdr: Any) -> Any:
        """Price the CDR for who pays it; the rating. :raises RatingError: when the engine cannot"""
        return cdr._rate(self._relation(), self.contract_id, self.partner_id, self.tariff_version_id)

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
        self._hold_late_change(evidence)

    def _hold_late_change(self, evidence: dict[str, Any]) -> None:
        """What a person has to look at although the session is billed."""
        open_hold = self.hold_ids.filtered(
            lambda hold: hold.state == "open" and hold.reason_code == "late_change"
        )
        finding = Finding("late_change", "1_warning", evidence)
        for ruled in self.env["emobility.gate"]._under_rules(self, [finding]):
            self._open_hold(ruled, open_hold)

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
            session.hold_ids.filtered(lambda hold: hold.state == "open")._resolve()
            session.write({"state": "ended", "settle_at": fields.Datetime.now()})
        self.sudo()._as_system()._schedule()

    # Periodic work

    @api.model
    def _cron_process_due(self) -> None:
        """Process settled sessions that no job took, and due retries of holds; let holds expire."""
        self.env["emobility.hold"]._expire_due()
        todo = self._due()
        self.env["ir.cron"]._commit_progress(remaining=len(todo))
        for start in range(0, len(todo), CRON_BATCH):
            batch = todo[start : start + CRON_BATCH]
            for session in batch:
                session._process_safely()
            if not self.env["ir.cron"]._commit_progress(len(batch)):
                return

    def _process_safely(self) -> None:
        self._safely(self._process)

    def _safely(self, step: Callable[[], None]) -> None:
        """Do the step for one session of many."""
        try:
            with self.env.cr.savepoint():
                step()
        except (RetryableJobError, LockError, SerializationFailure):
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
        return settled | retry.session_id
