from datetime import timedelta
from typing import Any

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command


class EmobilityBridgeAccessWizard(models.TransientModel):
    """Creates the technical user of a bridge, or gives an existing one a new key.

    No such user comes with the addon: a user that everybody knows is a door that everybody tries.
    """

    _name = "emobility.bridge.access.wizard"
    _description = "Access for an OCPP Bridge"

    user_id = fields.Many2one(
        "res.users",
        "Existing Bridge",
        domain=lambda self: [("group_ids", "in", self.env.ref("emobility_ocpp.group_bridge").ids)],
        help="Give this bridge one more key. Its other keys work until they expire or are deleted.",
    )
    login = fields.Char("User Name", default="ocpp-bridge")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    days = fields.Integer("Valid for Days", required=True, default=365)

    def action_create_key(self) -> dict[str, Any]:
        """Create the user if there is none yet, and show its new key, once."""
        login, key = self._create_key()
        return self.env["emobility.secret.show"]._action_show(self.env._("Key of the Bridge"), login, key)

    def _create_key(self) -> tuple[str, str]:
        """Login of the bridge and its new API key; the user is made if there is none yet."""
        self.ensure_one()
        if not self.env.is_system():
            raise AccessError(self.env._("Only an administrator may give a bridge access."))
        group = self.env.ref("emobility_ocpp.group_bridge")
        if not 1 <= self.days < group.api_key_duration:
            raise UserError(
                self.env._(
                    "A key of a bridge is valid for 1 to %(limit)s days.",
                    limit=int(group.api_key_duration) - 1,
                )
            )
        user = self.user_id or self._create_user(group)
        if user.all_group_ids != group:
            raise UserError(self.env._("%(login)s is not only a bridge.", login=user.login))
        expires_at = fields.Datetime.now() + timedelta(days=self.days)
        key = self.env["res.users.apikeys"].with_user(user)._generate("rpc", "OCPP bridge", expires_at)
        return user.login, key

    def _create_user(self, group: models.Model) -> models.Model:
        if not self.login:
            raise UserError(self.env._("The bridge needs a user name."))
        return (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": self.env._("OCPP Bridge %(company)s", company=self.company_id.name),
                    "login": self.login,
                    "company_id": self.company_id.id,
                    "company_ids": [Command.set(self.company_id.ids)],
                    "group_ids": [Command.set(group.ids)],
                }
            )
        )
