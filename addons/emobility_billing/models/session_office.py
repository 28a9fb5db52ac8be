from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from .session_event import OFFICE

WATCHDOG_BATCH = 50
# What a person may correct, and the name of it in the event.
IDENTITY = ("contract_id", "evse_id", "connector_id")
FACTS = ("start", "end", "energy_kwh", *IDENTITY)


class EmobilitySession(models.Model):
    """What the office adds to a session: an end, when nobody reports one, and facts that a person corrects.

    Both are events beside those that were reported. The reported ones stay; the session is derived from all of them.
    """

    _inherit = "emobility.session"

    decision_ids = fields.One2many("emobility.hold.decision", "session_id", "Decisions", readonly=True)

    def _open_holds(self) -> Any:
        return self.hold_ids.filtered(lambda hold: hold.state == "open")

    def _add_office_event(self, kind: str, payload: dict[str, Any]) -> None:
        now = fields.Datetime.now()
        number = self.env["emobility.session.event"].sudo().search_count(
            [("session_id", "=", self.id), ("source", "=", OFFICE)]
        )
        self.env["emobility.session.event"].sudo()._as_system().create(
            {
                "session_id": self.id,
                "source": OFFICE,
                # Of two at once one fails on the unique index, and starts again with what the other has done.
                "uid": f"{self.source}:{self.uid}:{number + 1}",
                "kind": kind,
                "at": now,
                "received_at": now,
                "payload": payload,
            }
        )

    # The watchdog

    def _amount_cap(self) -> float:
        """The most that the session may cost without a person, in its currency; 0: no cap."""
        self.ensure_one()
        currency = self.currency_id
        if not currency:
            return 0.0
        own = self.contract_id.session_amount_cap
        if own:
            amount, given = own, self.contract_id.currency_id
        else:
            rule = self.env["emobility.gate.rule"]._terms_for(self, "amount_cap")
            if not rule.is_on or not rule.limit_amount:
                return 0.0
            amount, given = rule.limit_amount, self.env["res.currency"].browse(rule.limit_currency_id)
        if given == currency:
            return amount
        return given._convert(amount, currency, self.company_id, fields.Date.context_today(self))

    def _why_unattended(self) -> str | None:
        """Why a live session has to be closed without its end: it costs too much, lasts too long, or is silent."""
        now = fields.Datetime.now()
        cap = self._amount_cap()
        if cap and self.currency_id.compare_amounts(self.amount_estimated, cap) > 0:
            return "amount"
        rule = self.env["emobility.gate.rule"]._terms_for(self, "zombie")
        if not rule.is_on:
            return None
        if rule.limit_hours and self.start_at and now - self.start_at > timedelta(hours=rule.limit_hours):
            return "duration"
        heard = min(self._received_at().replace(tzinfo=None), now)
        if rule.limit_silence_hours and now - heard > timedelta(hours=rule.limit_silence_hours):
            return "silence"
        return None

    @api.model
    def _cron_watchdog(self) -> None:
        """Close live sessions that nobody attends to. They are held; no payment follows from that by itself."""
        todo = self.search([("state", "=", "live")], order="id")
        self.env["ir.cron"]._commit_progress(remaining=len(todo))
        for start in range(0, len(todo), WATCHDOG_BATCH):
            batch = todo[start : start + WATCHDOG_BATCH]
            for session in batch:
                if why := session._why_unattended():
                    session._safely(partial(session._close_unattended, why))
            if not self.env["ir.cron"]._commit_progress(len(batch)):
                return

    def _close_unattended(self, why: str) -> None:
        """End the session with the last that was heard of it, at most at the cap, and let the gate hold it.

        An end that the station reports later takes the place of this one.
        """
        self.ensure_one()
        session = self.sudo()._as_system().with_company(self.company_id)
        session.lock_for_update()
        derived = session._derive()[session.id]
        if session.state != "live" or derived.end or not derived.last_at:
            return
        payload = {
            "why": why,
            "end": derived.last_at.isoformat(),
            "amount": session.amount_estimated,
            "cap": session._amount_cap() or None,
            "currency": session.currency_id.name or None,
            "stop": session._ask_to_stop(),
        }
        session._add_office_event("closed", payload)
        self.env["emobility.hold.decision"]._log(session, "closed", before={"state": "live"}, after=payload)
        events = self.env["emobility.session.event"]._by_session(session.ids)
        session._apply(session._derive(events)[session.id], len(events[session.id]))
        session.settle_at = fields.Datetime.now()
        session._process()

    def _ask_to_stop(self) -> str:
        """Ask the station to end what is closed here, so that no energy flows that nobody pays. What became of it."""
        if not self._can_stop_remotely():
            return "not possible"
        try:
            with self.env.cr.savepoint():
                self._stop_remotely()
        except UserError as error:
            return str(error)
        return "asked"

    # Corrections by a person

    def action_correct_facts(self) -> dict[str, Any]:
        """Open the dialogue that corrects facts of the session."""
        self.ensure_one()
        self.env["emobility.hold"].check_access("write")
        return self._correct_window(self._open_holds()[:1])

    def _correct_window(self, hold: Any) -> dict[str, Any]:
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.session.correct",
            "name": self.env._("Correct the Session"),
            "view_mode": "form",
            "target": "new",
            "context": {"default_session_id": self.id, "default_hold_id": hold.id},
        }

    def _facts_now(self) -> dict[str, Any]:
        """The facts that can be corrected, as they are now: in the words of the event."""
        self.ensure_one()
        return {
            "start": _iso(self.start_at),
            "end": _iso(self.end_at),
            "energy_kwh": f"{self.energy_kwh:.3f}",
            **{name: self[name].id or None for name in IDENTITY},
        }

    def _correct_facts(
        self, values: dict[str, Any], note: str | bool, hold: Any = None, attachments: Any = None
    ) -> None:
        """Add what a person knows better, with the reason, and look at the session anew.

        :param values: of FACTS those that change
        :raises UserError: without a reason or a change, or when the session is void
        """
        self.ensure_one()
        self.env["emobility.hold"].check_access("write")
        if not (note or "").strip():
            raise UserError(self.env._("Say why the data are corrected: it is kept with the correction."))
        session = self.sudo()._as_system().with_company(self.company_id)
        before = session._facts_now()
        changes = {name: values[name] for name in FACTS if name in values and values[name] != before[name]}
        if not changes:
            raise UserError(self.env._("Nothing is different from what the session says already."))
        if session.state == "void":
            raise UserError(self.env._("The session was written off."))
        session._add_office_event("corrected", changes)
        decision = self.env["emobility.hold.decision"]._log(
            session,
            "corrected",
            hold=hold,
            before=session._readable({name: before[name] for name in changes}),
            after=session._readable(changes),
            note=note,
            attachments=attachments,
        )
        session.message_post(
            body=self.env._(
                "%(user)s corrected %(facts)s. %(note)s",
                user=self.env.user.name,
                facts=", ".join(f"{name}: {value}" for name, value in decision.after.items()),
                note=note,
            ),
            author_id=self.env.user.partner_id.id,
        )
        session._take_correction(changes)

    def _readable(self, values: dict[str, Any]) -> dict[str, Any]:
        """Names instead of ids, for the log."""
        names = {name: self[name].browse(values[name]).display_name for name in IDENTITY if values.get(name)}
        return values | names

    def _take_correction(self, changes: dict[str, Any]) -> None:
        """Before the CDR the session goes through the gate anew; after it a person decides about billing again."""
        if self.state not in ("live", "ended", "held"):
            self._hold_late_change({"cdr": self._current_cdr().name, **self._readable(changes)})
            return
        if any(name in changes for name in ("start", *IDENTITY)):
            # Another customer, place or day has another price.
            self.tariff_version_id = False
        events = self.env["emobility.session.event"]._by_session(self.ids)
        self._apply(self._derive(events)[self.id], len(events[self.id]))
        if self.state in ("ended", "held"):
            self.settle_at = fields.Datetime.now()
            self._process()


def _iso(at: datetime | bool) -> str | None:
    return at.replace(tzinfo=UTC).isoformat() if at else None
