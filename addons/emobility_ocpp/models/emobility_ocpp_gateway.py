from typing import Any

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import AccessError, ValidationError

MAX_EVENTS = 1000
"""Most events of one call: a call is one transaction, and a long one delays everybody."""


class EmobilityOcppGateway(models.AbstractModel):
    """The only methods that the bridge calls. They check their caller and then work as the system.

    XML-RPC, as Odoo speaks it, cannot carry null: an absent value in an answer is ``False``.
    """

    _name = "emobility.ocpp.gateway"
    _description = "Gateway for the OCPP Bridge"

    @api.model
    def push_events(self, events: list[Any]) -> list[dict[str, Any]]:
        """Deliver events of the bridge.

        :param events: at most 1000 mappings ``{"uid", "station", "kind", "at", "payload"}``
        :return: for each event, in order, ``{"uid", "status": "ok" | "duplicate" | "error", "error"}``; also an
            event with an error is kept, and is tried again when it is delivered again
        :raises AccessError: when the caller is not a bridge
        :raises ValidationError: when ``events`` is not a list, or too long
        """
        company = self._check_bridge()
        if not isinstance(events, list | tuple):
            raise ValidationError(self.env._("Events must come as a list."))
        if len(events) > MAX_EVENTS:
            raise ValidationError(
                self.env._(
                    "At most %(limit)s events can be delivered at once, not %(count)s.",
                    limit=MAX_EVENTS,
                    count=len(events),
                )
            )
        return self._as_system(company)["emobility.ocpp.message"]._receive(company, list(events))

    @api.model
    def sync(self, cursor: str | bool = False) -> dict[str, Any]:
        """What the bridge has to know to work alone: tokens and stations, and the commands that wait.

        :param cursor: ``False``, or the cursor of the last answer
        :return: ``{"cursor", "full", "tokens", "stations", "commands"}``. When ``full`` is true the lists of tokens
            and stations replace everything that the bridge knows, else they are what changed since the cursor.
            Commands are always all those that wait.
        :raises AccessError: when the caller is not a bridge
        """
        company = self._check_bridge()
        env = self._as_system(company)
        changes = env["emobility.ocpp.change"]
        epoch, horizon = changes._epoch(company), changes._horizon()
        since = _since(cursor, epoch, horizon)
        full = since is None
        return {
            "cursor": f"{epoch}/{horizon}",
            "full": full,
            "tokens": env["emobility.token"]._ocpp_list(
                company, None if full else changes._keys_since("token", company, since)
            ),
            "stations": env["emobility.station"]._ocpp_list(
                company, None if full else changes._keys_since("station", company, since)
            ),
            "commands": env["emobility.command"]._ocpp_list(company),
        }

    @api.model
    def authorize(self, station: str, token_uid: str, evse: int | bool = False) -> dict[str, Any]:
        """Decide on a token whose status is ``Ask`` or ``AskOnline``, while the station waits for the answer.

        :param evse: number of the EVSE, ``False`` when the station did not say
        :return: ``{"status", "type", "reference"}``; a status that is not one of ``Accepted``, ``Blocked``,
            ``Expired`` and ``Invalid`` says that nobody could decide; a reference belongs into ``session.started``
        :raises AccessError: when the caller is not a bridge
        """
        company = self._check_bridge()
        env = self._as_system(company)
        found = env["emobility.station"].search(
            [("company_id", "=", company.id), ("identity", "=", str(station)), ("accepted", "=", True)]
        )
        if not found:
            return {"status": "Invalid", "type": False, "reference": False}
        point = found.evse_ids.filtered(lambda each: each.ocpp_evse_number == evse)
        return env["emobility.token"]._authorize_at(str(token_uid), company, found.location_id, point)

    def _check_bridge(self) -> models.Model:
        """The company that the calling bridge works for."""
        if not self.env.user.has_group("emobility_ocpp.group_bridge"):
            raise AccessError(self.env._("Only the technical user of the OCPP bridge may call the gateway."))
        return self.env.user.sudo().company_id

    def _as_system(self, company: models.Model) -> api.Environment:
        """Jobs run under the user whose call caused them, and the bridge may do nothing: so not the bridge."""
        return self.with_user(SUPERUSER_ID).with_company(company).env


def _since(cursor: object, epoch: str, horizon: int) -> int | None:
    """Transaction number in the cursor; None when it is not of this numbering: then the answer is full."""
    if not isinstance(cursor, str):
        return None
    cursor_epoch, _separator, number = cursor.rpartition("/")
    if cursor_epoch != epoch or not number.isdecimal() or int(number) > horizon:
        return None
    return int(number)
