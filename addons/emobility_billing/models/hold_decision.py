from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odoo import api, fields, models
from odoo.exceptions import UserError

if TYPE_CHECKING:
    from .hold import EmobilityHold
    from .session import EmobilitySession


class EmobilityHoldDecision(models.Model):
    """The audit log of the gate: who decided what, when and why. It only grows."""

    _name = "emobility.hold.decision"
    _inherit = "emobility.guarded"
    _description = "Decision on a session"
    _order = "id desc"
    _rec_name = "kind"
    _check_company_auto = True

    session_id = fields.Many2one(
        "emobility.session", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    hold_id = fields.Many2one("emobility.hold", readonly=True, index=True, ondelete="restrict")
    reason_code = fields.Selection(related="hold_id.reason_code", store=True)
    kind = fields.Selection(
        [
            ("proposed", "Proposed"),
            ("confirmed", "Confirmed"),
            ("rejected", "Rejected"),
            ("accepted", "Accepted"),
            ("corrected", "Corrected"),
            ("written_off", "Written off"),
            ("resolved", "Resolved by itself"),
            ("expired", "Expired"),
            ("closed", "Closed by the watchdog"),
        ],
        "Decision",
        required=True,
        readonly=True,
        index=True,
    )
    user_id = fields.Many2one("res.users", "Who", required=True, readonly=True, index=True)
    at = fields.Datetime("When", required=True, readonly=True)
    before = fields.Json("Before (raw)", readonly=True)
    after = fields.Json("After (raw)", readonly=True)
    before_text = fields.Text("Before", compute="_compute_texts")
    after_text = fields.Text("After", compute="_compute_texts")
    note = fields.Text("Why", readonly=True)
    attachment_ids = fields.Many2many("ir.attachment", string="Evidence", readonly=True)
    company_id = fields.Many2one(related="session_id.company_id", store=True, index=True)

    @api.depends("before", "after")
    def _compute_texts(self) -> None:
        for decision in self:
            decision.before_text = _text(decision.before)
            decision.after_text = _text(decision.after)

    @api.model
    def _log(
        self,
        session: EmobilitySession,
        kind: str,
        *,
        hold: EmobilityHold | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        note: str | bool = False,
        attachments: Any = None,
    ) -> EmobilityHoldDecision:
        return (
            self.sudo()
            ._as_system()
            .create(
                {
                    "session_id": session.id,
                    "hold_id": hold.id if hold else False,
                    "kind": kind,
                    "user_id": self.env.uid,
                    "at": fields.Datetime.now(),
                    "before": before,
                    "after": after,
                    "note": note,
                    "attachment_ids": [fields.Command.set(attachments.ids)] if attachments else False,
                }
            )
        )

    def write(self, vals: dict[str, Any]) -> bool:  # pylint: disable=method-required-super
        """Not even the product itself changes what was decided."""
        raise UserError(self.env._("A decision that was made stays as it is."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self) -> None:
        raise UserError(self.env._("A decision that was made stays as it is."))


def _text(values: dict[str, Any] | None) -> str | bool:
    known = {key: value for key, value in (values or {}).items() if value not in (None, [], {})}
    return "\n".join(f"{key}: {value}" for key, value in known.items()) or False
