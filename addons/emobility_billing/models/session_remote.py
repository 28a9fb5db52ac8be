from __future__ import annotations

from odoo import models
from odoo.exceptions import UserError


class EmobilitySession(models.Model):
    """How the portal stops a session. What talks to stations extends these two methods."""

    _inherit = "emobility.session"  # pylint: disable=consider-merging-classes-inherited

    def _can_stop_remotely(self) -> bool:
        """Whether the session can be stopped from the portal now."""
        self.ensure_one()
        return False

    def _stop_remotely(self) -> None:
        """Ask the station to stop the session. :raises UserError: when that is not possible"""
        self.ensure_one()
        raise UserError(self.env._("This session cannot be stopped from here."))
