from __future__ import annotations

from odoo import api, models
from odoo.exceptions import UserError

from ..charging_schedule import ChargingSchedule


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

    def _can_limit_remotely(self) -> bool:
        """Whether the power of the session can be limited now."""
        self.ensure_one()
        return False

    def _limit_remotely(self, schedule: ChargingSchedule | None) -> str | None:
        """Ask the station to keep to the schedule in this session, with None to forget the one it has.

        :raises UserError: when that is not possible
        """
        self.ensure_one()
        raise UserError(self.env._("The power of this session cannot be limited from here."))

    def _ask_limit_remotely(self, seconds: int) -> str | None:
        """Ask the station which limits the session has in the time to come.

        :raises UserError: when it cannot be asked
        """
        self.ensure_one()
        raise UserError(self.env._("The limits of this session cannot be asked for."))

    def _limits_changed(self, reference: str | None = None, schedule: ChargingSchedule | None = None) -> None:
        """Somebody else than who asks by ``_limit_remotely`` has limited these live sessions, or they are free again.

        ``schedule``: what counts now, when the station has said so, in answer to what is called ``reference``.
        """

    @api.model
    def _remote_answered(self, reference: str, result: str, schedule: ChargingSchedule | None = None) -> None:
        """What became of something that was asked for: ACCEPTED, REJECTED, UNKNOWN (there was no limit to forget),
        TIMEOUT (nobody knows) or FAILED. ``schedule``: the limits that were asked for.

        ``reference`` is what the method that asked has returned.
        """
