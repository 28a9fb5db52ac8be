"""A provider whose drivers charge at our station, and an operator at whose stations ours charge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from odoo.addons.emobility_billing.tests.common import ChargingCommon, stamp

ENERGY_TARIFF = {
    "country_code": "BE",
    "party_id": "OPR",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.40, "vat": 21.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}


class SettlementCommon(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls._cdr_ids = count(1)
        cls.env.user.group_ids |= cls.env.ref("emobility_crm.group_roaming_manager")
        partners = cls.env["res.partner"]
        cls.entity = partners.create(
            {"name": "Provider BV", "email": "roaming@provider.example", "country_id": cls.env.ref("base.nl").id}
        )
        cls.operator_entity = partners.create({"name": "Operator NV", "email": "cdr@operator.example"})
        cls.provider = cls._make_partner("Provider", "NL", "XYZ", "EMSP", cls.entity)
        cls.operator = cls._make_partner("Operator", "BE", "OPR", "CPO", cls.operator_entity)
        cls.sell = cls._make_agreement(cls.provider, "sell", cls.entity)
        cls.buy = cls._make_agreement(cls.operator, "buy", cls.operator_entity, hub_fee_per_cdr=0.05)
        cls.wholesale = cls._make_tariff("WHOLESALE", {"ENERGY": 0.30}, mode="net")
        cls.wholesale_rule = cls._make_rule(cls.wholesale, relation="wholesale", partner_id=cls.entity.id)
        cls.foreign_token = cls.env["emobility.token"].create(
            {
                "uid": "04F0F1F2F3",
                "token_type": "RFID",
                "country_code": "NL",
                "party_id": "XYZ",
                "state": "active",
                "company_id": cls.company.id,
            }
        )

    @classmethod
    def _make_partner(cls, name: str, country: str, party: str, role: str, entity: Any, **values: Any) -> Any:
        return cls.env["emobility.roaming.partner"].create(
            {
                "name": name,
                "country_code": country,
                "party_id": party,
                "role": role,
                "partner_id": entity.id,
                "company_id": cls.company.id,
                **values,
            }
        )

    @classmethod
    def _make_agreement(cls, partner: Any, direction: str, entity: Any, **values: Any) -> Any:
        return cls.env["emobility.roaming.agreement"].create(
            {
                "roaming_partner_id": partner.id,
                "direction": direction,
                "legal_entity_id": entity.id,
                "currency_id": cls.euro.id,
                "date_from": "2020-01-01",
                **values,
            }
        )

    @classmethod
    def _connection(cls) -> Any:
        connection = cls.env["emobility.ocpi.connection"].search([("company_id", "=", cls.company.id)], limit=1)
        return connection or cls.env["emobility.ocpi.connection"].create(
            {"name": "Operator's platform", "company_id": cls.company.id}
        )

    def charge_as_guest(self, session: str = "GUEST", **values: Any) -> Any:
        """A driver of the provider charges at our station."""
        return self.ingest(self.events(session, token_uid="04F0F1F2F3", **values))

    def receive_cdr(self, net: str = "4.00", kwh: str = "10", **changes: Any) -> Any:
        """A CDR of the operator comes, and is checked."""
        number = next(self._cdr_ids)
        end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        start = end - timedelta(hours=1)
        period = {
            "start_date_time": stamp(start),
            "dimensions": [{"type": "ENERGY", "volume": float(kwh)}],
            "tariff_id": "T1",
        }
        data = {
            "country_code": "BE",
            "party_id": "OPR",
            "id": f"CDR-{number}",
            "start_date_time": stamp(start),
            "end_date_time": stamp(end),
            "session_id": f"S-{number}",
            "cdr_token": {
                "country_code": "DE",
                "party_id": "ABC",
                "uid": "04A1B2C3",
                "type": "RFID",
                "contract_id": "DE-ABC-C1",
            },
            "auth_method": "WHITELIST",
            "cdr_location": {
                "id": "LOC1",
                "name": "Grote Markt",
                "address": "Grote Markt 1",
                "city": "Brussel",
                "country": "BEL",
                "coordinates": {"latitude": "50.846700", "longitude": "4.352500"},
                "evse_uid": "E1",
                "evse_id": "BE*OPR*E1",
                "connector_id": "1",
                "connector_standard": "IEC_62196_T2",
                "connector_format": "SOCKET",
                "connector_power_type": "AC_3_PHASE",
            },
            "currency": "EUR",
            "tariffs": [ENERGY_TARIFF],
            "charging_periods": [period],
            "total_cost": {"excl_vat": float(net)},
            "total_energy": float(kwh),
            "total_time": 1.0,
            "last_updated": stamp(end),
            **changes,
        }
        values = {
            "name": data["id"],
            "direction": "in",
            "connection_id": self._connection().id,
            "roaming_partner_id": self.operator.id,
            "country_code": "BE",
            "party_id": "OPR",
            "version": "2.2.1",
            "session_ref": data.get("session_id"),
            "start_at": data["start_date_time"][:19].replace("T", " "),
            "end_at": data["end_date_time"][:19].replace("T", " "),
            "energy_kwh": data["total_energy"],
            "currency_code": data["currency"],
            "currency_id": self.env["res.currency"].search([("name", "=", data["currency"])]).id,
            "total_net": data["total_cost"]["excl_vat"],
            "credit": bool(data.get("credit")),
            "credit_reference": data.get("credit_reference_id"),
            "data": data,
            "company_id": self.company.id,
        }
        with self.running_jobs():
            return self.env["emobility.roaming.cdr"].sudo()._as_system().create(values)

    def receive_credit(self, original: Any, **changes: Any) -> Any:
        """A credit CDR that takes another one back: all data is copied, the total negated."""
        data = dict(original.data) | {
            "id": f"CREDIT-{original.name}",
            "credit": True,
            "credit_reference_id": original.name,
            "total_cost": {"excl_vat": -original.total_net},
        }
        return self.receive_cdr(**(data | changes))
