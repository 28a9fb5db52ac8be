from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError


class EmobilityRemoteStartWizard(models.TransientModel):
    """Asks for the token that a session shall be started with."""

    _name = "emobility.remote.start.wizard"
    _description = "Start a Session Remotely"
    _check_company_auto = True

    evse_id = fields.Many2one("emobility.evse", "EVSE", required=True)
    station_id = fields.Many2one(related="evse_id.station_id")
    company_id = fields.Many2one(related="evse_id.company_id")
    connection_state = fields.Selection(related="station_id.connection_state")
    token_id = fields.Many2one(
        "emobility.token", required=True, check_company=True, domain="[('state', '=', 'active')]"
    )

    def action_start(self) -> dict[str, Any]:
        """Put the command on the way; returns it."""
        self.ensure_one()
        if not self.station_id.accepted:
            raise UserError(
                self.env._("The EVSE %(evse)s has no accepted station.", evse=self.evse_id.display_name)
            )
        status = self.token_id._authorization_status()
        if status != "Accepted":
            raise UserError(self.env._("This token may not charge: it is %(status)s.", status=status))
        command = self.env["emobility.command"].sudo()._request_start(self.evse_id, self.token_id)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Start Command"),
            "res_model": "emobility.command",
            "res_id": command.id,
            "view_mode": "form",
        }
