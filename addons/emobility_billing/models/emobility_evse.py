from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo import models
from odoo.exceptions import UserError


class EmobilityEvse(models.Model):
    """Where the portal and partners start a session. What talks to stations extends these methods."""

    _inherit = "emobility.evse"

    def _can_start_remotely(self) -> bool:
        """Whether a session can be started here from the portal now."""
        self.ensure_one()
        return False

    def _start_remotely(self, token: Any) -> str | None:
        """Ask the station to start a session for the token; the session carries the reference that is returned.

        :raises UserError: when that is not possible
        """
        self.ensure_one()
        raise UserError(
            self.env._("At %(evse)s a session cannot be started from here.", evse=self.display_name)
        )

    def _unlock_remotely(self) -> str | None:
        """Ask the station to give a cable free. :raises UserError: when that is not possible"""
        self.ensure_one()
        raise UserError(self.env._("At %(evse)s nothing can be unlocked from here.", evse=self.display_name))

    def _reserve_remotely(self, token: Any, until: datetime, number: int) -> str | None:
        """Ask the station to keep the EVSE for the token (until: naive UTC). :raises UserError: when that is not
        possible"""
        self.ensure_one()
        raise UserError(self.env._("%(evse)s cannot be reserved from here.", evse=self.display_name))

    def _cancel_reservation_remotely(self, number: int) -> str | None:
        """Ask the station to give the EVSE free again. :raises UserError: when that is not possible"""
        self.ensure_one()
        raise UserError(self.env._("%(evse)s cannot be reserved from here.", evse=self.display_name))
