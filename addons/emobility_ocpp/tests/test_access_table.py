from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import (
    NONE,
    AccessCase,
    AccessHttpCase,
    AccessMixin,
    Rights,
    RpcTableChecks,
    in_company,
    staff,
)


def row(*, manager: str = "r", technician: str = "r", user: str = "r", auditor: str = "r") -> dict[str, Rights]:
    """Who may do what with a model of stations. Customers never see one, and the bridge only calls the gateway."""
    return {
        **staff(user=user, manager=manager, auditor=auditor),
        "technician": in_company(technician),
        "bridge": NONE,
    }


MATRIX = {
    "emobility.station": row(manager="rwcd", technician="rwc"),
    "emobility.command": row(),
    "emobility.station.setting": row(),
    "emobility.station.certificate": row(),
    "emobility.station.unknown": row(manager="rd", technician="rd"),
    "emobility.station.installed.certificate": row(),
    "emobility.station.outage": row(),
    "emobility.station.day": row(),
    "emobility.firmware.campaign": row(manager="rwcd", technician="rwc"),
    "emobility.firmware.campaign.line": row(manager="rwcd", technician="rwc"),
    "emobility.ocpp.message": row(),
    "emobility.ocpp.change": row(user="", manager="", technician="", auditor=""),
}


class StationRecords(AccessMixin):
    """A record of every model, of the company and of another one. No customer owns one, so there is no foreign one."""

    ROLES = {
        **AccessMixin.ROLES,
        "technician": "emobility_crm.group_technician",
        "bridge": "emobility_ocpp.group_bridge",
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        result: dict[str, dict[str, Any]] = {}
        for scope, company in (("own", cls.company_a), ("other", cls.company_b)):
            for record in cls._create_records_of(scope, company):
                result.setdefault(record._name, {})[scope] = record
        return result

    @classmethod
    def _create_records_of(cls, scope: str, company: Any) -> list[Any]:
        env = cls.env["base"].with_company(company).env
        moment = "2026-01-01 10:00:00"
        location = env["emobility.location"].create(
            {"name": scope, "time_zone": "Europe/Berlin", "company_id": company.id}
        )
        station = env["emobility.station"].create(
            {"identity": f"ACC-{scope}", "location_id": location.id, "company_id": company.id}
        )
        of_station = {"station_id": station.id}
        of_company = {"company_id": company.id}
        campaign = env["emobility.firmware.campaign"].create({**of_company, "name": scope, "url": "https://x.example/f"})
        return [
            station,
            env["emobility.command"].create({**of_station, "action": "reset"}),
            env["emobility.station.setting"].create({**of_station, "key": "HeartbeatInterval"}),
            env["emobility.station.certificate"].create(
                {**of_station, "serial": scope, "not_before": moment, "not_after": moment}
            ),
            env["emobility.station.installed.certificate"].create({**of_station, "serial": scope}),
            env["emobility.station.outage"].create({**of_station, "start_at": moment, "end_at": moment}),
            env["emobility.station.day"].create({**of_station, "day": "2026-01-01"}),
            campaign,
            env["emobility.firmware.campaign.line"].create({**of_station, "campaign_id": campaign.id}),
            env["emobility.station.unknown"].create({**of_company, "identity": f"NEW-{scope}"}),
            env["emobility.ocpp.message"].create({**of_company, "uid": f"ACC-{scope}"}),
            env["emobility.ocpp.change"].create(
                {**of_company, "kind": "station", "key": f"KEY-{scope}", "xid": 1}
            ),
        ]


@tagged("post_install", "-at_install")
class TestAccessTable(StationRecords, AccessCase):
    MATRIX = MATRIX

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_ocpp")


@tagged("post_install", "-at_install")
class TestAccessTableOverRpc(StationRecords, RpcTableChecks, AccessHttpCase):
    MATRIX = MATRIX

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.records = cls.create_records()
