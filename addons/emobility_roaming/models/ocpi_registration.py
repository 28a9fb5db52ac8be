from __future__ import annotations

from datetime import UTC
from typing import Any

from pydantic import ValidationError as OcpiValidationError

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.jobs import SOON, enqueue

from ..ocpi import internal
from ..ocpi.transport import (
    CANNOT_USE_API,
    INVALID,
    MISSING_ENDPOINTS,
    UNSUPPORTED_VERSION,
    OcpiError,
    fingerprint,
)
from ..ocpi.v221 import ClientInfo
from ..ocpi.versions import as_json, best_of, models_of, read_credentials, write
from .ocpi_connection import FIRST_WAIT, TRIES


class EmobilityOcpiConnection(models.Model):
    """Registration from both sides, rotation of tokens, and its end."""

    _inherit = "emobility.ocpi.connection"

    # Ours

    def _our_url(self) -> str:
        parameters = self.env["ir.config_parameter"].sudo()
        base = parameters.get_param("emobility_roaming.public_url") or parameters.get_param("web.base.url")
        return f"{base.rstrip('/')}/ocpi"

    def _our_credentials(self, token: str) -> internal.Credentials:
        roles = tuple(
            internal.Role(side._our_party(), role, side.company_id.name[:100])
            for side in self._sides()
            for role in ("CPO", "EMSP")
            if side._we_are(role)
        )
        return internal.Credentials(token, f"{self._our_url()}/versions", roles)

    def _more_endpoints(self, version: str) -> list[tuple[str, str, str]]:
        """Hook: modules of other addons: name, path below the version, and interface."""
        return []

    # We register at the partner

    def action_register(self) -> None:
        """Register with the token and address that the partner sent; a job does it."""
        self.check_access("write")
        for connection in self:
            if connection.state not in ("draft", "ended", "registering"):
                raise UserError(self.env._("%(name)s is registered already.", name=connection.name))
            if not connection.versions_url or not connection.sudo().sealed_token:
                raise UserError(self.env._("Enter the token and the address of versions that the partner sent."))
            connection._our_party()
            connection._prepare_token()
            connection.write({"state": "registering", "last_error": False})
            connection._queue("register", connection.env._("Register at %s", connection.name))._register_now()

    def action_rotate(self) -> None:
        """Give the partner a new token and get one, because somebody may know the old ones; a job does it."""
        self.check_access("write")
        for connection in self.filtered(lambda each: each.state == "connected"):
            connection._prepare_token()
            connection._queue("rotate", connection.env._("New tokens with %s", connection.name))._rotate_now()

    def action_unregister(self) -> None:
        """End the connection, at the partner too. What was exchanged stays."""
        self.check_access("write")
        for connection in self.filtered(lambda each: each.state in ("connected", "paused")):
            module = connection.env["emobility.ocpi.module"]._of(connection, "credentials", "RECEIVER")
            if module:
                connection._call("DELETE", module.url, module="credentials")
            connection._end()

    def _queue(self, what: str, title: str) -> Any:
        return enqueue(self, f"emobility.ocpi.{what}:{self.id}", title, priority=SOON)

    def _register_now(self) -> None:
        """Job: fetch the versions, hand over our credentials, and take theirs."""
        self.ensure_one()
        if self.state != "registering":
            return
        try:
            self._learn_endpoints(None)
            self._exchange("POST")
        except OcpiError as error:
            self.write({"last_error": error.message, "state": "draft"})
            self.message_post(body=self.env._("The registration failed: %(error)s", error=error.message))
            return
        self._begin()

    def _rotate_now(self) -> None:
        """Job: the same once more, with PUT."""
        self.ensure_one()
        if self.state != "connected" or not self.sudo().sealed_next_token:
            return
        try:
            self._learn_endpoints(None)
            self._exchange("PUT")
        except OcpiError as error:
            self.last_error = error.message
            self.message_post(body=self.env._("The tokens could not be changed: %(error)s", error=error.message))
            return
        self.message_post(body=self.env._("The tokens are new on both sides."))

    def _exchange(self, method: str) -> None:
        token = self._next_token()
        module = self.env["emobility.ocpi.module"]._of(self, "credentials", "RECEIVER")
        body = write("credentials", self.version, self._our_credentials(token))
        answer = self._call(method, module.url, module="credentials", body=body)
        if not answer.ok:
            raise OcpiError(CANNOT_USE_API, answer.error or "")
        try:
            theirs = read_credentials(self.version, answer.one)
        except OcpiValidationError as error:
            raise OcpiError(INVALID, str(error)) from error
        self._take_credentials(theirs)
        self._set_token(fingerprint(token), "credentials")

    # The partner registers here

    def _accept_credentials(self, version: str, credentials: internal.Credentials, *, known: bool) -> str:
        """Take the credentials that the partner posted or put; returns the token that it calls with from now on.

        :raises OcpiError: 405 when it is registered already or not yet, 3001 when its API cannot be used
        """
        self.ensure_one()
        if known != (self.token_kind == "credentials"):
            raise OcpiError(INVALID, "Not registered yet." if known else "Registered already: use PUT.", 405)
        connection = self.sudo()
        connection.versions_url = credentials.url
        connection._keep_token(credentials.token)
        connection._learn_endpoints(version)
        connection._take_credentials(credentials)
        token = connection._issue_token("credentials")
        connection._begin()
        return token

    # Either side

    def _learn_endpoints(self, version: str | None) -> None:
        """Ask the partner for its versions and the modules of the one to be spoken.

        :param version: the one that the partner chose; None: the newest that both sides speak
        :raises OcpiError: when there is none, or the partner cannot be called
        """
        answer = self._call("GET", self.versions_url, module="versions")
        if not answer.ok or not isinstance(answer.data, list):
            raise OcpiError(CANNOT_USE_API, f"The versions cannot be fetched: {answer.error or 'no list'}")
        offered = {
            str(each.get("version")): str(each.get("url"))
            for each in answer.data
            if isinstance(each, dict) and each.get("url")
        }
        version = version or best_of(list(offered), self.newest_version)
        if not version or version not in offered:
            raise OcpiError(UNSUPPORTED_VERSION, f"No common version; offered are {', '.join(offered) or 'none'}.")
        self.version = version
        answer = self._call("GET", offered[version], module="versions")
        try:
            details: Any = models_of(version).version_details.model_validate(answer.one)
        except OcpiValidationError:
            raise OcpiError(CANNOT_USE_API, f"The modules cannot be fetched: {answer.error or 'no list'}") from None
        endpoints = [endpoint.to_internal() for endpoint in details.endpoints]
        if not any(endpoint.module == "credentials" for endpoint in endpoints):
            raise OcpiError(MISSING_ENDPOINTS, "The module credentials is missing.")
        self._keep_endpoints(endpoints)

    def _keep_endpoints(self, endpoints: list[internal.Endpoint]) -> None:
        for side in self.sudo() | self.sudo().child_ids:
            side._keep_own_endpoints(endpoints)

    def _keep_own_endpoints(self, endpoints: list[internal.Endpoint]) -> None:
        rows = self.env["emobility.ocpi.module"].sudo()
        known = {(row.module, row.interface): row for row in rows.search([("connection_id", "=", self.id)])}
        names = dict(rows._fields["module"].selection)
        told: dict[tuple[str, str], str] = {}
        for endpoint in endpoints:
            for interface in self._interfaces(endpoint):
                if endpoint.module in names:
                    told[endpoint.module, interface] = endpoint.url
        for key, row in known.items():
            row.url = told.get(key, False)
        rows.create(
            [
                {"connection_id": self.id, "module": module, "interface": interface, "url": url}
                for (module, interface), url in told.items()
                if (module, interface) not in known
            ]
        )

    def _interfaces(self, endpoint: internal.Endpoint) -> tuple[str, ...]:
        """2.1.1 does not tell whether an endpoint sends or receives: it follows from what the partner is."""
        if endpoint.module == "credentials":
            return ("RECEIVER",)
        if endpoint.role:
            return (endpoint.role,) if endpoint.role in ("SENDER", "RECEIVER") else ()
        owned_by_operator = endpoint.module not in ("tokens", "commands")
        they_are_operator = self.our_roles == "EMSP"
        return ("SENDER",) if owned_by_operator == they_are_operator else ("RECEIVER",)

    def _take_credentials(self, credentials: internal.Credentials) -> None:
        """Keep their token, address, and parties. :raises OcpiError: when a party is somebody else's"""
        self._keep_token(credentials.token)
        hub = credentials.hub or next((role.party for role in credentials.roles if role.role == "HUB"), None)
        self.sudo().write({"versions_url": credentials.url})
        if hub:
            self.sudo().write(
                {"is_hub": True, "hub_country_code": hub.country_code, "hub_party_id": hub.party_id}
            )
        for role in credentials.roles:
            name = role.role or ("EMSP" if self._we_are("CPO") else "CPO")
            if name in dict(self.env["emobility.roaming.partner"]._fields["role"].selection):
                for side in self.sudo() | self.sudo().child_ids:
                    side._take_party(role.party, name, role.name)

    def _take_party(self, party: internal.Party, role: str, name: str) -> models.BaseModel:
        if party == self._our_party():
            raise OcpiError(INVALID, f"{party} is our own party.")
        partners = self.env["emobility.roaming.partner"].sudo().with_context(active_test=False)
        same_party = [
            ("company_id", "=", self.company_id.id),
            ("country_code", "=", party.country_code),
            ("party_id", "=", party.party_id),
        ]
        foreign = partners.search([*same_party, ("connection_id", "not in", (False, self.id))])
        if foreign.connection_id.filtered(lambda each: not each.is_hub and each.state in ("connected", "paused")):
            raise OcpiError(INVALID, f"{party} is connected already in another way.")
        known = partners.search([*same_party, ("role", "=", role)])
        if known:
            # What it told before goes with it: else nothing that the new connection says of it would be newer.
            self.env["emobility.ocpi.object"].sudo()._as_system().search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("country_code", "=", party.country_code),
                    ("party_id", "=", party.party_id),
                    ("connection_id", "in", (known.connection_id - self).ids),
                ]
            ).connection_id = self
            known.connection_id = self
            return known
        return partners.create(
            {
                "name": name,
                "country_code": party.country_code,
                "party_id": party.party_id,
                "role": role,
                "company_id": self.company_id.id,
                "connection_id": self.id,
            }
        )

    def _begin(self) -> None:
        self.sudo().write({"state": "connected", "circuit_closed_at": fields.Datetime.now(), "last_error": False})
        for side in self._sides():
            side._queue_full_sync()

    # Several companies of ours

    def _join(self) -> None:
        """A further company of ours behind a connection: it knows the same parties and modules, and the partner is
        told of it with new credentials."""
        for connection in self:
            root = connection._root()
            for party in root.party_ids:
                owner = internal.Party.of(party.country_code, party.party_id)
                connection._take_party(owner, party.role, party.name)
            for row in root.module_ids:
                row.copy({"connection_id": connection.id, "pulled_until": False, "last_error": False})
            if connection.state == "connected":
                connection._queue_full_sync()
        self._sides_changed()

    def _sides_changed(self) -> None:
        """Our parties behind a connection are others now: new credentials name them."""
        roots = self.sudo().parent_id.filtered(lambda root: root.state == "connected")
        roots.action_rotate()
        roots._queue_client_info()

    def _our_client_infos(self) -> list[ClientInfo]:
        """Our parties as a hub tells of them: one of our companies that stopped is still known, as suspended."""
        root = self._root()
        sides = root | root.with_context(active_test=False).child_ids
        return [
            ClientInfo(
                party_id=side._our_party().party_id,
                country_code=side._our_party().country_code,
                role=role,
                status="CONNECTED" if side.active else "SUSPENDED",
                last_updated=side.write_date.replace(tzinfo=UTC),
            )
            for side in sides.sorted("id")
            for role in ("CPO", "EMSP")
            if side._we_are(role)
        ]

    def _queue_client_info(self, attempt: int = 0) -> None:
        for connection in self:
            enqueue(
                connection,
                f"emobility.ocpi.client.info:{connection.id}",
                connection.env._("Tell %s of our parties", connection.name),
                eta=fields.Datetime.now() + FIRST_WAIT * 2 ** (attempt - 1) if attempt else None,
                priority=SOON,
            )._push_client_info(attempt=attempt)

    def _push_client_info(self, attempt: int = 0) -> None:
        """Job: tell a partner that takes it which parties of ours are there. What it did not take is told again,
        for the tokens may just be changing."""
        self.ensure_one()
        target = self.env["emobility.ocpi.module"]._of(self, "hubclientinfo", "RECEIVER")
        if self.state != "connected" or not target:
            return
        for info in self._our_client_infos():
            url = f"{target.url.rstrip('/')}/{info.country_code}/{info.party_id}"
            if not self._call("PUT", url, module="hubclientinfo", body=as_json(info)).ok:
                if attempt + 1 < TRIES:
                    self._queue_client_info(attempt + 1)
                return

    def _end(self) -> None:
        """Nobody gets in by the old tokens any more, and nothing is sent."""
        self.sudo().write(
            {
                "state": "ended",
                "token_fingerprint": False,
                "next_token_fingerprint": False,
                "previous_token_fingerprint": False,
                "sealed_next_token": False,
                "sealed_token": False,
                "token_kind": False,
                "token_since": fields.Datetime.now(),
            }
        )
