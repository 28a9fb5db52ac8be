from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.session import ENERGY_DIGITS

FACT_FIELDS = ("start_at", "end_at", "energy_kwh", "contract_id", "evse_id", "connector_id")


class EmobilitySessionCorrect(models.TransientModel):
    """A person knows facts of a session better than what was reported."""

    _name = "emobility.session.correct"
    _description = "Correction of a session"

    session_id = fields.Many2one("emobility.session", required=True, readonly=True)
    hold_id = fields.Many2one("emobility.hold", readonly=True)
    state = fields.Selection(related="session_id.state")
    company_id = fields.Many2one(related="session_id.company_id")
    start_at = fields.Datetime("Start")
    end_at = fields.Datetime("End")
    energy_kwh = fields.Float("Energy (kWh)", digits=ENERGY_DIGITS)
    contract_id = fields.Many2one(
        "contract.contract",
        "Contract that pays",
        domain="[('is_charging', '=', True), ('company_id', '=', company_id)]",
    )
    evse_id = fields.Many2one("emobility.evse", "EVSE", domain="[('company_id', '=', company_id)]")
    connector_id = fields.Many2one("emobility.connector", domain="[('evse_id', '=', evse_id)]")
    note = fields.Text("Why", help="How you know it: it is kept with the correction.")
    attachment_ids = fields.Many2many("ir.attachment", string="Evidence", help="Such as a photo of the meter.")
    needs_second_person = fields.Boolean(compute="_compute_needs_second_person")

    @api.model
    def default_get(self, fields: list[str]) -> dict[str, Any]:
        values = super().default_get(fields)
        session = self.env["emobility.session"].browse(values.get("session_id"))
        return values | {name: value for name, value in _facts(session).items() if name in fields}

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilitySessionCorrect:
        """A fact that is not named stays as it is."""
        sessions = self.env["emobility.session"]
        return super().create(
            [
                _facts(sessions.browse(vals.get("session_id") or self.env.context.get("default_session_id"))) | vals
                for vals in vals_list
            ]
        )

    @api.depends("session_id")
    def _compute_needs_second_person(self) -> None:
        for wizard in self:
            wizard.needs_second_person = any(
                hold.rule_id.sudo().four_eyes for hold in wizard.session_id._open_holds()
            )

    def action_correct(self) -> dict[str, Any]:
        """Correct the session, or propose it where a second person has to confirm."""
        self.ensure_one()
        values = self._changes()
        if not values:
            raise UserError(self.env._("Nothing is different from what the session says already."))
        hold = self.hold_id or self.session_id._open_holds()[:1]
        if self.needs_second_person:
            hold.decision_note = self.note
            if not (self.note or "").strip():
                raise UserError(self.env._("Say why the data are corrected: it is kept with the correction."))
            hold._propose("correct", values, self.attachment_ids)
        else:
            self.session_id._correct_facts(values, self.note, hold, self.attachment_ids)
        return {"type": "ir.actions.act_window_close"}

    def _changes(self) -> dict[str, Any]:
        now = self.session_id._facts_now()
        values = {
            "start": _iso(self.start_at),
            "end": _iso(self.end_at),
            "energy_kwh": f"{self.energy_kwh:.3f}",
            "contract_id": self.contract_id.id or None,
            "evse_id": self.evse_id.id or None,
            "connector_id": self.connector_id.id or None,
        }
        # Nothing is taken away: an empty field says that it is not known better.
        return {name: value for name, value in values.items() if value is not None and value != now[name]}


def _facts(session: Any) -> dict[str, Any]:
    return {name: _plain(session[name]) for name in FACT_FIELDS}


def _plain(value: Any) -> Any:
    return value.id if isinstance(value, models.BaseModel) else value


def _iso(at: datetime | bool) -> str | None:
    return at.replace(tzinfo=UTC).isoformat() if at else None
