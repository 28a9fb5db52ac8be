from __future__ import annotations

from typing import Any

from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..ocpi.v221 import ChargingProfile


class EmobilityOcpiLimit(models.TransientModel):
    """Limit the power of a session at a partner's station, end the limit, or ask for what is planned."""

    _name = "emobility.ocpi.limit"
    _description = "Power of a Session at a Partner's Station"

    session_id = fields.Many2one("emobility.session", required=True, readonly=True, ondelete="cascade")
    planned = fields.Char(related="session_id.roaming_limits_text", string="Limits Now")
    unit = fields.Selection(
        [("W", "W (all phases together)"), ("A", "A (each phase)")], required=True, default="W"
    )
    minutes = fields.Integer(help="How long the limits hold; 0: until the session ends.")
    line_ids = fields.One2many(
        "emobility.ocpi.limit.line",
        "limit_id",
        "Limits",
        default=lambda _self: [Command.create({"minute": 0, "limit": 11000.0})],
    )

    def action_send(self) -> dict[str, Any]:
        """Send the limits to the operator."""
        self.ensure_one()
        lines = self.line_ids.sorted("minute")
        if not lines or lines[0].minute != 0 or len(set(lines.mapped("minute"))) < len(lines):
            raise UserError(self.env._("The first limit begins at minute 0, and each minute has one limit."))
        profile = ChargingProfile.model_validate(
            {
                # The operator has a clock of its own: absolute times are the same for both.
                "start_date_time": fields.Datetime.now().isoformat() + "Z",
                "duration": self.minutes * 60 or None,
                "charging_rate_unit": self.unit,
                "charging_profile_period": [
                    {"start_period": line.minute * 60, "limit": line.limit} for line in lines
                ],
            }
        )
        return self._ask("SET_PROFILE", profile=profile)

    def action_clear(self) -> dict[str, Any]:
        """Ask the operator to forget the limits."""
        return self._ask("CLEAR_PROFILE")

    def action_ask(self) -> dict[str, Any]:
        """Ask the operator which limits are planned in the next hours."""
        return self._ask("GET_PROFILE", seconds=12 * 3600)

    def _ask(self, kind: str, **values: Any) -> dict[str, Any]:
        self.ensure_one()
        session = self.session_id
        session.check_access("read")
        if not session.can_send_limits:
            raise UserError(self.env._("Limits can be sent for live sessions at partners who take them."))
        command = self.env["emobility.ocpi.command"].sudo()._send_profile(session.sudo(), kind, **values)
        if command.state != "sent":
            raise UserError(self.env._("The operator refused: %(reason)s.", reason=command._reason()))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The operator passes it on; what comes of it is shown with the session."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
