from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from .hold_reason import NOT_ACCEPTABLE, REASONS, SEVERITIES

if TYPE_CHECKING:
    from .gate import Finding
    from .session import EmobilitySession

LAST_RETRY = timedelta(days=1)


class EmobilityHold(models.Model):
    """Why a session may not become a CDR yet: one open hold per session and reason."""

    _name = "emobility.hold"
    _inherit = ["emobility.guarded", "mail.thread"]
    _description = "Session hold"
    _order = "state, severity desc, create_date, id"
    _rec_name = "reason_code"
    _check_company_auto = True
    _guard_editable = frozenset({"decision_note"})

    session_id = fields.Many2one(
        "emobility.session", required=True, index=True, ondelete="cascade", readonly=True, check_company=True
    )
    reason_code = fields.Selection(REASONS, string="Reason", required=True, readonly=True, index=True)
    severity = fields.Selection(SEVERITIES, required=True, readonly=True)
    rule_id = fields.Many2one("emobility.gate.rule", readonly=True, index=True, ondelete="set null")
    next_action = fields.Text("What to do", related="rule_id.next_action")
    evidence = fields.Json("Evidence (raw)", readonly=True)
    evidence_text = fields.Text("Evidence", compute="_compute_evidence_text")
    state = fields.Selection(
        [
            ("open", "Open"),
            ("resolved", "Resolved"),
            ("accepted", "Accepted"),
            ("written_off", "Written off"),
            ("noted", "Noted"),
        ],
        default="open",
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    decided_by_id = fields.Many2one("res.users", readonly=True, tracking=True)
    decided_at = fields.Datetime(readonly=True)
    decision_note = fields.Text(
        tracking=True, help="Why this decision is right. Needed to accept or write off."
    )
    retry_at = fields.Datetime("Next retry", readonly=True, index=True)
    retry_count = fields.Integer(readonly=True)
    expires_at = fields.Datetime("Expires", readonly=True, index="btree_not_null")
    is_expired = fields.Boolean("Expired", readonly=True)
    proposal = fields.Json(readonly=True)
    proposal_text = fields.Char("Proposed", compute="_compute_proposal_text")
    proposed_by_id = fields.Many2one("res.users", readonly=True, index="btree_not_null")
    decision_ids = fields.One2many("emobility.hold.decision", "hold_id", "Decisions", readonly=True)
    is_acceptable = fields.Boolean(compute="_compute_is_acceptable")
    partner_id = fields.Many2one(related="session_id.partner_id", store=True, index=True)
    location_id = fields.Many2one(related="session_id.location_id", store=True, index=True)
    start_at = fields.Datetime(related="session_id.start_at")
    energy_kwh = fields.Float(related="session_id.energy_kwh")
    company_id = fields.Many2one(related="session_id.company_id", store=True, index=True)

    _open_unique = models.UniqueIndex(
        "(session_id, reason_code) WHERE state = 'open'", "The session is already held for this reason."
    )

    @api.depends("reason_code", "session_id.uid")
    @api.depends_context("lang")
    def _compute_display_name(self) -> None:
        for hold in self:
            hold.display_name = f"{hold._reason_label()} ({hold.session_id.uid})"

    @api.depends("evidence")
    def _compute_evidence_text(self) -> None:
        for hold in self:
            hold.evidence_text = "\n".join(f"{key}: {value}" for key, value in (hold.evidence or {}).items())

    @api.depends("reason_code")
    def _compute_is_acceptable(self) -> None:
        for hold in self:
            hold.is_acceptable = hold.reason_code not in NOT_ACCEPTABLE

    @api.depends("proposal")
    def _compute_proposal_text(self) -> None:
        labels = {
            "accept": self.env._("Accept"),
            "write_off": self.env._("Write off"),
            "correct": self.env._("Correct"),
        }
        for hold in self:
            proposal = hold.proposal or {}
            values = ", ".join(f"{key}: {value}" for key, value in (proposal.get("values") or {}).items())
            hold.proposal_text = " – ".join(filter(None, (labels.get(proposal.get("action")), values)))

    # Decisions of a person

    def action_accept(self) -> None:
        """Bill the session in spite of this reason. Needs a note. :raises UserError: when it cannot."""
        for hold in self:
            if not hold.is_acceptable:
                raise UserError(
                    self.env._(
                        "'%(reason)s' cannot be accepted: repair the data and retry, or write it off.",
                        reason=hold._reason_label(),
                    )
                )
        self._check_decidable()
        (self - self._propose("accept"))._accept()

    def action_write_off(self) -> None:
        """Give the whole session up: it is never billed. Needs a note."""
        self._check_decidable()
        (self - self._propose("write_off"))._write_off()

    def action_correct(self) -> dict[str, Any]:
        """Open the dialogue that corrects facts of the session."""
        self.ensure_one()
        self._check_decider()
        return self.session_id._correct_window(self)

    def action_confirm(self) -> None:
        """The second person agrees: what was proposed is done. :raises UserError: when it is the same person."""
        self._check_decider()
        for hold in self:
            proposal = hold.proposal
            if hold.state != "open" or not proposal:
                raise UserError(self.env._("There is nothing to confirm."))
            if hold.proposed_by_id == self.env.user:
                raise UserError(self.env._("You proposed it: another person has to confirm it."))
            hold._log("confirmed", note=hold.decision_note)
            hold._withdraw()
            if proposal["action"] == "accept":
                hold._accept()
            elif proposal["action"] == "write_off":
                hold._write_off()
            else:
                files = self.env["ir.attachment"].browse(proposal["evidence"])
                hold.session_id._correct_facts(proposal["values"], hold.decision_note, hold, files)

    def action_reject(self) -> None:
        """The proposal is withdrawn, by whoever made it or by another person."""
        self._check_decider()
        for hold in self:
            if hold.state == "open" and hold.proposal:
                hold._log("rejected", before=hold.proposal, note=hold.decision_note)
                hold._withdraw()

    def action_retry(self) -> None:
        """Look at the session again, with the master data of now."""
        self._check_decider()
        self.session_id._process_now()

    def action_open_session(self) -> dict[str, Any]:
        """Open the session that is held."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.session",
            "res_id": self.session_id.id,
            "view_mode": "form",
        }

    def _check_decider(self) -> None:
        """Public actions are open to RPC: who may not write holds may not decide on them."""
        self.check_access("write")

    def _check_decidable(self) -> None:
        self._check_decider()
        for hold in self:
            if hold.state != "open":
                raise UserError(
                    self.env._("The hold '%(reason)s' is closed already.", reason=hold._reason_label())
                )
            if not (hold.decision_note or "").strip():
                raise UserError(self.env._("Write a decision note first: it is kept with the decision."))

    def _needs_two(self, action: str) -> bool:
        """Whether a second person has to confirm. What is done to the session touches all of its open holds."""
        holds = self if action == "accept" else self | self.session_id._open_holds()
        return any(hold.rule_id.sudo().four_eyes for hold in holds)

    def _propose(
        self, action: str, values: dict[str, Any] | None = None, attachments: Any = None
    ) -> EmobilityHold:
        """Put down what a second person has to confirm; return the holds for which one is needed."""
        waiting = self.filtered(lambda hold: hold._needs_two(action))
        for hold in waiting:
            proposal = {"action": action, "values": values or {}, "evidence": attachments.ids if attachments else []}
            hold.sudo()._as_system().write({"proposal": proposal, "proposed_by_id": self.env.uid})
            hold._log("proposed", after=proposal, note=hold.decision_note)
        return waiting

    def _withdraw(self) -> None:
        self.sudo()._as_system().write({"proposal": False, "proposed_by_id": False})

    def _accept(self) -> None:
        self._decide("accepted")
        self.session_id._process_now()

    def _write_off(self) -> None:
        for hold in self:
            others = hold.session_id._open_holds() - hold
            others.sudo()._as_system().write({"decision_note": hold.decision_note})
            (hold | others)._decide("written_off")
        self.session_id._void()

    def _decide(self, state: str) -> None:
        for hold in self.filtered(lambda one: one.state == "open"):
            hold._log(state, before={"state": hold.state}, after={"state": state}, note=hold.decision_note)
            hold.sudo()._as_system().write(
                {
                    "state": state,
                    "decided_by_id": self.env.uid,
                    "decided_at": fields.Datetime.now(),
                    "retry_at": False,
                    "expires_at": False,
                    "proposal": False,
                    "proposed_by_id": False,
                }
            )
            hold.session_id.sudo().message_post(
                body=self.env._(
                    "%(user)s decided on '%(reason)s': %(state)s. %(note)s",
                    user=self.env.user.name,
                    reason=hold._reason_label(),
                    state=dict(hold._fields["state"]._description_selection(self.env))[state],
                    note=hold.decision_note,
                ),
                author_id=self.env.user.partner_id.id,
            )

    def _log(self, kind: str, **values: Any) -> Any:
        return self.env["emobility.hold.decision"]._log(self.session_id, kind, hold=self, **values)

    def _reason_label(self) -> str:
        return dict(self._fields["reason_code"]._description_selection(self.env)).get(self.reason_code, "")

    # The gate's side

    @api.model
    def _open(self, session: EmobilitySession, finding: Finding) -> EmobilityHold:
        rule = finding.rule
        now = fields.Datetime.now()
        return self.create(
            {
                "session_id": session.id,
                "reason_code": finding.code,
                "severity": finding.severity,
                "evidence": finding.evidence,
                "rule_id": rule and rule.id,
                "retry_at": self._next_retry(rule.retry_hours, 0) if rule else False,
                "expires_at": now + timedelta(days=rule.expiry_days) if rule and rule.expiry_days else False,
            }
        )

    def _keep(self, finding: Finding) -> None:
        """The same finding again: with the evidence and the rule of now."""
        rule = finding.rule
        count = self.retry_count + 1
        self.write(
            {
                "severity": finding.severity,
                "evidence": finding.evidence,
                "rule_id": rule and rule.id,
                "retry_count": count,
                "retry_at": self._next_retry(rule.retry_hours, count - 1)
                if rule and not self.is_expired
                else False,
            }
        )

    def _resolve(self) -> None:
        """The gate finds the reason no more."""
        for hold in self:
            hold._log("resolved", before={"state": hold.state}, after={"state": "resolved"})
        self.write(
            {
                "state": "resolved",
                "retry_at": False,
                "expires_at": False,
                "proposal": False,
                "proposed_by_id": False,
            }
        )

    def _note(self, session: EmobilitySession, findings: list[Finding]) -> None:
        """Keep what holds no session, once per reason."""
        known = set(self.filtered(lambda hold: hold.state == "noted").mapped("reason_code"))
        for finding in findings:
            if finding.code not in known:
                hold = self._as_system()._open(session, finding)
                hold.write({"state": "noted", "retry_at": False, "expires_at": False})

    def _next_retry(self, hours: float, count: int) -> Any:
        """Retry after the time of the rule, then after twice as long each time, up to a day."""
        if not hours:
            return False
        wait = min(timedelta(hours=hours) * 2 ** min(count, 10), LAST_RETRY)
        return fields.Datetime.now() + wait

    @api.model
    def _expire_due(self) -> None:
        """What waited as long as its rule allows is not retried any more, or given up if the rule says so."""
        due = self.search([("state", "=", "open"), ("expires_at", "<=", fields.Datetime.now())])
        for hold in due._as_system():
            after = hold.rule_id.on_expiry or "keep"
            hold._log("expired", after={"then": after})
            hold.write({"is_expired": True, "retry_at": False, "expires_at": False})
            if after == "write_off" and hold.state == "open":
                hold.decision_note = self.env._("Expired after %s days.", hold.rule_id.expiry_days)
                hold._write_off()
