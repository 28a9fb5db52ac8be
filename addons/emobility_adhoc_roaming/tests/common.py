"""A walk-up customer, a payment provider on loopback, and an operator whose station it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from odoo.addons.emobility_adhoc.tests.common import AdhocCommon
from odoo.addons.emobility_billing.tests.common import stamp
from odoo.addons.emobility_roaming.ocpi_client import Answer
from odoo.addons.emobility_roaming.tests.ocpi_common import OcpiCommon, ok

ACCEPTED = ok({"result": "ACCEPTED", "timeout": 60})


class AdhocRoamingCommon(AdhocCommon, OcpiCommon):
    version = "2.2.1"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.own_evse = cls.evse
        cls.connection, cls.secret = cls._connect(version=cls.version, our_roles="EMSP")
        cls.operator = cls.connection.party_ids
        cls.operator.sells_adhoc = True
        cls.env["emobility.ocpi.receiver"]._receive(
            cls.connection, "locations", [cls.told_location()], cls.connection._first_party()
        )
        cls.evse = cls.env["emobility.evse"].search([("ocpi_uid", "=", "e-9")])

    @classmethod
    def told_location(cls) -> dict[str, Any]:
        """The operator's location, in the words of the version."""
        data = cls.location_data(cls)
        if cls.version == "2.1.1":
            connector = data["evses"][0]["connectors"][0]
            connector |= {"voltage": connector.pop("max_voltage"), "amperage": connector.pop("max_amperage")}
            data["type"] = "ON_STREET"
        return data

    def setUp(self) -> None:
        super().setUp()
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=120)

    # The customer

    def paid_at_operator(self, *answers: Answer, **values: Any) -> tuple[Any, list[dict[str, Any]]]:
        """Somebody pays; the operator answers the start. Returns the ad-hoc session and what the operator was asked."""
        with self.partner_answers(*(answers or (ACCEPTED,))) as asked:
            adhoc = self.paid(**values)
        return adhoc, asked

    def start_command(self, adhoc: Any) -> Any:
        return adhoc._start_command()

    # The operator

    def result(self, adhoc: Any, result: str) -> None:
        with self.running_jobs():
            adhoc._start_command()._partner_answered(result)

    def tell(self, adhoc: Any, *, kwh: float = 3.0, status: str = "ACTIVE", minutes: int = 60, **changes: Any) -> Any:
        """The operator tells of the session; returns our record of it."""
        at = self.start + timedelta(minutes=minutes)
        data = self.session_data(
            start_date_time=stamp(self.start), kwh=kwh, status=status, last_updated=stamp(at),
            cdr_token=self.adhoc_token(adhoc), auth_method="COMMAND",
            authorization_reference=adhoc._start_command().authorization_reference, **changes,
        )  # fmt: skip
        with self.running_jobs():
            self.receive(self.connection, "sessions", data)
        return self.env["emobility.session"].search([("uid", "=", "NL*XYZ*S-1")])

    def bill(self, adhoc: Any, *, kwh: float = 10.0, minutes: int = 110, **changes: Any) -> Any:
        """The operator sends a CDR; returns our record of it."""
        end = self.start + timedelta(minutes=minutes)
        period = {"start_date_time": stamp(self.start), "dimensions": [{"type": "ENERGY", "volume": kwh}]}
        data = self.cdr_data(
            start_date_time=stamp(self.start), end_date_time=stamp(end), last_updated=stamp(end),
            cdr_token=self.adhoc_token(adhoc), total_energy=kwh, charging_periods=[period],
            total_time=minutes / 60, auth_method="COMMAND", **changes,
        )  # fmt: skip
        with self.running_jobs():
            self.receive(self.connection, "cdrs", data)
        return self.env["emobility.roaming.cdr"].search([("name", "=", data["id"])])

    def adhoc_token(self, adhoc: Any) -> dict[str, Any]:
        uid = adhoc.token_id.uid
        return self.cdr_token(uid=uid, contract_id=uid, type="AD_HOC_USER")

    def assert_released(self, adhoc: Any, reason: str) -> None:
        self.assertEqual((adhoc.state, adhoc.ended_reason), ("released", reason))
        self.assertEqual(self.real(adhoc), (0, 0), "nothing is charged, nothing is held")
