from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ocpi.internal import Party
from ..ocpi.versions import write as to_json

KINDS = [
    ("START_SESSION", "Start a session"),
    ("STOP_SESSION", "Stop a session"),
    ("RESERVE_NOW", "Reserve"),
    ("CANCEL_RESERVATION", "Cancel a reservation"),
    ("UNLOCK_CONNECTOR", "Unlock a connector"),
]
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
        party = Party.of(partner.country_code, partner.party_id)
        # Our ID of it is in upper case; the partner may have written it otherwise.
        known = self.env["emobility.ocpi.object"].sudo()._find(
            partner.connection_id, "sessions", party, session.uid.split("*", 2)[-1]
        )
        uid = known.uid or session.uid.split("*", 2)[-1]
        return self._send(
            partner.connection_id, "STOP_SESSION", {"session_id": uid}, partner=partner, session_id=session.id
        )

    @api.model
    def _send(self, connection: Any, kind: str, body: dict[str, Any], *, partner: Any, **values: Any) -> Self:
        """Send a command and take what the partner says at once."""
        uid = str(uuid.uuid4())
        url = f"{connection._our_url()}/{connection.version}/emsp/commands/{kind}/{uid}"
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
        module = self.env["emobility.ocpi.module"]._of(connection, "commands", "RECEIVER")
        if not module:
            raise UserError(self.env._("%(name)s takes no commands.", name=connection.name))
        answer = connection._call(
            "POST", f"{module.url.rstrip('/')}/{kind}", module="commands", body={"response_url": url, **body},
            receiver=partner,
        )  # fmt: skip
        result = answer.data.get("result") if isinstance(answer.data, dict) else None
        accepted = answer.ok and result == "ACCEPTED"
        command.write({"state": "sent" if accepted else "refused", "result": result or answer.error})
        return command

    def _partner_answered(self, result: str) -> None:
        """The result that a partner posts; the first one counts."""
        self.ensure_one()
        if self.state != "sent":
            return
        done = result == "ACCEPTED"
        self._as_system().write(
            {"state": "done" if done else "failed", "result": result, "answered_at": fields.Datetime.now()}
        )

    # They ask

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
                "response_url": command.response_url,
                "authorization_reference": getattr(command, "authorization_reference", None),
                **values,
            }
        )

    def _station_answered(self, result: str) -> None:
        """Pass on what the station did: ACCEPTED, REJECTED, TIMEOUT or FAILED."""
        for command in self.filtered(lambda each: each.state == "sent"):
            done = result == "ACCEPTED"
            command._as_system().write(
                {"state": "done" if done else "failed", "result": result, "answered_at": fields.Datetime.now()}
            )
            command.connection_id._queue_command_result(command)

    def _post_result(self) -> None:
        """Job: tell the partner what became of its command."""
        self.ensure_one()
        body: dict[str, Any] = {"result": self.result}
        if self.connection_id.version == "2.1.1" and self.result == "FAILED":
            body["result"] = "REJECTED"
        self.connection_id._call("POST", self.response_url, module="commands", body=body)

    @api.model
    def _cron_give_up(self) -> None:
        """F48: a command that nobody answered in time is over, on either side."""
        limit = fields.Datetime.now() - timedelta(seconds=ANSWER_SECONDS)
        waiting = self.search([("state", "=", "sent"), ("create_date", "<", limit)])
        waiting.filtered(lambda each: each.direction == "in")._station_answered("TIMEOUT")
        waiting.filtered(lambda each: each.direction == "out" and each.state == "sent")._as_system().write(
            {"state": "failed", "result": "TIMEOUT", "answered_at": fields.Datetime.now()}
        )
