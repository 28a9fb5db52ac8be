from typing import Any

from odoo import models

SECRET = ".SharedSecret"


class EmobilityCommand(models.Model):
    _inherit = "emobility.command"

    def _apply_result(self, status: str, detail: str | None, answer: dict[str, Any] | None = None) -> None:
        """The secret of the codes that a station makes is not for those who read commands."""
        super()._apply_result(status, detail, answer)
        if self.action == "set_configuration" and self.payload["key"].endswith(SECRET) and self.state != "new":
            self.payload = self.payload | {"value": "***"}

    def write(self, vals: dict[str, Any]) -> bool:
        """What became of a start is told to the customer who waits for it, and whose money is held."""
        result = super().write(vals)
        if vals.get("state") in ("accepted", "rejected", "offline", "expired"):
            for command in self.filtered(lambda each: each.action == "remote_start"):
                for adhoc in command.sudo().token_id.adhoc_id:
                    adhoc._enqueue("command")._on_command(command.state)
        return result
