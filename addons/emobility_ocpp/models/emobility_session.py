from typing import Any

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    station_id = fields.Many2one(related="evse_id.station_id", string="Charging Station")
    can_remote_stop = fields.Boolean(compute="_compute_can_remote_stop")

    def _compute_can_remote_stop(self) -> None:
        for session in self:
            session.can_remote_stop = (
                session.state == "live" and session.source == "ocpp" and bool(session.evse_id.station_id)
            )

    def action_remote_stop(self) -> dict[str, Any]:
        """Ask the station to stop this live session; returns the command."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise AccessError(self.env._("You may not send commands to charging stations."))
        if not self.can_remote_stop:
            raise UserError(self.env._("Only a live session at a charging station can be stopped."))
        command = self.env["emobility.command"].sudo()._request_stop(self.sudo())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Stop Command"),
            "res_model": "emobility.command",
            "res_id": command.id,
            "view_mode": "form",
        }

    def _can_stop_remotely(self) -> bool:
        return self.can_remote_stop

    def _stop_remotely(self) -> None:
        self.env["emobility.command"].sudo()._request_stop(self.sudo())
