from __future__ import annotations

from typing import Any

from odoo import models
from odoo.exceptions import UserError


class EmobilityEvse(models.Model):
    """Where the portal starts a session. What talks to stations extends these methods."""

    _inherit = "emobility.evse"

    def _can_start_remotely(self) -> bool:
        """Whether a session can be started here from the portal now."""
        self.ensure_one()
        return False

    def _signs_meter_values(self) -> bool:
        """Whether the meter is known to sign what it measures, so that unsigned values are missing something."""
        return False

    def _start_remotely(self, token: Any) -> str | None:
        """Ask the station to start a session for the token; its reference.

        :raises UserError: when that is not possible
        """
        self.ensure_one()
        raise UserError(
            self.env._("At %(evse)s a session cannot be started from here.", evse=self.display_name)
        )

    def _meter_key(self) -> str:
        """Public key of the meter; "" when it is not known."""
        return ""
