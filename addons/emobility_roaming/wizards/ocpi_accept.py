from __future__ import annotations

import base64
import json
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ocpi.versions import VERSIONS


class EmobilityOcpiAccept(models.TransientModel):
    """Accept the invitation of a partner: its token and the address of its versions, typed or as a file."""

    _name = "emobility.ocpi.accept"
    _description = "Accept an OCPI Invitation"

    name = fields.Char("Partner", required=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    our_roles = fields.Selection(
        [("CPO", "Operator (CPO)"), ("EMSP", "Provider (eMSP)"), ("BOTH", "Both")], required=True, default="BOTH"
    )
    newest_version = fields.Selection(
        [(version, f"OCPI {version}") for version in VERSIONS], required=True, default=VERSIONS[-1]
    )
    file = fields.Binary("Invitation File")
    file_name = fields.Char()
    token = fields.Char("Token A", compute="_compute_from_file", store=True, readonly=False)
    url = fields.Char("Versions URL", compute="_compute_from_file", store=True, readonly=False)
    raw_token = fields.Boolean("Token Not Encoded")
    allow_private_address = fields.Boolean("Address in a Private Network")

    @api.depends("file")
    def _compute_from_file(self) -> None:
        for wizard in self:
            wizard.token, wizard.url = wizard.token, wizard.url
            if not wizard.file:
                continue
            try:
                content = json.loads(base64.b64decode(wizard.file))
                wizard.token, wizard.url = str(content["token"]), str(content["url"])
            except (ValueError, KeyError, TypeError):
                raise UserError(self.env._("The file holds no invitation: a token and a url.")) from None

    def action_accept(self) -> dict[str, Any]:
        """Make the connection and register at the partner."""
        self.ensure_one()
        if not self.token or not self.url:
            raise UserError(self.env._("Enter the token and the address of versions that the partner sent."))
        connections = self.env["emobility.ocpi.connection"]
        connections.check_access("create")
        connection = connections.create(
            {
                "name": self.name,
                "company_id": self.company_id.id,
                "our_roles": self.our_roles,
                "newest_version": self.newest_version,
                "versions_url": self.url.strip(),
                "raw_token": self.raw_token,
                "allow_private_address": self.allow_private_address,
            }
        )
        connection._keep_token(self.token.strip())
        connection.action_register()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.ocpi.connection",
            "res_id": connection.id,
            "view_mode": "form",
        }
