from __future__ import annotations

import base64
import json
from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError


class EmobilityOcpiInvite(models.TransientModel):
    """Invite a partner: a token and the address of our versions, as a text, a QR code and a file."""

    _name = "emobility.ocpi.invite"
    _description = "Invite an OCPI Partner"

    name = fields.Char("Partner", required=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    our_roles = fields.Selection(
        [("CPO", "Operator (CPO)"), ("EMSP", "Provider (eMSP)"), ("BOTH", "Both")], required=True, default="BOTH"
    )
    connection_id = fields.Many2one("emobility.ocpi.connection", readonly=True)
    token = fields.Char("Token A", readonly=True)
    url = fields.Char("Versions URL", readonly=True)
    qr = fields.Binary("QR Code", readonly=True)
    file = fields.Binary(readonly=True)
    file_name = fields.Char(readonly=True)

    def action_invite(self) -> dict[str, Any]:
        """Make the connection and its token, and show it: only its hash is kept, so that it is shown once."""
        self.ensure_one()
        self.env["emobility.ocpi.connection"].check_access("create")
        connection = self.connection_id or self.env["emobility.ocpi.connection"].create(
            {"name": self.name, "company_id": self.company_id.id, "our_roles": self.our_roles}
        )
        if connection.state not in ("draft", "invited", "ended"):
            raise UserError(self.env._("%(name)s is connected already.", name=connection.name))
        connection._our_party()
        token = connection._issue_token("invitation")
        connection.state = "invited"
        url = f"{connection._our_url()}/versions"
        content = json.dumps({"token": token, "url": url}, indent=2)
        qr = self.env["ir.actions.report"].barcode("QR", content, width=300, height=300)
        self.write(
            {
                "connection_id": connection.id,
                "token": token,
                "url": url,
                "qr": base64.b64encode(qr),
                "file": base64.b64encode(content.encode()),
                "file_name": f"ocpi-{connection.id}.json",
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invitation"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_open_connection(self) -> dict[str, Any]:
        """The connection that was made."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.ocpi.connection",
            "res_id": self.connection_id.id,
            "view_mode": "form",
        }
