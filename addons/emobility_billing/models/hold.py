from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

REASONS = [
    ("missing_start", "Start not known"),
    ("missing_end", "End not known"),
    ("end_before_start", "Ends before it starts"),
    ("implausible_time", "Time in the future or before charging stations existed"),
    ("zombie", "Far too long"),
    ("register_decrease", "Meter register going back"),
    ("no_energy", "No meter reading"),
    ("negative_energy", "Negative energy"),
    ("zero_energy", "No energy delivered"),
    ("energy_mismatch", "Reported energy differs from the register"),
    ("implausible_energy", "More energy than the connector can deliver"),
    ("micro_session", "Very short and very little"),
    ("overlap", "Overlaps another session on the connector"),
    ("unknown_evse", "Charging point not known"),
    ("unauthorised_token", "Token was not authorised"),
    ("missing_payer", "Nobody to pay"),
    ("missing_tariff", "No tariff applies"),
    ("conflict", "Contradicting reports"),
    ("late_change", "Data changed after the CDR"),
    ("rating_error", "Cannot be priced"),
]
# Without these facts there is nothing that could be billed: such a hold is repaired or written off.
NOT_ACCEPTABLE = frozenset(
    {
        "missing_start",
        "missing_end",
        "end_before_start",
        "no_energy",
        "negative_energy",
        "unknown_evse",
        "missing_payer",
        "missing_tariff",
        "rating_error",
    }
)
FIRST_RETRY = timedelta(hours=1)
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
    severity = fields.Selection(
        [("1_warning", "Doubt"), ("2_error", "Blocking")], required=True, readonly=True
    )
    evidence = fields.Json("Evidence (raw)", readonly=True)
    evidence_text = fields.Text("Evidence", compute="_compute_evidence_text")
    state = fields.Selection(
        [
            ("open", "Open"),
            ("resolved", "Resolved"),
            ("accepted", "Accepted"),
            ("written_off", "Written off"),
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
    is_acceptable = fields.Boolean(compute="_compute_is_acceptable")
    partner_id = fields.Many2one(related="session_id.partner_id", store=True, index=True)
    location_id = fields.Many2one(related="session_id.location_id", store=True, index=True)
    start_at = fields.Datetime(related="session_id.start_at")
    energy_kwh = fields.Float(related="session_id.energy_kwh")
    company_id = fields.Many2one(related="session_id.company_id", store=True, index=True)

    _open_unique = models.UniqueIndex(
        "(session_id, reason_code) WHERE state = 'open'", "The session is already held for this reason."
    )

    @api.depends("evidence")
    def _compute_evidence_text(self) -> None:
        for hold in self:
            hold.evidence_text = "\n".join(f"{key}: {value}" for key, value in (hold.evidence or {}).items())

    @api.depends("reason_code")
    def _compute_is_acceptable(self) -> None:
        for hold in self:
            hold.is_acceptable = hold.reason_code not in NOT_ACCEPTABLE

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
        self._decide("accepted")
        self.session_id._process_now()

    def action_write_off(self) -> None:
        """Give the whole session up: it is never billed. Needs a note."""
        self._decide("written_off")
        for hold in self:
            others = hold.session_id.hold_ids.filtered(lambda other: other.state == "open")
            others.sudo()._as_system().write({"state": "written_off", "decided_by_id": self.env.uid})
        self.session_id._void()

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

    def _decide(self, state: str) -> None:
        self._check_decider()
        for hold in self:
            if hold.state != "open":
                raise UserError(
                    self.env._("The hold '%(reason)s' is closed already.", reason=hold._reason_label())
                )
            if not (hold.decision_note or "").strip():
                raise UserError(self.env._("Write a decision note first: it is kept with the decision."))
            hold.sudo()._as_system().write(
                {
                    "state": state,
                    "decided_by_id": self.env.uid,
                    "decided_at": fields.Datetime.now(),
                    "retry_at": False,
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

    def _check_decider(self) -> None:
        """Public actions are open to RPC: who may not write holds may not decide on them."""
        self.check_access("write")

    def _reason_label(self) -> str:
        return dict(self._fields["reason_code"]._description_selection(self.env)).get(self.reason_code, "")

    # The gate's side

    def _next_retry(self) -> fields.Datetime:
        """Retry after an hour, then after twice as long each time, up to a day."""
        wait = min(FIRST_RETRY * 2 ** min(self.retry_count, 10), LAST_RETRY)
        return fields.Datetime.now() + wait
