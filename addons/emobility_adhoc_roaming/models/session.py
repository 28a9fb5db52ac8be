from __future__ import annotations

from typing import Any

from odoo import models

from odoo.addons.emobility_billing.derivation import Derived
from odoo.addons.emobility_roaming.ocpi.internal import Party

OVER = ("COMPLETED", "INVALID")


class EmobilitySession(models.Model):
    """A session of a walk-up at the station of a roaming partner: told by OCPI, paid to us."""

    _inherit = "emobility.session"

    def _apply(self, derived: Derived, event_count: int) -> None:  # pylint: disable=missing-return
        """Some operators put a token of their own into the session, and keep the reference of our command."""
        if derived.started and not self.adhoc_id and self.source == "ocpi":
            self.adhoc_id = self._adhoc_of_reference(derived.started.payload)
        super()._apply(derived, event_count)

    def _adhoc_of_reference(self, started: dict[str, Any]) -> Any:
        """The ad-hoc session whose start we asked this operator for by the reference."""
        reference = started.get("authorization_reference")
        command = reference and self.env["emobility.ocpi.command"].sudo().search(
            [("authorization_reference", "=", reference), ("kind", "=", "START_SESSION"), ("direction", "=", "out"),
             ("company_id", "=", self.company_id.id)], limit=1
        )  # fmt: skip
        evse = self._existing("emobility.evse", started.get("evse_id"))
        if not command or command.evse_id._adhoc_operator() != evse._adhoc_operator():
            return self.env["emobility.adhoc.session"]
        return command.token_id.adhoc_id

    def _status_at_operator(self) -> str:
        """What the operator said of the session last, in the words of OCPI; empty when only its CDR is known."""
        self.ensure_one()
        operator = self.roaming_partner_id
        if self.source != "ocpi" or not operator.connection_id:
            return ""
        party, uid = Party.of(operator.country_code, operator.party_id), self.uid.split("*", 2)[-1]
        known = self.env["emobility.ocpi.object"].sudo()._find(operator.connection_id, "sessions", party, uid)
        return str((known.data or {}).get("status") or "")

    def _is_pending_at_operator(self) -> bool:
        """The operator knows of the session, and nothing flows yet."""
        return bool(self) and self._status_at_operator() == "PENDING"

    def _is_over_at_operator(self) -> bool:
        """Nothing flows any more; what the session costs comes with the CDR."""
        return self._status_at_operator() in OVER

    def _can_stop_remotely(self) -> bool:
        return super()._can_stop_remotely() and not (self.adhoc_id and self._is_over_at_operator())
