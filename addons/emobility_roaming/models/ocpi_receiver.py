from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from psycopg2 import Error as DatabaseError

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, ormcache

from odoo.addons.emobility_billing.rating import RatingError, from_ocpi
from odoo.addons.emobility_crm.identifiers import EVSE_ID, normalise_code, normalise_uid

from ..ocpi import internal
from ..ocpi.countries import ALPHA_3
from ..ocpi.versions import (
    read_cdr,
    read_location,
    read_reconciliation,
    read_session,
    read_tariff,
    read_token,
)
from .ocpi_object import Incoming

_logger = logging.getLogger(__name__)

_ALPHA_2 = {three: two for two, three in ALPHA_3.items()}
_READERS = {
    "locations": read_location,
    "sessions": read_session,
    "tariffs": read_tariff,
    "tokens": read_token,
    "invoicereconciliation": read_reconciliation,
}
# Beyond this a number fits no column; a partner that sends it made a mistake.
_MOST_KWH = Decimal(10) ** 9
_NEW = -1
"""Stands for an EVSE that is being made: no EVSE has this ID."""


class EmobilityOcpiReceiver(models.AbstractModel):
    """Objects of partners: kept word for word, and made into records of ours.

    All runs as the system, on behalf of a connection that was authenticated; that the party of an object is behind
    that connection is checked here, in one place.
    """

    _name = "emobility.ocpi.receiver"
    _description = "OCPI Receiver"

    @api.model
    def _receive(
        self, connection: Any, module: str, items: list[dict[str, Any]], party: internal.Party | None = None
    ) -> int:
        """Take in objects of one module. Returns how many were new or newer.

        :param party: of a push, whose address names it; a pull of 2.1.1 takes the party of the connection
        :raises pydantic.ValidationError: when one is malformed
        :raises UserError: when one belongs to a party that is not behind this connection
        """
        connection = connection.sudo()
        if module == "cdrs":
            return len(self._receive_cdrs(connection, items, party))
        read = _READERS[module]
        parsed: list[tuple[Any, Incoming]] = []
        for data in items:
            one = read(connection.version, data, party or connection._first_party())
            self._check_owner(connection, one.party, party)
            uid, kind = (one.uid, one.type) if module == "tokens" else (one.id, "")
            parsed.append((one, Incoming(one.party, uid, data, one.last_updated, kind)))
        stored = self.env["emobility.ocpi.object"].sudo()._as_system()._store(
            connection, module, [incoming for _one, incoming in parsed]
        )
        newest = {(row.party, row.uid.upper(), row.kind): one for one, row in parsed}
        fresh = [one for key, one in newest.items() if key in stored]
        if fresh:
            getattr(self, f"_apply_{module}")(connection, fresh)
        return len(fresh)

    @api.model
    def _check_owner(self, connection: Any, owner: internal.Party, named: internal.Party | None) -> None:
        if named and named != owner:
            raise UserError(
                self.env._("The object belongs to %(owner)s and not to %(named)s.", owner=owner, named=named)
            )
        if not connection._owns(owner):
            raise UserError(self.env._("%(party)s is not a party of this connection.", party=owner))

    # Locations

    @api.model
    def _apply_locations(self, connection: Any, locations: list[internal.Location]) -> None:
        """New ones are made all at once; what is known changes where it differs."""
        known = self._known_locations(connection, locations)
        owners = self._evse_id_owners(connection, locations)
        fresh = []
        for told in locations:
            location = known.get((told.party, told.id.upper()))
            if location:
                self._change_location(location, told, owners)
            else:
                fresh.append(told)
        self._create_locations(connection, fresh, owners, complete=True)

    @api.model
    def _complete_location(self, connection: Any, told: internal.Location) -> None:
        """What a session or CDR says of a place that is not known, or not as a whole; it says not all of it."""
        known = self._known_locations(connection, [told])
        owners = self._evse_id_owners(connection, [told])
        if known:
            [location] = known.values()
            self._evses(location, told, owners, complete=False)
        else:
            self._create_locations(connection, [told], owners, complete=False)

    @api.model
    def _known_locations(
        self, connection: Any, told: list[internal.Location]
    ) -> dict[tuple[internal.Party, str], Any]:
        """Our records of a partner's locations, by party and ID in upper case; also those that are gone."""
        model = self.env["emobility.location"].sudo().with_context(tracking_disable=True, active_test=False)
        operators = {connection._partner(one.party, "CPO").id or 0: one.party for one in told}
        model.flush_model(["roaming_partner_id", "ocpi_id"])
        rows = self.env.execute_query(
            SQL(
                "SELECT roaming_partner_id, upper(ocpi_id), id FROM emobility_location"
                " WHERE roaming_partner_id IN %s AND upper(ocpi_id) IN %s",
                tuple(operators),
                tuple(one.id.upper() for one in told),
            )
        )
        found = model.browse(record_id for _operator, _key, record_id in rows)
        return {(operators[row[0]], row[1]): location for row, location in zip(rows, found, strict=True)}

    @api.model
    def _evse_id_owners(self, connection: Any, locations: list[internal.Location]) -> dict[str, int]:
        """The EVSE that has an EVSE-ID already, by ID without stars; no other one gets it."""
        told = {_compact(evse.evse_id) for location in locations for evse in location.evses}
        self.env["emobility.evse"].flush_model(["company_id", "evse_id"])
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT replace(evse_id, '*', ''), id FROM emobility_evse"
                    " WHERE company_id = %s AND replace(evse_id, '*', '') IN %s",
                    connection.company_id.id,
                    tuple(told | {""}),
                )
            )
        )

    @api.model
    def _location_values(self, told: internal.Location, *, complete: bool) -> dict[str, Any]:
        """``complete``: it is all that the partner says of the place."""
        values = {
            "name": told.name or told.address,
            "street": told.address,
            "zip": told.postal_code or False,
            "city": told.city,
            "country_id": self._country_id(_ALPHA_2.get(told.country, "")),
            "latitude": float(told.latitude),
            "longitude": float(told.longitude),
        }
        if told.time_zone in self._words("emobility.location", "time_zone"):
            values["time_zone"] = told.time_zone
        if complete:
            values |= {"is_public": told.publish, "active": True}
        return values

    @api.model
    @ormcache("code")
    def _country_id(self, code: str) -> int:
        return self.env["res.country"].sudo().search([("code", "=", code)], limit=1).id

    @api.model
    @ormcache("model", "name")
    def _words(self, model: str, name: str) -> frozenset[str]:
        """What a selection field of ours can say."""
        return frozenset(self.env[model]._fields[name].get_values(self.env))

    @api.model
    def _create_locations(
        self, connection: Any, locations: list[internal.Location], owners: dict[str, int], *, complete: bool
    ) -> None:
        operators = {party: connection._partner(party, "CPO") for party in {one.party for one in locations}}
        values = []
        for told in locations:
            operator, code = operators[told.party], f"{told.party}*{told.id}"
            evses = {evse.uid.upper(): evse for evse in told.evses}
            values.append(
                {
                    "time_zone": "UTC",
                    **self._location_values(told, complete=complete),
                    "company_id": connection.company_id.id,
                    "roaming_partner_id": operator.id,
                    "ocpi_id": told.id,
                    "code": code,
                    "operator_id": operator.partner_id.id,
                    "evse_ids": [
                        Command.create(self._new_evse_values(evse, code, owners)) for evse in evses.values()
                    ],
                }
            )
        self.env["emobility.location"].sudo().with_context(tracking_disable=True).create(values)

    def _change_location(self, location: Any, told: internal.Location, owners: dict[str, int]) -> None:
        changes = _different(location, self._location_values(told, complete=True))
        if changes:
            location.write(changes)
        self._evses(location, told, owners, complete=True)

    def _evses(
        self, location: Any, told: internal.Location, owners: dict[str, int], *, complete: bool
    ) -> None:
        """``complete``: what it does not list is gone."""
        model = self.env["emobility.evse"].sudo().with_context(tracking_disable=True, active_test=False)
        known = {evse.ocpi_uid.upper(): evse for evse in location.with_context(active_test=False).evse_ids}
        for one in told.evses:
            evse = known.pop(one.uid.upper(), model)
            if not evse:
                values = self._new_evse_values(one, location.code, owners)
                model.create(values | {"location_id": location.id})
                continue
            if complete:
                changes = _different(evse, self._evse_values(one, owners, evse.id))
                if changes:
                    evse.write(changes)
            self._connectors(evse, one, complete=complete)
        if complete and known:
            # Sessions point to it, so that it stays in the books.
            model.browse(evse.id for evse in known.values()).write({"active": False, "ocpi_status": "REMOVED"})

    @api.model
    def _evse_values(self, told: internal.Evse, owners: dict[str, int], evse_id: int = 0) -> dict[str, Any]:
        """:param owners: which EVSE has which EVSE-ID; this one is added, when its ID is free"""
        values: dict[str, Any] = {
            "physical_reference": told.physical_reference or False,
            "ocpi_status": told.status,
            "active": told.status != "REMOVED",
        }
        public, key = normalise_code(told.evse_id), _compact(told.evse_id)
        if EVSE_ID.fullmatch(public) and owners.get(key) in (None, evse_id):
            owners[key] = evse_id or _NEW
            values["evse_id"] = public
        return values

    @api.model
    def _new_evse_values(
        self, told: internal.Evse, location_code: str, owners: dict[str, int]
    ) -> dict[str, Any]:
        connectors = {connector.id: connector for connector in told.connectors}
        return self._evse_values(told, owners) | {
            "uid": f"{location_code}*{told.uid}",
            "ocpi_uid": told.uid,
            "connector_ids": [
                Command.create(self._connector_values(connector) | {"code": connector.id})
                for connector in connectors.values()
            ],
        }

    @api.model
    def _connector_values(self, told: internal.Connector) -> dict[str, Any]:
        """What a partner says of a connector, as far as we have words for it."""
        values: dict[str, Any] = {"connector_format": told.format if told.format in ("SOCKET", "CABLE") else "CABLE"}
        for name, value in (("standard", told.standard), ("power_type", told.power_type)):
            if value in self._words("emobility.connector", name):
                values[name] = value
        watts = told.max_watts or _watts(told)
        if watts:
            values["max_power_kw"] = watts / 1000
        return values

    def _connectors(self, evse: Any, told: internal.Evse, *, complete: bool) -> None:
        model = self.env["emobility.connector"].sudo()
        known = {connector.code: connector for connector in evse.connector_ids}
        for one in told.connectors:
            values = self._connector_values(one)
            connector = known.get(one.id)
            if not connector:
                model.create(values | {"evse_id": evse.id, "code": one.id})
            elif complete:
                changes = _different(connector, values)
                if changes:
                    connector.write(changes)

    # Tokens

    @api.model
    def _apply_tokens(self, connection: Any, tokens: list[internal.Token]) -> None:
        """Tokens of a provider: they charge at our stations as soon as the bridge has fetched them."""
        model = self.env["emobility.token"].sudo().with_context(tracking_disable=True)
        company = connection.company_id
        by_party: dict[internal.Party, dict[str, internal.Token]] = {}
        for token in tokens:
            by_party.setdefault(token.party, {})[normalise_uid(token.uid, token.type)] = token
        for party, told in by_party.items():
            contract = connection._partner(party, "EMSP")._contract_of_now()
            known = model.search(
                [("company_id", "=", company.id), ("country_code", "=", party.country_code),
                 ("party_id", "=", party.party_id), ("uid", "in", list(told))]
            )  # fmt: skip
            for token in known:
                values = self._token_values(told.pop(token.uid))
                # A token that its provider has replaced may come back; ours that were replaced do not.
                if token.state == values["state"]:
                    values.pop("state")
                changes = _different(token, values)
                if changes:
                    token.write(changes)
            model.create(
                [
                    self._token_values(token)
                    | {
                        "uid": uid,
                        "country_code": party.country_code,
                        "party_id": party.party_id,
                        "company_id": company.id,
                        "contract_id": contract.id,
                    }
                    for uid, token in told.items()
                ]
            )

    @api.model
    def _token_values(self, token: internal.Token) -> dict[str, Any]:
        # Of a token that always has to be asked for, only the answer says whether it may charge (mod_tokens).
        usable = token.valid or token.whitelist == "NEVER"
        values: dict[str, Any] = {
            "token_type": token.type if token.type in ("RFID", "APP_USER", "AD_HOC_USER", "EMAID") else "OTHER",
            "visual_number": token.visual_number or False,
            "contract_ref": token.contract_id,
            "whitelist": token.whitelist if token.whitelist in ("ALWAYS", "ALLOWED", "ALLOWED_OFFLINE") else "NEVER",
            "state": "active" if usable else "blocked",
        }
        if not usable:
            values["block_reason"] = "list"
        return values

    # Tariffs

    @api.model
    def _apply_tariffs(self, connection: Any, tariffs: list[internal.Tariff]) -> None:
        """Tariffs of an operator as versions of ours: each change is a new version, so that old prices stay known."""
        for tariff in tariffs:
            try:
                with self.env.cr.savepoint():
                    self._tariff(connection, tariff)
            except (RatingError, ValidationError, UserError, DatabaseError) as error:
                found = self.env["emobility.ocpi.object"].sudo()._as_system()._find(
                    connection, "tariffs", tariff.party, tariff.id
                )
                found.error = str(error)[:500]

    @api.model
    def _tariff(self, connection: Any, told: internal.Tariff) -> None:
        operator = connection._partner(told.party, "CPO")
        currency = self.env["res.currency"].sudo().with_context(active_test=False).search(
            [("name", "=", told.currency)], limit=1
        )
        if not currency:
            raise UserError(self.env._("The currency %(currency)s is not known.", currency=told.currency))
        engine = from_ocpi(told.data, told.version, digits=currency.decimal_places)
        model = self.env["emobility.tariff"].sudo().with_context(tracking_disable=True)
        tariff = model.search(
            [("company_id", "=", connection.company_id.id), ("roaming_partner_id", "=", operator.id),
             ("ocpi_id", "=ilike", literal(told.id))], limit=1
        )  # fmt: skip
        mode = "gross" if engine.tax_included else "net"
        if tariff and (tariff.currency_id, tariff.price_mode) != (currency, mode):
            # Another meaning is another tariff: the old one keeps what it priced.
            tariff.write({"ocpi_id": f"{told.id} ({tariff.id})", "active": False})
            tariff = model
        if not tariff:
            tariff = model.create(
                {
                    "name": f"{operator.name}: {told.id}",
                    "code": f"{told.party}*{told.id}*{mode}*{currency.name}",
                    "company_id": connection.company_id.id,
                    "currency_id": currency.id,
                    "price_mode": mode,
                    "roaming_partner_id": operator.id,
                    "ocpi_id": told.id,
                }
            )
        start = max(_naive(told.valid_from) if told.valid_from else _naive(told.last_updated), datetime(2010, 1, 1))
        end = _naive(told.valid_to) if told.valid_to else False
        same_start = tariff.version_ids.filtered(lambda version: version.valid_from == start and not version.is_frozen)
        same_start.unlink()
        elements = [Command.create(element_values(element)) for element in engine.elements]
        tariff.version_ids = [
            Command.create(
                {
                    "valid_from": start,
                    "valid_to": end if not end or end > start else False,
                    "element_ids": elements,
                    "min_price": float(engine.min_price or 0),
                    "max_price": float(engine.max_price or 0),
                }
            )
        ]

    # Sessions

    @api.model
    def _apply_sessions(self, connection: Any, sessions: list[internal.Session]) -> None:
        for session in sessions:
            evse, connector = self._place(connection, session.party, session.location_id, session.evse_uid,
                                          session.connector_id, session.location)  # fmt: skip
            if not evse:
                # The location comes in a job; the session then follows from what is kept.
                connection._queue_fetch_location(session.location_id, session.id)
                continue
            self._ingest(connection, self._session_events(connection, session, evse, connector))

    @api.model
    def _apply_sessions_again(self, connection: Any, objects: Any) -> None:
        """Sessions whose location was not known when they came."""
        told = [
            read_session(each.version, each.data, internal.Party.of(each.country_code, each.party_id))
            for each in objects
        ]
        known = [one for one in told if self._place(connection, one.party, one.location_id, one.evse_uid,
                                                    one.connector_id, one.location)[0]]  # fmt: skip
        self._apply_sessions(connection, known)

    @api.model
    def _apply_invoicereconciliation(self, connection: Any, records: list[internal.Reconciliation]) -> None:
        """Which CDRs an invoice of the partner is about is kept with the CDRs."""
        for record in records:
            cdrs = self.env["emobility.roaming.cdr"].sudo()._as_system().search(
                [("connection_id", "=", connection.id), ("name", "in", list(record.cdrs))]
            )
            cdrs.write({"invoice_reference": record.invoice_id})

    @api.model
    def _place(
        self,
        connection: Any,
        party: internal.Party,
        location_id: str,
        evse_uid: str,
        connector_id: str,
        told: internal.Location | None,
    ) -> tuple[Any, Any]:
        """EVSE and connector; made from what the message says of them when they are not known."""
        operator = connection._partner(party, "CPO")
        evse = self._evse_of(operator, evse_uid)
        if not evse and told and told.evses:
            self._complete_location(connection, told)
            evse = self._evse_of(operator, evse_uid)
        connector = evse.connector_ids.filtered(lambda each: each.code == connector_id)
        return evse, connector or (evse.connector_ids if len(evse.connector_ids) == 1 else connector)

    @api.model
    def _evse_of(self, operator: Any, uid: str) -> Any:
        model = self.env["emobility.evse"].sudo().with_context(active_test=False)
        model.flush_model(["location_id", "ocpi_uid"])
        rows = self.env.execute_query(
            SQL(
                "SELECT evse.id FROM emobility_evse evse JOIN emobility_location place ON place.id = evse.location_id"
                " WHERE place.roaming_partner_id = %s AND upper(evse.ocpi_uid) = %s LIMIT 1",
                operator.id or 0,
                uid.upper(),
            )
        )
        # Some say the EVSE-ID in its place.
        named = [("location_id.roaming_partner_id", "=", operator.id), ("evse_id", "=", normalise_code(uid))]
        return model.browse(row[0] for row in rows) or model.search(named, limit=1)

    @api.model
    def _driver_token(self, connection: Any, reference: internal.TokenRef) -> Any:
        """Our token that the partner names: by its UID, else by the contract (2.1.1)."""
        tokens = self.env["emobility.token"].sudo().with_company(connection.company_id)
        for uid in (reference.uid, reference.contract_id):
            token = tokens._find_by_uid(uid, connection.company_id) if uid else tokens
            if token:
                return token
        return tokens.search(
            [("company_id", "=", connection.company_id.id), ("roaming_partner_id", "=", False),
             ("contract_id.emaid", "=", normalise_uid(reference.contract_id, "EMAID"))], limit=1
        )  # fmt: skip

    @api.model
    def _session_events(
        self, connection: Any, session: internal.Session, evse: Any, connector: Any
    ) -> list[dict[str, Any]]:
        uid = self._session_uid(session.party, session.id)
        events = [self._started(connection, uid, session, evse, connector)]
        end = session.end or session.last_updated
        if session.kwh < _MOST_KWH:
            events.append(event(uid, "meter", end, {"readings": readings(session.periods, session.kwh, end)}))
        if session.status == "COMPLETED":
            events.append(event(uid, "state", end, {"state": "IDLE"}))
        elif session.status == "INVALID":
            raw = {"status": "INVALID", "session": session.id}
            events.append(event(uid, "conflict", end, {"reason": "partner_says_invalid", "raw": raw}))
        return events

    @api.model
    def _session_uid(self, party: internal.Party, uid: str) -> str:
        return self.env["emobility.session"]._ocpi_uid(party.country_code, party.party_id, uid)

    @api.model
    def _started(self, connection: Any, uid: str, told: Any, evse: Any, connector: Any) -> dict[str, Any]:
        token = self._driver_token(connection, told.token)
        payload = {
            "evse_id": evse.id,
            "connector_id": connector.id or False,
            "token_uid": token.uid or told.token.uid or told.token.contract_id,
            "token_type": told.token.type,
            "meter_kwh": "0",
            # Whether our own driver may charge was ours to say, before the session began.
            "authorization": "Accepted",
            "remote_ref": told.authorization_reference or False,
            "authorization_reference": told.authorization_reference or False,
        }
        return event(uid, "started", told.start, payload, once=True)

    @api.model
    def _ingest(self, connection: Any, events: list[dict[str, Any]]) -> None:
        results = (
            self.env["emobility.session"].sudo().with_company(connection.company_id)._ingest_events(events)
        )
        for result in results:
            if result["status"] == "error":
                _logger.warning("%s: %s", connection.display_name, result["error"])

    # CDRs

    @api.model
    def _receive_cdrs(
        self, connection: Any, items: list[dict[str, Any]], party: internal.Party | None = None
    ) -> Any:
        """Keep CDRs, each once, and queue what follows from them; returns those that are new."""
        told = []
        for data in items:
            cdr = read_cdr(connection.version, data, party or connection._first_party())
            self._check_owner(connection, cdr.party, party)
            if not (abs(cdr.energy) < _MOST_KWH and abs(cdr.total.net) < _MOST_KWH):
                raise UserError(self.env._("A number in CDR %(cdr)s is out of range.", cdr=cdr.id))
            told.append((cdr, data))
        if not told:
            return self.env["emobility.roaming.cdr"]
        ids = self._insert_cdrs(connection, told)
        cdrs = self.env["emobility.roaming.cdr"].sudo()._as_system().browse(ids)
        if cdrs:
            connection._queue_apply_cdrs(cdrs)
        return cdrs

    @api.model
    def _insert_cdrs(self, connection: Any, told: list[tuple[internal.Cdr, dict[str, Any]]]) -> list[int]:
        now = fields.Datetime.now()
        currencies = {
            currency.name: currency.id
            for currency in self.env["res.currency"].sudo().with_context(active_test=False).search([])
        }
        partners = {party: connection._partner(party, "CPO").id for party in {cdr.party for cdr, _data in told}}
        rows = [
            SQL(
                "(%s, 'in', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
                " %s, %s, %s, %s, %s)",
                cdr.id,
                connection.id,
                connection.company_id.id,
                partners[cdr.party] or None,
                cdr.party.country_code,
                cdr.party.party_id,
                connection.version,
                cdr.session_id,
                _naive(cdr.start),
                _naive(cdr.end),
                cdr.energy,
                cdr.currency,
                currencies.get(cdr.currency),
                cdr.total.net,
                cdr.total.gross or 0,
                cdr.total.gross is not None,
                cdr.token.uid or None,
                cdr.token.contract_id,
                cdr.credit,
                cdr.credit_reference_id,
                cdr.invoice_reference_id,
                _naive(cdr.last_updated),
                now,
                json.dumps(data),
                self.env.uid,
                now,
                self.env.uid,
                now,
            )
            for cdr, data in told
        ]
        found = self.env.execute_query(
            SQL(
                """INSERT INTO emobility_roaming_cdr
                       (name, direction, connection_id, company_id, roaming_partner_id, country_code, party_id,
                        version, session_ref, start_at, end_at, energy_kwh, currency_code, currency_id, total_net,
                        total_gross, has_gross, token_uid, contract_ref, credit, credit_reference,
                        invoice_reference, last_updated, exchanged_at, data, create_uid, create_date, write_uid,
                        write_date)
                   VALUES %s
                   ON CONFLICT (company_id, direction, country_code, party_id, upper(name)) DO NOTHING
                   RETURNING id""",
                SQL(", ").join(rows),
            )
        )
        # With a flush: what an addon noted on the CDRs of the page before must not be forgotten.
        self.env["emobility.roaming.cdr"].invalidate_model()
        return [row[0] for row in found]


def element_values(element: Any) -> dict[str, Any]:
    """An element of the engine's tariff as values of ours."""
    limits = element.restrictions
    values: dict[str, Any] = {
        "start_time": _hours(limits.start_time),
        "end_time": _hours(limits.end_time),
        "start_date": limits.start_date or False,
        "end_date": limits.end_date or False,
        "day_of_week": ",".join(day.value for day in limits.day_of_week or ()) or False,
        "reservation": limits.reservation.value if limits.reservation else False,
        "component_ids": [
            Command.create(
                {
                    "dimension": component.dimension.value,
                    "price": float(component.price),
                    "step_size": component.step_size,
                }
            )
            for component in element.components
        ],
    }
    for name in ("min_kwh", "max_kwh", "min_power", "max_power", "min_current", "max_current"):
        values[name] = float(getattr(limits, name) or 0)
    for name in ("min_duration", "max_duration"):
        values[name] = int(getattr(limits, name) or 0)
    return values


def _hours(value: Any) -> float:
    return value.hour + value.minute / 60 if value else 0.0


def event(
    session_uid: str, kind: str, at: datetime, payload: dict[str, Any], *, suffix: str = "", once: bool = False
) -> dict[str, Any]:
    """An event for the session. Its ID comes from what it says, so that the same message twice is one event.

    ``once``: a session has one of its kind from a partner; what another message says of it later is no news.
    """
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    what = "" if once else hashlib.sha256(json.dumps([instant, payload], sort_keys=True).encode()).hexdigest()[:24]
    uid = "/".join(part for part in (session_uid, kind, suffix, what) if part)
    return {
        "uid": uid,
        "source": "ocpi",
        "session_uid": session_uid,
        "kind": kind,
        "at": instant,
        "payload": payload,
    }


def readings(periods: tuple[internal.Period, ...], energy: Decimal, end: datetime) -> list[dict[str, Any]]:
    """The register over time: at the start of each period what the ones before delivered, at the end all of it."""
    ordered = sorted(periods, key=lambda period: period.start)
    result = []
    so_far = Decimal(0)
    for period, following in pairwise(ordered):
        so_far += sum((volume for kind, volume in period.volumes if kind == "ENERGY"), Decimal(0))
        if so_far <= energy:
            result.append({"at": following.start.isoformat(), "energy_kwh": str(so_far)})
    result.append({"at": end.isoformat(), "energy_kwh": str(energy)})
    return result


def _compact(evse_id: str | None) -> str:
    """An EVSE-ID is the same with and without stars."""
    return (normalise_code(evse_id) or "").replace("*", "")


def _watts(connector: internal.Connector) -> int:
    phases = {"AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}.get(connector.power_type, 1)
    return phases * connector.voltage * connector.amperage


def _different(record: Any, values: dict[str, Any]) -> dict[str, Any]:
    """What would change: a write that changes nothing costs as much as one that does."""
    changes = {}
    for name, value in values.items():
        known = record[name]
        known = known.id if isinstance(known, models.BaseModel) else known
        if isinstance(value, float) and isinstance(known, float):
            if abs(known - value) < 1e-7:
                continue
        elif known == value:
            continue
        changes[name] = value
    return changes


def literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _naive(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)
