from typing import Any

from odoo import fields, models

_NOTHING = "none"


class EmobilityEvse(models.Model):
    """The tariff that a station of OCPP 2.1 has for an EVSE: what everybody pays who has no contract."""

    _inherit = "emobility.evse"

    ocpp_tariff_key = fields.Char(
        "Tariff Sent", readonly=True, copy=False, help="Which tariff the station was sent last."
    )
    ocpp_tariff_version_id = fields.Many2one(
        "emobility.tariff.version",
        "Tariff on the Station",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    ocpp_tariff_state = fields.Selection(
        [
            ("sent", "Sent"),
            ("accepted", "The station has it"),
            ("rejected", "Rejected by the station"),
            ("unknown", "Unknown: the station did not answer"),
            (_NOTHING, "The station has none"),
        ],
        "Tariff State",
        readonly=True,
        copy=False,
    )
    ocpp_tariff_note = fields.Text(
        "Not on the Station",
        readonly=True,
        copy=False,
        help="What the station does not know of the prices, or why it has none.",
    )

    def _send_tariff(self, *, again: bool = False) -> models.Model:
        """Send each station the prices without contract of these EVSEs when they are not those that it has.

        A tariff that may not be sent because it lacks something takes the one before it away: a display shall rather
        show nothing than what is no longer true.

        :param again: send also what was sent before
        """
        commands = self.env["emobility.command"].sudo()
        for evse in self.sudo().filtered(lambda evse: evse.station_id._computes_costs()):
            version, tariff, note = evse._tariff_for_station()
            key = tariff["tariffId"] if tariff else _NOTHING
            had = evse.ocpp_tariff_key
            if key == had and not again:
                if key == _NOTHING and evse.ocpp_tariff_note != note:
                    evse.ocpp_tariff_note = note
                continue
            state = "sent"
            if tariff:
                payload = {"evse": evse.ocpp_evse_number, "tariff": tariff}
                commands |= commands._request(evse.station_id, "default_tariff", payload, evse, on_result=evse)
            elif had not in (False, _NOTHING):
                payload = {"evse": evse.ocpp_evse_number}
                commands |= commands._request(evse.station_id, "clear_tariffs", payload, evse, on_result=evse)
            else:
                state = _NOTHING
            evse.write(
                {
                    "ocpp_tariff_key": key,
                    "ocpp_tariff_version_id": version.id,
                    "ocpp_tariff_state": state,
                    "ocpp_tariff_note": note,
                }
            )
        return commands

    def _tariff_for_station(self) -> tuple[Any, dict[str, Any] | None, str | bool]:
        """Version, tariff and what is not on the station; without tariff there is no version either."""
        self.ensure_one()
        none = self.env["emobility.tariff.version"]
        version = self.env["emobility.price.rule"]._select_version(
            self.company_id,
            self.env["contract.contract"],
            self,
            self.env["emobility.connector"],
            fields.Datetime.now(),
            relation="adhoc",
        )
        if not version:
            return none, None, self.env._("There is no price for drivers without contract.")
        tariff, lost = version._ocpp_tariff()
        obstacles = self.station_id._tariff_obstacles(tariff) if tariff else []
        note = "\n".join(lost + obstacles) or False
        if tariff is None or obstacles or not self.station_id._takes_tariff(lost):
            return none, None, note
        return version, tariff, note

    def _on_command_result(self, command: models.Model) -> None:
        """What became of a tariff. One that never reached the station is sent again, one without answer is not."""
        for evse in self:
            if command.state in ("offline", "expired"):
                evse.ocpp_tariff_key = False
            elif command.state == "accepted":
                evse.ocpp_tariff_state = "accepted" if command.action == "default_tariff" else _NOTHING
            elif command.state in ("rejected", "unknown"):
                evse.ocpp_tariff_state = command.state
                if command.result:
                    evse.ocpp_tariff_note = "\n".join(filter(None, (command.result, evse.ocpp_tariff_note)))
