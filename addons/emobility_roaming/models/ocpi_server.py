from __future__ import annotations

import uuid
from datetime import UTC
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_crm.identifiers import normalise_uid

from ..charging_profile import schedule_of
from ..ocpi import v221
from ..ocpi.internal import Party
from ..ocpi.transport import INVALID, NOT_ENOUGH, UNKNOWN_TOKEN, OcpiError
from ..ocpi.versions import as_json, write
from .ocpi_command import ANSWER_SECONDS
from .ocpi_receiver import literal

_ALLOWED = {"Accepted": "ALLOWED", "Blocked": "BLOCKED", "Expired": "EXPIRED", "Invalid": "BLOCKED"}


class EmobilityOcpiServer(models.AbstractModel):
    """What partners ask us to decide or to do."""

    _name = "emobility.ocpi.server"
    _description = "OCPI Server"

    # Authorisation

    @api.model
    def _authorize(
        self, connections: Any, uid: str, token_type: str, place: v221.LocationReferences | None
    ) -> dict[str, Any]:
        """Whether a token of ours may charge. :raises OcpiError: 2004 for a token that is not ours"""
        tokens = self.env["emobility.token"].sudo()
        if token_type not in dict(tokens._fields["token_type"].selection):
            raise OcpiError(NOT_ENOUGH, "The type of the token is not known.")
        token = tokens.search(
            [("company_id", "in", connections.company_id.ids), ("roaming_partner_id", "=", False),
             ("uid", "=", normalise_uid(uid, token_type)), ("token_type", "=", token_type)], limit=1
        )  # fmt: skip
        if not token:
            raise OcpiError(UNKNOWN_TOKEN, "The token is not known.", 404)
        connection = connections.filtered(lambda each: each.company_id == token.company_id)
        allowed = _ALLOWED.get(token._authorization_status(), "BLOCKED")
        answer: dict[str, Any] = {"allowed": allowed}
        if connection.version != "2.1.1":
            told = self.env["emobility.ocpi.publisher"]._token(connection, token)
            answer |= {
                "token": write("token", connection.version, told),
                "authorization_reference": str(uuid.uuid4()),
            }
        if place and allowed == "ALLOWED":
            answer["location"] = as_json(place)
        return answer

    # Which of our parties is meant, when several have the role and the headers name none

    @api.model
    def _meant(self, connections: Any, command: Any) -> Any:
        """The one whose location, session or reservation the command names; else the first."""
        publisher, commands = self.env["emobility.ocpi.publisher"], self.env["emobility.ocpi.command"]
        for connection in connections if len(connections) > 1 else ():
            if getattr(command, "location_id", None):
                found = publisher._one(connection, "locations", command.location_id)
            elif getattr(command, "session_id", None):
                found = publisher._one(connection, "sessions", command.session_id)
            else:
                found = commands._reservation(connection, command.reservation_id)
            if found:
                return connection
        return connections[:1]

    @api.model
    def _with_session(self, connections: Any, session_id: str) -> Any:
        """The one at whose station the session is; else the first."""
        publisher = self.env["emobility.ocpi.publisher"]
        having = [each for each in connections if publisher._one(each, "sessions", session_id)]
        return having[0] if having else connections[:1]

    # Commands

    @api.model
    def _command(self, connection: Any, kind: str, command: Any) -> dict[str, Any]:
        """The answer at once; what the station does is told later."""
        if not connection._may_be_called(command.response_url):
            raise OcpiError(INVALID, "The response URL is not allowed.")
        try:
            result = getattr(self, f"_command_{kind.lower()}")(connection, command)
        except UserError:
            # The reason is for our own people; the partner learns that it did not work.
            result = "REJECTED"
        answer: dict[str, Any] = {"result": result}
        return answer if connection.version == "2.1.1" else answer | {"timeout": ANSWER_SECONDS}

    @api.model
    def _command_start_session(self, connection: Any, command: Any) -> str:
        evse = self._evse(connection, command.location_id, command.evse_uid)
        if not evse or not evse._can_start_remotely():
            return "REJECTED"
        token = self._token(connection, command.token)
        record = self.env["emobility.ocpi.command"]._receive(
            connection, "START_SESSION", command, evse_id=evse.id, token_id=token.id
        )
        record.station_reference = evse._start_remotely(token) or False
        return "ACCEPTED"

    @api.model
    def _command_stop_session(self, connection: Any, command: Any) -> str:
        session = self.env["emobility.ocpi.publisher"]._one(connection, "sessions", command.session_id)
        if not session:
            return "UNKNOWN_SESSION"
        if not session._can_stop_remotely():
            return "REJECTED"
        record = self.env["emobility.ocpi.command"]._receive(
            connection, "STOP_SESSION", command, evse_id=session.evse_id.id, session_id=session.id
        )
        record.station_reference = session._stop_remotely() or False
        return "ACCEPTED"

    @api.model
    def _command_unlock_connector(self, connection: Any, command: Any) -> str:
        evse = self._evse(connection, command.location_id, command.evse_uid)
        if not evse:
            return "REJECTED"
        if not evse._can_start_remotely():
            return "NOT_SUPPORTED"
        record = self.env["emobility.ocpi.command"]._receive(connection, "UNLOCK_CONNECTOR", command, evse_id=evse.id)
        record.station_reference = evse._unlock_remotely() or False
        return "ACCEPTED"

    @api.model
    def _command_reserve_now(self, connection: Any, command: Any) -> str:
        evse = self._evse(connection, command.location_id, command.evse_uid)
        until = command.expiry_date.astimezone(UTC).replace(tzinfo=None)
        if not evse or not evse._can_start_remotely() or until <= fields.Datetime.now():
            return "REJECTED"
        token = self._token(connection, command.token)
        number = self._reservation_number(connection, command.reservation_id)
        record = self.env["emobility.ocpi.command"]._receive(
            connection, "RESERVE_NOW", command, evse_id=evse.id, token_id=token.id,
            reservation_ref=str(command.reservation_id), reservation_number=number,
        )  # fmt: skip
        record.station_reference = evse._reserve_remotely(token, until, number) or False
        return "ACCEPTED"

    @api.model
    def _command_cancel_reservation(self, connection: Any, command: Any) -> str:
        reserved = self.env["emobility.ocpi.command"]._reservation(connection, command.reservation_id)
        if not reserved:
            return "UNKNOWN_RESERVATION"
        record = self.env["emobility.ocpi.command"]._receive(
            connection, "CANCEL_RESERVATION", command, evse_id=reserved.evse_id.id,
            reservation_ref=command.reservation_id,
        )  # fmt: skip
        record.station_reference = (
            reserved.evse_id._cancel_reservation_remotely(reserved.reservation_number) or False
        )
        return "ACCEPTED"

    # Charging profiles

    @api.model
    def _charging_profile(
        self, connection: Any, kind: str, session_id: str, response_url: str, *,
        profile: v221.ChargingProfile | None = None, seconds: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """The answer at once; what the station does is told later. ``kind``: SET_, CLEAR_ or GET_PROFILE."""
        if not connection._may_be_called(response_url):
            raise OcpiError(INVALID, "The response URL is not allowed.")
        try:
            schedule = schedule_of(profile) if profile else None
        except ValueError as error:
            raise OcpiError(INVALID, str(error)) from error
        try:
            result = self._ask_for_profile(connection, kind, session_id, response_url, schedule, seconds)
        except UserError:
            result = "REJECTED"
        return {"result": result, "timeout": ANSWER_SECONDS}

    @api.model
    def _ask_for_profile(
        self, connection: Any, kind: str, session_id: str, response_url: str, schedule: Any, seconds: int
    ) -> str:
        session = self.env["emobility.ocpi.publisher"]._one(connection, "sessions", session_id)
        if not session:
            return "UNKNOWN_SESSION"
        if not session._can_limit_remotely():
            return "REJECTED" if session.state != "live" else "NOT_SUPPORTED"
        commands = self.env["emobility.ocpi.command"]
        under_way = [("session_id", "=", session.id), ("kind", "=", kind), ("state", "=", "sent"),
                     ("response_url", "!=", False)]  # fmt: skip
        if commands.search_count(under_way, limit=1):
            # The station has not answered the last one: more would only make it slower.
            return "TOO_OFTEN"
        record = commands._receive(
            connection, kind, None, response_url=response_url, evse_id=session.evse_id.id, session_id=session.id
        )
        asked = session._ask_limit_remotely(seconds) if kind == "GET_PROFILE" else session._limit_remotely(schedule)
        record.station_reference = asked or False
        return "ACCEPTED"

    @api.model
    def _active_profile(self, connections: Any, session_id: str, profile: v221.ActiveChargingProfile) -> None:
        """An operator tells which limits a session of our driver has. :raises OcpiError: when it is not known"""
        known = self.env["emobility.ocpi.object"].sudo().search(
            [("connection_id", "in", connections.ids), ("module", "=", "sessions"),
             ("uid", "=ilike", literal(session_id))], limit=1
        )  # fmt: skip
        if not known:
            raise OcpiError(INVALID, "There is no such session.", 404)
        uid = self.env["emobility.session"]._ocpi_uid(known.country_code, known.party_id, known.uid)
        session = self.env["emobility.session"].search(
            [("company_id", "=", known.company_id.id), ("uid", "=", uid)], limit=1
        )
        session._take_limits(as_json(profile))

    @api.model
    def _reservation_number(self, connection: Any, reservation: Any) -> int:
        """A number for the station: the one that the same reservation had before, else a new one."""
        same = self.env["emobility.ocpi.command"].search(
            [("connection_id", "=", connection.id), ("kind", "=", "RESERVE_NOW"),
             ("reservation_ref", "=", str(reservation))], limit=1
        )  # fmt: skip
        if same:
            return same.reservation_number
        return int(self.env["ir.sequence"].sudo().next_by_code("emobility.ocpi.reservation"))

    @api.model
    def _evse(self, connection: Any, location_id: str, evse_uid: str | None) -> Any:
        """The EVSE that is meant; of a location with several and none named, one that is free."""
        location = self.env["emobility.ocpi.publisher"]._one(connection, "locations", location_id)
        evses = location.evse_ids
        if evse_uid:
            return evses.filtered(lambda each: each.uid.upper() == evse_uid.upper())[:1]
        free = evses.filtered(lambda each: each._can_start_remotely() and each._live_status() == "available")
        return free[:1]

    @api.model
    def _token(self, connection: Any, told: Any) -> Any:
        """The partner's token in a command: it may be one that was made for this session alone."""
        receiver = self.env["emobility.ocpi.receiver"]
        party = connection._first_party()
        token = told.to_internal(party) if connection.version == "2.1.1" else told.to_internal()
        receiver._check_owner(connection, token.party, None)
        receiver._apply_tokens(connection, [token])
        return self.env["emobility.token"].search(
            [("company_id", "=", connection.company_id.id), ("country_code", "=", token.party.country_code),
             ("party_id", "=", token.party.party_id), ("uid", "=", normalise_uid(token.uid, token.type))], limit=1
        )  # fmt: skip

    # Tariffs, hub, invoices

    @api.model
    def _delete(self, connection: Any, module: str, party: Party, uid: str) -> None:
        """The partner says that an object of its own is no more."""
        found = self.env["emobility.ocpi.object"]._as_system()._find(connection, module, party, uid)
        if found and module == "tariffs":
            self._end_tariff(connection, party, uid)
        elif found:
            self._forget_reconciliation(found)
        found.unlink()

    @api.model
    def _end_tariff(self, connection: Any, party: Party, tariff_id: str) -> None:
        """The partner uses the tariff no more. What it priced stays."""
        operator = connection._partner(party, "CPO")
        tariff = self.env["emobility.tariff"].search(
            [("company_id", "=", connection.company_id.id), ("roaming_partner_id", "=", operator.id),
             ("ocpi_id", "=ilike", literal(tariff_id))]
        )  # fmt: skip
        tariff.active = False

    @api.model
    def _client_info(self, connection: Any, party: Party) -> v221.ClientInfo:
        partner = connection._partner(party, "CPO")
        return v221.ClientInfo(
            party_id=partner.party_id,
            country_code=partner.country_code,
            role=partner.role,
            status=partner.hub_status or "CONNECTED",
            last_updated=partner.write_date.replace(tzinfo=UTC),
        )

    @api.model
    def _forget_reconciliation(self, record: Any) -> None:
        cdrs = self.env["emobility.roaming.cdr"]._as_system().search(
            [("connection_id", "=", record.connection_id.id), ("name", "in", record.data.get("cdrs") or [])]
        )
        cdrs.filtered(lambda cdr: cdr.invoice_reference == record.data.get("invoice_id")).invoice_reference = False
