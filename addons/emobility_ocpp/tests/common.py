from typing import Any

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon


class OcppCommon(BaseCommon):
    """A company with one location, one accepted station with two EVSEs, and the users of all roles."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company = cls.env.company
        cls.location = cls.env["emobility.location"].create(
            {"name": "Test Yard", "code": "OCPPTEST", "city": "Berlin", "time_zone": "Europe/Berlin"}
        )
        cls.station = cls.env["emobility.station"].create(
            {"identity": "TEST-CS-1", "location_id": cls.location.id, "accepted": True}
        )
        cls.evse, cls.evse_2 = cls.env["emobility.evse"].create(
            [
                {
                    "uid": f"OCPPTEST-{number}",
                    "location_id": cls.location.id,
                    "station_id": cls.station.id,
                    "ocpp_evse_number": number,
                    "connector_ids": [
                        Command.create({"code": "1", "ocpp_connector_number": 1, "max_power_kw": 22})
                    ],
                }
                for number in (1, 2)
            ]
        )
        cls.connector = cls.evse.connector_ids
        cls.token = cls.env["emobility.token"].create(
            {"uid": "04AABBCCDD", "token_type": "AD_HOC_USER", "state": "active"}
        )
        cls.bridge = cls._new_bridge("test-bridge", cls.company)
        cls.clerk = new_test_user(cls.env, "test-clerk", "emobility_crm.group_user")
        cls.manager = new_test_user(cls.env, "test-manager", "emobility_crm.group_manager")
        cls.auditor = new_test_user(cls.env, "test-auditor", "emobility_crm.group_auditor")
        cls.technician = new_test_user(cls.env, "test-technician", "emobility_crm.group_technician")
        cls.gateway = cls.env["emobility.ocpp.gateway"].with_user(cls.bridge)

    @classmethod
    def _new_bridge(cls, login: str, company: Any) -> Any:
        return (
            cls.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": login,
                    "login": login,
                    "password": login,
                    "company_id": company.id,
                    "company_ids": [Command.set(company.ids)],
                    "group_ids": [Command.set(cls.env.ref("emobility_ocpp.group_bridge").ids)],
                }
            )
        )

    def event(
        self, uid: str, kind: str, at: str = "2026-03-01T10:00:00.000Z", **payload: Any
    ) -> dict[str, Any]:
        """A bridge event of the test station."""
        return {"uid": uid, "station": "TEST-CS-1", "kind": kind, "at": at, "payload": payload}

    def push(self, *events: Any) -> list[dict[str, Any]]:
        return self.gateway.push_events(list(events))

    def push_ok(self, *events: Any) -> None:
        answers = self.push(*events)
        self.assertEqual([(a["status"], a["error"]) for a in answers], [("ok", False)] * len(events))

    def message(self, uid: str) -> Any:
        return self.env["emobility.ocpp.message"].search([("uid", "=", uid)])

    def session(self, uid: str) -> Any:
        return self.env["emobility.session"].search([("source", "=", "ocpp"), ("uid", "=", uid)])

    def session_events(self, uid: str) -> list[dict[str, Any]]:
        """A whole session: 10 kWh in an hour at EVSE 1, unplugged five minutes later."""
        return [
            self.event(
                f"{uid}-1",
                "session.started",
                session_uid=uid,
                transaction_id="7",
                evse=1,
                connector=1,
                token_uid=self.token.uid,
                token_type="AD_HOC_USER",
                meter_kwh="100.000",
                authorization="Accepted",
                remote_ref=None,
            ),
            self.event(
                f"{uid}-2",
                "session.meter",
                "2026-03-01T10:30:00.000Z",
                session_uid=uid,
                readings=[
                    {
                        "at": "2026-03-01T10:30:00.000Z",
                        "energy_kwh": "105.000",
                        "power_kw": "10.0",
                        "soc": None,
                        "signed": None,
                    }
                ],
            ),
            self.event(
                f"{uid}-3",
                "session.ended",
                "2026-03-01T11:00:00.000Z",
                session_uid=uid,
                meter_kwh="110.000",
                reason="Local",
                token_uid=self.token.uid,
            ),
            self.event(f"{uid}-4", "session.unplugged", "2026-03-01T11:05:00.000Z", session_uid=uid),
        ]
