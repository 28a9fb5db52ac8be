from __future__ import annotations

from odoo import api, models
from odoo.exceptions import UserError


class EmobilitySession(models.Model):
    """How the portal stops a session. What talks to stations extends these two methods."""

    _inherit = "emobility.session"  # pylint: disable=consider-merging-classes-inherited

    def _can_stop_remotely(self) -> bool:
        """Whether the session can be stopped from the portal now."""
        self.ensure_one()
        return False

    def _stop_remotely(self) -> str | None:
        """Ask the station to stop the session; the answer is later told under the reference that is returned.

        :raises UserError: when that is not possible
        """
        self.ensure_one()
        raise UserError(self.env._("This session cannot be stopped from here."))

    @api.model
    def _remote_answered(self, reference: str, result: str) -> None:
        """A station has answered what was asked of it under the reference: ACCEPTED, REJECTED, FAILED or TIMEOUT.

        Who passes on what others asked for extends this.
        """
