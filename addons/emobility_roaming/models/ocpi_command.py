from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Self
from urllib.parse import quote

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule

from ..charging_profile import active_profile
from ..ocpi.v221 import ChargingProfile
from ..ocpi.versions import as_json
from ..ocpi.versions import write as to_json
from ..ocpi_client import Answer

KINDS = [
    ("START_SESSION", "Start a session"),
    ("STOP_SESSION", "Stop a session"),
    ("RESERVE_NOW", "Reserve"),
    ("CANCEL_RESERVATION", "Cancel a reservation"),
    ("UNLOCK_CONNECTOR", "Unlock a connector"),
    ("SET_PROFILE", "Limit the power"),
    ("CLEAR_PROFILE", "End the limit"),
    ("GET_PROFILE", "Ask for the limits"),
]
PROFILES = ("SET_PROFILE", "CLEAR_PROFILE", "GET_PROFILE")
"""Kinds of the module chargingprofiles; the others are of the module commands."""
PLANNED_SECONDS = 24 * 3600
"""Of this time to come a station is asked for its plan."""
ANSWER_SECONDS = 120
"""How long a partner may wait for what its command became; stations of ours have two minutes."""


class EmobilityOcpiCommand(models.Model):
    """A command of OCPI in either direction. It is answered twice: at once, and when the station has decided."""

    _name = "emobility.ocpi.command"
    _inherit = "emobility.guarded"
    _description = "OCPI Command"
    _order = "id desc"
    _rec_name = "uid"
    _check_company_auto = True

    uid = fields.Char("OCPI ID", required=True, readonly=True)
    connection_id = fields.Many2one(
        "emobility.ocpi.connection", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    direction = fields.Selection([("in", "They ask"), ("out", "We ask")], required=True, readonly=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    evse_id = fields.Many2one("emobility.evse", "EVSE", readonly=True, index=True, ondelete="set null")
    token_id = fields.Many2one("emobility.token", readonly=True, index=True, ondelete="set null")
    session_id = fields.Many2one("emobility.session", readonly=True, index=True, ondelete="set null")
    state = fields.Selection(
        [("new", "New"), ("sent", "Passed on"), ("done", "Done"), ("refused", "Refused"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="new",
    )
    result = fields.Char(readonly=True, help="In the words of OCPI.")
    response_url = fields.Char("Response URL", readonly=True)
    station_reference = fields.Char(readonly=True, index="btree_not_null", help="What our station calls the command.")
    reservation_ref = fields.Char("Reservation of the Partner", readonly=True, index="btree_not_null")
    reservation_number = fields.Integer(readonly=True, help="What our station calls the reservation.")
    authorization_reference = fields.Char(readonly=True, index="btree_not_null")
    profile = fields.Json("Limits", readonly=True, help="In the words of OCPI.")
    answered_at = fields.Datetime(readonly=True)

    _uid_unique = models.UniqueIndex("(uid)")

    def _reason(self) -> str:
        return self.result or self.env._("no answer")

    # We ask

    @api.model
    def _send_start(self, partner: Any, evse: Any, token: Any) -> Self:
        connection = partner.connection_id
        publisher = self.env["emobility.ocpi.publisher"]
        reference = str(uuid.uuid4())
        location = evse.location_id
        body = {
            "token": to_json("token", connection.version, publisher._token(connection, token)),
            "location_id": location.ocpi_id,
            "evse_uid": evse.ocpi_uid,
        }
        if connection.version != "2.1.1":
            body["authorization_reference"] = reference
            connector = evse.connector_ids[:1]
            if len(evse.connector_ids) == 1:
                body["connector_id"] = connector.code
        return self._send(
            connection,
            "START_SESSION",
            body,
            partner=partner,
            evse_id=evse.id,
            token_id=token.id,
            authorization_reference=reference,
        )

    @api.model
    def _send_stop(self, session: Any) -> Self:
        partner = session.roaming_partner_id
        body = {"session_id": session._partner_uid()}
        return self._send(partner.connection_id, "STOP_SESSION", body, partner=partner, session_id=session.id)

    @api.model
    def _send_profile(self, session: Any, kind: str, profile: ChargingProfile | None = None, seconds: int = 0) -> Self:
        """Limit the power of our driver's session at a partner, end that, or ask for what is planned (2.2.1)."""
        partner, key = session.roaming_partner_id, quote(session._partner_uid(), safe="")
        connection = partner.connection_id
        command, url = self._prepare(connection, kind, "chargingprofiles", session_id=session.id)
        address = f"{url}/{key}"
        params = {"response_url": command.response_url} | ({"duration": str(seconds)} if seconds else {})
        if kind == "SET_PROFILE" and profile:
            command.profile = as_json(profile)
            body = {"charging_profile": command.profile, "response_url": command.response_url}
            answer = connection._call("PUT", address, module="chargingprofiles", body=body, receiver=partner)
        else:
            method = "GET" if kind == "GET_PROFILE" else "DELETE"
            answer = connection._call(method, address, module="chargingprofiles", params=params, receiver=partner)
        return command._answered_at_once(answer)

    @api.model
    def _send(self, connection: Any, kind: str, body: dict[str, Any], *, partner: Any, **values: Any) -> Self:
        """Send a command and take what the partner says at once."""
        command, url = self._prepare(connection, kind, "commands", **values)
        body = {"response_url": command.response_url, **body}
        answer = connection._call("POST", f"{url}/{kind}", module="commands", body=body, receiver=partner)
        return command._answered_at_once(answer)

    @api.model
    def _prepare(self, connection: Any, kind: str, name: str, **values: Any) -> tuple[Self, str]:
        """A new command and where the partner takes it. :raises UserError: when it takes none"""
        uid = str(uuid.uuid4())
        url = f"{connection._our_url()}/{connection.version}/emsp/{name}/{kind}/{uid}"
        command = self._as_system().create(
            {
                "uid": uid,
                "connection_id": connection.id,
                "company_id": connection.company_id.id,
                "direction": "out",
                "kind": kind,
                "response_url": url,
                **values,
            }
        )
        module = self.env["emobility.ocpi.module"]._of(connection, name, "RECEIVER")
        if not module:
            raise UserError(self.env._("%(name)s takes no commands.", name=connection.name))
        return command, module.url.rstrip("/")

    def _answered_at_once(self, answer: Answer) -> Self:
        result = answer.one.get("result") if isinstance(answer.one, dict) else None
        accepted = answer.ok and result == "ACCEPTED"
        self.write({"state": "sent" if accepted else "refused", "result": str(result or answer.error)})
        return self

    def _partner_answered(self, result: str, profile: dict[str, Any] | None = None) -> None:
        """The result that a partner posts; the first one counts."""
        self.ensure_one()
        if self.state != "sent":
            return
        done = result == "ACCEPTED"
        self._as_system().write(
            {"state": "done" if done else "failed", "result": result, "answered_at": fields.Datetime.now()}
        )
        if done and self.kind in PROFILES:
            self.session_id._take_limits(self.profile if self.kind == "SET_PROFILE" else profile)

    # They ask

    @api.model
    def _reservation(self, connection: Any, reservation: str) -> Self:
        """The reservation that the partner calls so, as long as it stands."""
        return self.search(
            [("connection_id", "=", connection.id), ("kind", "=", "RESERVE_NOW"), ("direction", "=", "in"),
             ("reservation_ref", "=", reservation), ("state", "in", ("sent", "done"))], limit=1
        )  # fmt: skip

    @api.model
    def _receive(self, connection: Any, kind: str, command: Any, token: Any = None, **values: Any) -> Self:
        return self.sudo()._as_system().create(
            {
                "uid": str(uuid.uuid4()),
                "connection_id": connection.id,
                "company_id": connection.company_id.id,
                "direction": "in",
                "kind": kind,
                "state": "sent",
                "response_url": getattr(command, "response_url", False),
                "authorization_reference": getattr(command, "authorization_reference", None),
                **values,
            }
        )

    def _station_answered(self, result: str, schedule: ChargingSchedule | None = None) -> None:
        """Pass on what the station did: ACCEPTED, REJECTED, UNKNOWN, TIMEOUT or FAILED."""
        for command in self.filtered(lambda each: each.state == "sent"):
            done = result == "ACCEPTED"
            values = {"state": "done" if done else "failed", "result": result, "answered_at": fields.Datetime.now()}
            if schedule:
                values["profile"] = as_json(active_profile(schedule, fields.Datetime.now()))
            command._as_system().write(values)
            command.connection_id._queue_command_result(command)
            if done and command.kind in ("SET_PROFILE", "CLEAR_PROFILE"):
                command._ask_what_is_planned()

    def _ask_what_is_planned(self) -> None:
        """Who set a limit is told what the station makes of it, for other limits may be lower."""
        session = self.session_id
        if not session._can_limit_remotely():
            return
        question = self._receive(self.connection_id, "GET_PROFILE", None, session_id=session.id)
        question.station_reference = session._ask_limit_remotely(PLANNED_SECONDS) or False

    @api.model
    def _limited_by_others(self, session: Any, reference: str | None, schedule: ChargingSchedule | None) -> None:
        """A provider that has limited its driver's session is told when other limits count (chapter
        mod_charging_profiles). ``schedule``: those limits, else the station is asked."""
        limits = [("session_id", "=", session.id), ("direction", "=", "in"), ("state", "=", "done")]
        limited = self.search([*limits, ("kind", "=", "SET_PROFILE")], limit=1)
        if not limited:
            return
        if not schedule:
            limited._ask_what_is_planned()
            return
        told = self.search([*limits, ("kind", "=", "GET_PROFILE"), ("profile", "!=", False)], limit=1)
        if told.profile and _limits_of(told.profile) == _limits_of(as_json(active_profile(schedule, told.answered_at))):
            return
        answered = {"session_id": session.id, "station_reference": reference}
        self._receive(limited.connection_id, "GET_PROFILE", None, **answered)._station_answered("ACCEPTED", schedule)

    def _post_result(self) -> None:
        """Job: tell the partner what became of its command."""
        self.ensure_one()
        if self.kind in PROFILES:
            self._post_profile()
            return
        body: dict[str, Any] = {"result": self.result}
        if self.connection_id.version == "2.1.1" and self.result == "FAILED":
            body["result"] = "REJECTED"
        self.connection_id._call("POST", self.response_url, module="commands", body=body, open_routing=True)

    def _post_profile(self) -> None:
        connection = self.connection_id
        told = {"module": "chargingprofiles", "receiver": self.session_id.roaming_partner_id}
        if self.response_url:
            body: dict[str, Any] = {"result": self.result if self.result in ("ACCEPTED", "UNKNOWN") else "REJECTED"}
            if self.profile and self.kind == "GET_PROFILE":
                body["profile"] = self.profile
            connection._call("POST", self.response_url, body=body, **told)
            return
        sender = self.env["emobility.ocpi.module"]._of(connection, "chargingprofiles", "SENDER")
        if sender and self.profile:
            key = quote(self.session_id.uid, safe="")
            connection._call("PUT", f"{sender.url.rstrip('/')}/{key}", body=self.profile, **told)

    @api.model
    def _cron_give_up(self) -> None:
        """F48: a command that nobody answered in time is over, on either side."""
        limit = fields.Datetime.now() - timedelta(seconds=ANSWER_SECONDS)
        waiting = self.search([("state", "=", "sent"), ("create_date", "<", limit)])
        waiting.filtered(lambda each: each.direction == "in")._station_answered("TIMEOUT")
        waiting.filtered(lambda each: each.direction == "out" and each.state == "sent")._as_system().write(
            {"state": "failed", "result": "TIMEOUT", "answered_at": fields.Datetime.now()}
        )


def _limits_of(active: dict[str, Any]) -> Any:
    """What an active profile allows, whatever the moment at which it was asked for."""
    profile = active["charging_profile"]
    return profile["charging_rate_unit"], profile["charging_profile_period"]
