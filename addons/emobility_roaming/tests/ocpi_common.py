"""A partner that calls us over HTTP, and one that we call, for the tests of OCPI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from odoo.tests import HttpCase

from odoo.addons.emobility_billing.tests.common import ChargingCommon
from odoo.addons.queue_job.tests.common import trap_jobs

from ..ocpi.transport import authorization, open_envelope
from ..ocpi_client import Answer, OcpiClient

AT = "2026-03-01T10:00:00Z"


class OcpiCommon(ChargingCommon):
    """A company that is DE*ABC, and connections to partners."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # What partners cause runs as the system.
        cls.env = cls.env(su=True)
        cls.company.write({"emobility_country_code": "DE", "emobility_party_id": "ABC"})
        cls.location.write(
            {"street": "Market 1", "zip": "12345", "code": "MARKET", "latitude": 52.5, "longitude": 13.4}
        )
        cls.token.write({"country_code": "DE", "party_id": "ABC"})
        cls.partner_contract = cls._make_contract(cls.env["res.partner"].create({"name": "Payer"}), "PAYER1")
        cls.env["ir.config_parameter"].set_param("emobility_roaming.public_url", "https://us.example.com")

    @classmethod
    def _connect(
        cls, party: str = "NLXYZ", *, version: str = "2.2.1", our_roles: str = "BOTH", **values: Any
    ) -> tuple[Any, str]:
        """A partner that is connected already, and the token that it calls with."""
        connection = cls.env["emobility.ocpi.connection"].create(
            {
                "name": party,
                "company_id": cls.company.id,
                "our_roles": our_roles,
                "versions_url": f"https://{party.lower()}.example.com/ocpi/versions",
                **values,
            }
        )
        token = connection._issue_token("credentials")
        connection._keep_token(f"token-of-{party}-that-is-long")
        connection.write({"state": "connected", "version": version})
        roles = {"CPO": ("EMSP",), "EMSP": ("CPO",), "BOTH": ("CPO", "EMSP")}[our_roles]
        cls.env["emobility.roaming.partner"].create(
            [
                {
                    "name": f"{party} {role}",
                    "country_code": party[:2],
                    "party_id": party[2:],
                    "role": role,
                    "company_id": cls.company.id,
                    "connection_id": connection.id,
                    "contract_id": cls.partner_contract.id if role == "EMSP" else False,
                }
                for role in roles
            ]
        )
        base = f"https://{party.lower()}.example.com/ocpi/{version}"
        cls.env["emobility.ocpi.module"].create(
            [
                {
                    "connection_id": connection.id,
                    "module": module,
                    "interface": interface,
                    "url": f"{base}/{interface.lower()}/{module}",
                }
                for module in ("locations", "sessions", "cdrs", "tariffs", "tokens", "commands")
                for interface in ("SENDER", "RECEIVER")
            ]
        )
        return connection, token

    # Objects of the partner

    def location_data(self, **changes: Any) -> dict[str, Any]:
        return {
            "country_code": "NL",
            "party_id": "XYZ",
            "id": "LOC-9",
            "publish": True,
            "name": "Canal",
            "address": "Gracht 1",
            "city": "Amsterdam",
            "postal_code": "1011",
            "country": "NLD",
            "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
            "time_zone": "Europe/Amsterdam",
            "evses": [
                {
                    "uid": "e-9",
                    "evse_id": "NL*XYZ*E9",
                    "status": "AVAILABLE",
                    "connectors": [
                        {
                            "id": "1",
                            "standard": "IEC_62196_T2",
                            "format": "SOCKET",
                            "power_type": "AC_3_PHASE",
                            "max_voltage": 230,
                            "max_amperage": 32,
                            "last_updated": AT,
                        }
                    ],
                    "last_updated": AT,
                }
            ],
            "last_updated": AT,
        } | changes

    def cdr_token(self, **changes: Any) -> dict[str, Any]:
        return {
            "country_code": "DE",
            "party_id": "ABC",
            "uid": self.token.uid,
            "type": "RFID",
            "contract_id": self.contract.emaid or "C1",
        } | changes

    def session_data(self, **changes: Any) -> dict[str, Any]:
        return {
            "country_code": "NL",
            "party_id": "XYZ",
            "id": "s-1",
            "start_date_time": "2026-03-01T10:00:00Z",
            "kwh": 4.0,
            "cdr_token": self.cdr_token(),
            "auth_method": "WHITELIST",
            "location_id": "LOC-9",
            "evse_uid": "e-9",
            "connector_id": "1",
            "currency": "EUR",
            "status": "ACTIVE",
            "last_updated": "2026-03-01T10:20:00Z",
        } | changes

    def cdr_data(self, **changes: Any) -> dict[str, Any]:
        location = self.location_data()
        return {
            "country_code": "NL",
            "party_id": "XYZ",
            "id": "CDR-1",
            "session_id": "s-1",
            "start_date_time": "2026-03-01T10:00:00Z",
            "end_date_time": "2026-03-01T11:00:00Z",
            "cdr_token": self.cdr_token(),
            "auth_method": "WHITELIST",
            "cdr_location": {
                "id": "LOC-9",
                "name": "Canal",
                "address": "Gracht 1",
                "city": "Amsterdam",
                "country": "NLD",
                "coordinates": location["coordinates"],
                "evse_uid": "e-9",
                "evse_id": "NL*XYZ*E9",
                "connector_id": "1",
                "connector_standard": "IEC_62196_T2",
                "connector_format": "SOCKET",
                "connector_power_type": "AC_3_PHASE",
            },
            "currency": "EUR",
            "charging_periods": [
                {"start_date_time": "2026-03-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 9.5}]}
            ],
            "total_cost": {"excl_vat": 4.0, "incl_vat": 4.76},
            "total_energy": 9.5,
            "total_time": 1.0,
            "last_updated": "2026-03-01T11:01:00Z",
        } | changes

    def token_data(self, uid: str = "04DDEEFF", **changes: Any) -> dict[str, Any]:
        return {
            "country_code": "NL",
            "party_id": "XYZ",
            "uid": uid,
            "type": "RFID",
            "contract_id": f"NLXYZC{uid}",
            "issuer": "XYZ",
            "valid": True,
            "whitelist": "ALLOWED",
            "last_updated": AT,
        } | changes

    def receive(self, connection: Any, module: str, *items: dict[str, Any]) -> int:
        return self.env["emobility.ocpi.receiver"]._receive(connection, module, list(items))

    @contextmanager
    def partner_answers(self, *answers: Answer) -> Iterator[list[dict[str, Any]]]:
        """The partner answers with these, in turn, the last one again and again; yields what it was asked."""
        asked: list[dict[str, Any]] = []

        def call(_client: OcpiClient, method: str, url: str, **values: Any) -> Answer:
            asked.append({"method": method, "url": url, **values})
            return answers[min(len(asked), len(answers)) - 1]

        with patch.object(OcpiClient, "call", call):
            yield asked

    def messages_are_of_now(self) -> None:
        """A test is one transaction, which began when its class was set up; a circuit closes after half a minute."""
        self.env.flush_all()
        # Two seconds ago, so that what is done next is later.
        self.env.cr.execute(
            "UPDATE emobility_ocpi_message"
            " SET create_date = clock_timestamp() AT TIME ZONE 'UTC' - interval '2 seconds'"
        )
        self.env.invalidate_all()

    @contextmanager
    def jobs_run(self) -> Iterator[None]:
        """Jobs that are queued meanwhile run at the end."""
        with trap_jobs() as trap:
            yield
            trap.perform_enqueued_jobs()


def ok(data: Any = None, **headers: str) -> Answer:
    return Answer(200, "", {name.replace("_", "-"): value for name, value in headers.items()}, 0.01, data=data,
                  status_code=1000)  # fmt: skip


def failed(status: int = 500, status_code: int | None = None) -> Answer:
    return Answer(status, "", {}, 0.01, status_code=status_code, error=f"HTTP {status}")


class OcpiHttpCase(OcpiCommon, HttpCase):
    """Calls to our server as a partner makes them."""

    def call(
        self, token: str | None, method: str, path: str, body: Any = None, *, raw: bool = False, **headers: str
    ) -> Any:
        values = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            values["Authorization"] = authorization(token, raw=raw)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            values["Content-Type"] = "application/json"
        return self.url_open(f"/ocpi{path}", data=data, headers=values, method=method, timeout=30)

    def data(self, *args: Any, **values: Any) -> Any:
        """The data of an answer that is a success."""
        answer = self.call(*args, **values)
        self.assertEqual(answer.status_code, 200, answer.text)
        return open_envelope(answer.json())

    def refused(self, code: int, *args: Any, status: int = 200, **values: Any) -> None:
        answer = self.call(*args, **values)
        self.assertEqual((answer.status_code, answer.json().get("status_code")), (status, code), answer.text)
