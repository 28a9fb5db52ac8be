from __future__ import annotations

from odoo import api, models
from odoo.exceptions import UserError


class EmobilitySession(models.Model):
    """How the portal stops a session. What talks to stations extends these methods."""

    _inherit = "emobility.session"

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
        """What became of a start or stop that was asked for: ACCEPTED, REJECTED, TIMEOUT (nobody knows) or FAILED.

        ``reference`` is what ``_start_remotely`` or ``_stop_remotely`` returned.
        """
