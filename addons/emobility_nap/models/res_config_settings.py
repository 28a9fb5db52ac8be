from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.exceptions import AccessError


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    nap_access = fields.Selection(related="company_id.nap_access", readonly=False)
    nap_has_token = fields.Boolean(related="company_id.nap_has_token")

    def action_nap_new_token(self) -> dict[str, Any]:
        """Make a new token and show it, this once."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator may make a token."))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "sticky": True,
                "title": self.env._("The token for public data; it is shown only now"),
                "message": self.company_id._nap_new_token(),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
