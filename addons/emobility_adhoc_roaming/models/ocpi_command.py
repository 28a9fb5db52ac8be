from __future__ import annotations

from typing import Any, Self

from odoo import models

from odoo.addons.emobility_roaming.ocpi_client import Answer


class EmobilityOcpiCommand(models.Model):
    """A start for somebody whose money is held: what becomes of it decides on the hold."""

    _inherit = "emobility.ocpi.command"

    def _answered_at_once(self, answer: Answer) -> Self:
        """Nobody knows whether a start whose answer was lost happens: its result, or the session, may still come."""
        super()._answered_at_once(answer)
        is_start = self.kind == "START_SESSION" and self.token_id.adhoc_id
        is_silent = answer.ok and not (isinstance(answer.one, dict) and answer.one.get("result"))
        if is_start and (answer.is_lost or is_silent):
            self.state = "sent"
        return self

    def _partner_answered(self, result: str, profile: dict[str, Any] | None = None) -> None:  # pylint: disable=missing-return
        is_first = self.state == "sent"
        super()._partner_answered(result, profile)
        if is_first and self.kind == "START_SESSION":
            for adhoc in self.sudo().token_id.adhoc_id:
                adhoc._enqueue("command")._on_command("accepted" if self.state == "done" else "rejected")
