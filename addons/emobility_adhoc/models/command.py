from typing import Any

from odoo import models

SECRET = ".SharedSecret"


class EmobilityCommand(models.Model):
    _inherit = "emobility.command"

    def write(self, vals: dict[str, Any]) -> bool:
        """What became of a start is told to the customer who waits for it, and whose money is held."""
        result = super().write(vals)
        if vals.get("state", "new") != "new":
            self._hide_secret()
        if vals.get("state") in ("accepted", "rejected", "offline", "expired"):
            for command in self.filtered(lambda each: each.action == "remote_start"):
                for adhoc in command.sudo().token_id.adhoc_id:
                    adhoc._enqueue("command")._on_command(command.state)
        return result

    def _hide_secret(self) -> None:
        """The secret of the codes that a station makes is not for those who read commands."""
        for command in self:
            key = (command.payload or {}).get("key") or ""
            if command.action == "set_configuration" and key.endswith(SECRET):
                command.payload = command.payload | {"value": "***"}
