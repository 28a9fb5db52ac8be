from __future__ import annotations

from typing import Any

from odoo import api, models

from odoo.addons.emobility_crm.identifiers import normalise_uid
from odoo.addons.emobility_roaming.ocpi import v221
from odoo.addons.emobility_roaming.ocpi.transport import UNKNOWN_TOKEN, OcpiError


class EmobilityOcpiServer(models.AbstractModel):
    """The token of somebody without a contract is good for one session, at the EVSE that was paid for."""

    _inherit = "emobility.ocpi.server"

    @api.model
    def _authorize(
        self, connections: Any, uid: str, token_type: str, place: v221.LocationReferences | None
    ) -> dict[str, Any]:
        token = self._adhoc_token(connections, uid)
        if not token:
            return super()._authorize(connections, uid, token_type, place)
        evse = token.adhoc_id.evse_id
        if evse._adhoc_operator().connection_id not in connections:
            raise OcpiError(UNKNOWN_TOKEN, "The token is not known.", 404)
        # OCPI 2.1.1 has no type of its own for it.
        answer = super()._authorize(connections, uid, token.token_type, place)
        command = token.adhoc_id._start_command()
        if "authorization_reference" in answer and command.authorization_reference:
            answer["authorization_reference"] = command.authorization_reference
        if place and answer["allowed"] == "ALLOWED":
            return _at_place(answer, evse, place)
        return answer

    @api.model
    def _adhoc_token(self, connections: Any, uid: str) -> Any:
        return self.env["emobility.token"].sudo().search(
            [("company_id", "in", connections.company_id.ids), ("token_type", "=", "AD_HOC_USER"),
             ("adhoc_id", "!=", False), ("uid", "=", normalise_uid(uid, "AD_HOC_USER"))], limit=1
        )  # fmt: skip


def _at_place(answer: dict[str, Any], evse: Any, place: v221.LocationReferences) -> dict[str, Any]:
    """Only the EVSE that was paid for is allowed, also where the operator asks for the whole location."""
    uids = place.evse_uids or (evse.ocpi_uid,)
    here = [uid for uid in uids if uid.upper() == evse.ocpi_uid.upper()]
    if place.location_id.upper() != evse.location_id.ocpi_id.upper() or not here:
        answer.pop("location", None)
        return answer | {"allowed": "NOT_ALLOWED"}
    return answer | {"location": {"location_id": place.location_id, "evse_uids": here}}
