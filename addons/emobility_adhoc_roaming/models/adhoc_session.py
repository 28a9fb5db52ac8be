from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

# Most providers of payments give up a hold after seven days; two of them are left to a person.
CDR_DAYS = 5
# Attention that is over when the money is settled.
PASSING = ("no_cdr", "stop_failed")


class EmobilityAdhocSession(models.Model):
    """Somebody without a contract charges at the station of a roaming partner.

    We ask the operator by OCPI to start and stop, hear of the session from its pushes, and the CDR ends it. The calls
    are jobs of their own, without a lock: the operator may ask for the token, or tell of the session, while we wait
    for its answer.
    """

    _inherit = "emobility.adhoc.session"

    operator_id = fields.Many2one(
        related="evse_id.location_id.roaming_partner_id", string="Roaming Operator",
        help="The roaming partner at whose station the customer charges. Empty: your own station.",
    )  # fmt: skip
    attention = fields.Selection(
        selection_add=[
            ("stop_failed", "The operator does not stop it"),
            ("no_cdr", "No CDR that can be charged"),
            ("credited", "The operator took its CDR back"),
        ]
    )

    # Start

    def _ask_to_start(self) -> None:
        if not self.operator_id:
            super()._ask_to_start()
            return
        # For this session alone: nobody may keep it in a list.
        self.token_id.whitelist = "NEVER"
        self._enqueue("operator")._start_at_operator()

    def _start_at_operator(self) -> None:
        """Job: ask the operator. What it refuses gives the hold back; a lost answer is waited for."""
        adhoc = self.sudo()._as_system()
        if adhoc.state != "starting" or adhoc._start_command():
            return
        try:
            adhoc.evse_id._start_remotely(adhoc.token_id)
        except (UserError, ValueError) as error:
            adhoc.message_post(body=str(error))
            # A job of its own: one that finds the session locked must not ask the operator again.
            adhoc._enqueue("command")._on_command("rejected")

    def _start_command(self) -> Any:
        """The start that the operator was asked for."""
        return self.env["emobility.ocpi.command"].sudo().search(
            [("token_id", "=", self.token_id.id), ("kind", "=", "START_SESSION"), ("direction", "=", "out")], limit=1
        )  # fmt: skip

    # While it goes on

    def _on_session(self) -> None:
        """Job: the operator has told something of the session."""
        adhoc = self._locked()
        if not adhoc.operator_id:
            super()._on_session()
            return
        known = adhoc.session_id or self.env["emobility.session"].sudo().search(
            [("adhoc_id", "=", adhoc.id)], order="id", limit=1
        )
        if adhoc.state == "starting" and known._is_pending_at_operator():
            return  # nothing has begun; the time for the start goes on
        super()._on_session()
        session = adhoc.session_id
        if session.state == "live" and session._is_over_at_operator():
            adhoc._end_at_operator()

    def _end_at_operator(self) -> None:
        """The place is free for the next one, and the money waits for the CDR."""
        if self.state == "charging":
            self.write({"state": "ended", "power_kw": 0.0})
            self.token_id.state = "expired"
        if self.state == "ended" and self.session_id._status_at_operator() == "INVALID":
            self._note("no_cdr")
        self._notify()

    def _watch_limit(self) -> None:  # pylint: disable=missing-return
        """What is over costs no more, however long its CDR takes."""
        if not (self.operator_id and self.session_id._is_over_at_operator()):
            super()._watch_limit()

    def _ask_to_stop(self, session: Any) -> None:  # pylint: disable=missing-return
        if session.source != "ocpi":
            super()._ask_to_stop(session)
        else:
            self._enqueue(f"stop_at_operator:{session.id}")._stop_at_operator(session)

    def _stop_at_operator(self, session: Any) -> None:
        """Job: ask the operator to stop. One that does not is asked again by the watch."""
        if not session._can_stop_remotely():
            return
        try:
            session._stop_remotely()
        except (UserError, ValueError) as error:
            adhoc = self._locked()
            adhoc._note("stop_failed")
            adhoc.message_post(body=str(error))

    # The end

    def _note(self, problem: str) -> None:
        """Put it on the work list, unless it is there for another reason."""
        if not self.attention:
            self.attention = problem

    def _on_credit(self) -> None:
        """Job: the operator took back what the customer was, or is to be, charged for."""
        self._locked().attention = "credited"

    def _miss_cdr(self) -> None:
        """Job: the hold goes soon, and nobody knows what the session costs."""
        adhoc = self._locked()
        if adhoc.state in ("charging", "ended") and adhoc.session_id.state not in ("done", "void"):
            adhoc._note("no_cdr")

    def _release(self, reason: str) -> None:  # pylint: disable=missing-return
        super()._release(reason)
        self._close_passing()

    def _settle(self, due: float) -> None:  # pylint: disable=missing-return
        super()._settle(due)
        self._close_passing()

    def _close_passing(self) -> None:
        if self.attention in PASSING:
            self.attention = False

    @api.model
    def _cron_watch(self) -> None:  # pylint: disable=missing-return
        super()._cron_watch()
        limit = fields.Datetime.now() - timedelta(days=CDR_DAYS)
        late = self.sudo()._as_system().search(
            [("state", "in", ("charging", "ended")), ("attention", "=", False), ("create_date", "<", limit),
             ("operator_id", "!=", False), ("session_id.state", "not in", ("done", "void"))]
        )  # fmt: skip
        for adhoc in late:
            adhoc._enqueue("cron_cdr")._miss_cdr()
