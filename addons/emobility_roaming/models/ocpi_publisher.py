from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .. import ocpi_export
from ..ocpi import internal, v211, v221, v230
from ..ocpi.countries import ALPHA_3
from ..ocpi.transport import Page
from ..ocpi.versions import as_json, write
from ..ocpi_location import electrical

_STATUS = {"available": "AVAILABLE", "occupied": "CHARGING", "unavailable": "OUTOFORDER"}
_SESSION_STATUS = {"live": "ACTIVE", "void": "INVALID"}
_REMOTE = ("REMOTE_START_STOP_CAPABLE", "UNLOCK_CAPABLE", "CHARGING_PROFILE_CAPABLE")
_ID_LENGTH = 36


class EmobilityOcpiPublisher(models.AbstractModel):
    """Our own objects in the words of a partner's version: which the partner may see, and what they look like."""

    _name = "emobility.ocpi.publisher"
    _description = "OCPI Publisher"

    # What a partner may see

    @api.model
    def _model_of(self, module: str) -> str:
        return {
            "locations": "emobility.location",
            "sessions": "emobility.session",
            "cdrs": "emobility.cdr",
            "tariffs": "emobility.tariff.version",
            "tokens": "emobility.token",
            "invoicereconciliation": "emobility.ocpi.reconciliation",
        }[module]

    @api.model
    def _domain(self, connection: Any, module: str) -> list[Any]:
        """The one place that says which objects a partner may see."""
        company = ("company_id", "=", connection.company_id.id)
        if module == "locations":
            return [
                company,
                ("roaming_partner_id", "=", False),
                ("is_public", "=", True),
                ("country_id", "!=", False),
                ("city", "!=", False),
                "|", ("latitude", "!=", 0), ("longitude", "!=", 0),
            ]  # fmt: skip
        providers = connection.party_ids.filtered(lambda party: party.role == "EMSP").ids
        if module == "sessions":
            return [
                company,
                ("roaming_partner_id", "in", providers),
                ("source", "!=", "ocpi"),
                ("evse_id", "!=", False),
                ("token_id", "!=", False),
                ("start_at", "!=", False),
            ]
        if module == "cdrs":
            return [company, ("roaming_partner_id", "in", providers), ("session_id.source", "!=", "ocpi")]
        if module == "tokens":
            # A token of somebody without a contract is for one session at one station of ours.
            return [
                company,
                ("roaming_partner_id", "=", False),
                ("state", "not in", ("ordered", "shipped")),
                ("token_type", "!=", "AD_HOC_USER"),
            ]
        if module == "invoicereconciliation":
            return [("connection_id", "=", connection.id)]
        return [company, ("tariff_id", "in", self._tariffs_of(connection).ids), ("element_ids", "!=", False)]

    @api.model
    def _tariffs_of(self, connection: Any) -> Any:
        """Tariffs that price rules may choose for the drivers of the partner."""
        contracts = connection.party_ids.contract_id
        rules = self.env["emobility.price.rule"].sudo().search(
            [
                ("company_id", "=", connection.company_id.id),
                ("relation", "in", ("retail", "wholesale")),
                ("plan_id", "in", [False, *contracts.plan_id.ids]),
                ("partner_id", "in", [False, *contracts.partner_id.ids, *contracts.invoice_partner_id.ids]),
                ("tariff_id.roaming_partner_id", "=", False),
            ]
        )
        return rules.tariff_id if contracts else rules.browse().tariff_id

    @api.model
    def _changed_field(self, module: str) -> str:
        return {"locations": "ocpi_updated_at", "cdrs": "create_date"}.get(module, "write_date")

    @api.model
    def _page(self, connections: Any, module: str, page: Page) -> tuple[list[dict[str, Any]], int, int]:
        """Objects of a page, the total, and how many rows the page stands for.

        Sorted by creation, so that an object that changes meanwhile keeps its place.

        :param connections: those of our parties behind one interface that are meant, each of another company
        """
        domain = Domain.OR(self._domain(connection, module) for connection in connections.sudo())
        changed = self._changed_field(module)
        if page.date_from:
            domain &= Domain(changed, ">=", _naive(page.date_from))
        if page.date_to:
            domain &= Domain(changed, "<", _naive(page.date_to))
        model = self.env[self._model_of(module)]
        total = model.search_count(domain)
        records = model.search(domain, order="id", offset=page.offset, limit=page.limit)
        return self._render_all(connections, module, records), total, len(records)

    @api.model
    def _one(self, connection: Any, module: str, key: str) -> Any:
        """The object with this ID, if the partner may see it."""
        domain = self._domain(connection.sudo(), module)
        name = {"locations": "code", "sessions": "uid", "cdrs": "name", "tokens": "uid"}[module]
        return self.env[self._model_of(module)].search([*domain, (name, "=ilike", _literal(key))], limit=1)

    @api.model
    def _may_see(self, connection: Any, module: str, record: Any) -> bool:
        return bool(record.filtered_domain(self._domain(connection, module)))

    # What they look like

    @api.model
    def _render_all(self, connections: Any, module: str, records: Any) -> list[dict[str, Any]]:
        """The objects that OCPI can hold; of the others nothing can be told."""
        of_company = {connection.company_id: connection for connection in connections}
        result = []
        for record in records.sudo():
            try:
                result.append(self._render(of_company[record.company_id], module, record))
            except (ValidationError, ValueError, UserError):
                continue
        return result

    @api.model
    def _render(self, connection: Any, module: str, record: Any) -> dict[str, Any]:
        """:raises ValidationError, ValueError, UserError: when the object does not fit into OCPI"""
        version = connection.version
        if module == "cdrs":
            return self._cdr(connection, record)
        if module == "tariffs":
            return self._tariff(connection, record)
        if module == "invoicereconciliation":
            return as_json(record._record())
        build: dict[str, tuple[str, Callable[..., Any]]] = {
            "locations": ("location", self._location),
            "sessions": ("session", self._session),
            "tokens": ("token", self._token),
        }
        kind, method = build[module]
        return write(kind, version, method(connection, record))

    @api.model
    def _location(self, connection: Any, location: Any, evse: Any = None, connector: Any = None) -> internal.Location:
        """A location; of a session only with the EVSE and connector that were used."""
        evses = evse if evse is not None else location.evse_ids
        always = {"twentyfourseven": True}
        updated = _aware(location.ocpi_updated_at or location.write_date)
        return internal.Location(
            party=connection._our_party(),
            id=location.code,
            publish=location.is_public,
            name=location.name,
            address=(location.street or location.name)[:45],
            city=(location.city or "")[:45],
            postal_code=location.zip or None,
            country=ALPHA_3.get(location.country_id.code or "", ""),
            latitude=f"{location.latitude:.6f}",
            longitude=f"{location.longitude:.6f}",
            time_zone=location.time_zone,
            operator=(location.operator_id.name or location.company_id.name)[:100],
            opening_times=always if location.open_always else _opening_times(location),
            evses=tuple(self._evse(connection, each, connector) for each in evses),
            last_updated=updated,
        )

    @api.model
    def _evse(self, connection: Any, evse: Any, connector: Any = None) -> internal.Evse:
        connectors = connector if connector is not None else evse.connector_ids
        remote = _REMOTE if evse._can_start_remotely() else ()
        return internal.Evse(
            uid=evse.uid,
            evse_id=evse.evse_id or None,
            status=_STATUS.get(evse._live_status(), "UNKNOWN"),
            physical_reference=evse.physical_reference or None,
            capabilities=("RFID_READER", *remote),
            connectors=tuple(self._connector(connection, each) for each in connectors),
            last_updated=_aware(evse.write_date),
        )

    @api.model
    def _price_at(self, connection: Any, connector: Any) -> Any:
        """The tariff version that the partner's drivers have at a connector now, or an empty recordset."""
        contract = connection.party_ids.contract_id[:1]
        if not contract:
            return self.env["emobility.tariff.version"]
        return self.env["emobility.price.rule"]._select_version(
            connection.company_id, contract, connector.evse_id, connector, fields.Datetime.now()
        )

    @api.model
    def _connector(self, connection: Any, connector: Any) -> internal.Connector:
        power = electrical(connector.power_type, connector.max_power_kw)
        version = self._price_at(connection, connector)
        return internal.Connector(
            id=connector.code,
            standard=connector.standard,
            format=connector.connector_format,
            power_type=connector.power_type,
            voltage=power["max_voltage"],
            amperage=power["max_amperage"],
            max_watts=power["max_electric_power"] or None,
            tariff_ids=(version._ocpi_tariff_id(),) if version else (),
            last_updated=_aware(connector.write_date),
        )

    @api.model
    def _token(self, connection: Any, token: Any) -> internal.Token:
        status = token._authorization_status()
        contract = token.contract_ref or token.contract_id.emaid or token.uid
        return internal.Token(
            party=internal.Party.of(
                token.country_code or connection._our_party().country_code,
                token.party_id or connection._our_party().party_id,
            ),
            uid=token.uid,
            type=token.token_type,
            # A session of 2.1.1 names the contract only: then each token is a contract of its own (F47).
            contract_id=token.uid if connection.version == "2.1.1" else contract,
            visual_number=token.visual_number or None,
            issuer=token.company_id.name[:64],
            valid=status == "Accepted",
            whitelist=token.whitelist or "ALLOWED",
            language=(token.partner_id.lang or "")[:2] or None,
            last_updated=_aware(token.write_date),
        )

    @api.model
    def _token_ref(self, connection: Any, token: Any) -> internal.TokenRef:
        if not (token.country_code and token.party_id):
            raise UserError(self.env._("The token %(token)s names no provider.", token=token.display_name))
        contract = token.contract_ref or token.contract_id.emaid or token.uid
        return internal.TokenRef(
            token.uid, token.token_type, contract, internal.Party.of(token.country_code, token.party_id)
        )

    @api.model
    def _session(self, connection: Any, session: Any) -> internal.Session:
        version = session.tariff_version_id
        total = None
        if version:
            vat = version._usage_vat("ENERGY", 0)
            amount = Decimal(f"{session.amount_estimated:.{session.currency_id.decimal_places}f}")
            price = ocpi_export.price(amount, vat, tax_included=version.price_mode == "gross")
            total = internal.Money(price.excl_vat, price.incl_vat)
        energy = Decimal(f"{session.energy_kwh:.3f}")
        connector = session.connector_id or session.evse_id.connector_ids[:1]
        return internal.Session(
            party=connection._our_party(),
            id=session.uid[:_ID_LENGTH],
            start=_aware(session.start_at),
            end=_aware(session.end_at) if session.end_at else None,
            kwh=energy,
            token=self._token_ref(connection, session.token_id),
            auth_method=session._auth_method(),
            authorization_reference=session.authorization_reference or None,
            location_id=session.location_id.code,
            evse_uid=session.evse_id.uid,
            connector_id=connector.code or "1",
            location=self._location(connection, session.location_id, session.evse_id, connector)
            if connection.version == "2.1.1"
            else None,
            meter_id=session.evse_id.meter_serial or None,
            currency=(session.currency_id or session.company_id.currency_id).name,
            periods=(internal.Period(_aware(session.start_at), (("ENERGY", energy),)),),
            total=total,
            status=_SESSION_STATUS.get(session.state, "COMPLETED"),
            last_updated=_aware(session.write_date),
        )

    @api.model
    def _cdr(self, connection: Any, cdr: Any) -> dict[str, Any]:
        """:raises ValueError: for a credit CDR in 2.1.1, which has none"""
        strict = cdr._ocpi_cdr()
        if connection.version == "2.2.1":
            return as_json(strict)
        tariffs = (self._tariff(connection, cdr._ocpi_rating().tariff_version_id),) if strict.tariffs else ()
        if connection.version == "2.3.0":
            return as_json(v230.Cdr.of_v221(strict, tariffs or None))
        plain = v221.ReceivedCdr.model_validate(as_json(strict)).to_internal()
        location = self._location(connection, cdr.location_id, cdr.evse_id, cdr.connector_id)
        values = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
        token = self.env["emobility.token"].sudo().browse(cdr.session_id.token_id.id)
        reference = internal.TokenRef(token.uid, token.token_type, token.contract_ref or token.uid)
        return as_json(
            v211.Cdr.of(internal.Cdr(**values | {"location": location, "tariffs": tariffs, "token": reference}))
        )

    @api.model
    def _tariff(self, connection: Any, version: Any) -> dict[str, Any]:
        """A version of a tariff. :raises ValueError: when OCPI would say something else than what is charged"""
        tariff = version._engine_tariff()
        if not ocpi_export.can_express(tariff):
            raise ValueError("The tariff has rules that OCPI cannot express.")
        return ocpi_export.tariff_data(
            tariff,
            connection.version,
            version._usage_vat,
            party=connection._our_party(),
            tariff_id=version._ocpi_tariff_id(),
            valid_from=_aware(version.valid_from),
            valid_to=_aware(version.valid_to) if version.valid_to else None,
            last_updated=_aware(version.write_date),
        )


def _opening_times(location: Any) -> dict[str, Any]:
    def text(hour: float) -> str:
        return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"

    return {
        "twentyfourseven": False,
        "regular_hours": [
            {
                "weekday": int(hours.weekday),
                "period_begin": text(hours.hour_from),
                "period_end": text(hours.hour_to),
            }
            for hours in location.opening_hour_ids
        ],
    }


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _naive(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)
