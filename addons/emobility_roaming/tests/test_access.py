from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import (
    AccessCase,
    AccessHttpCase,
    AccessMixin,
    RpcTableChecks,
    in_company,
    staff,
)

# Only the program writes what was exchanged with partners.
EXCHANGED = staff(user="r", manager="r")

MATRIX = {
    "emobility.roaming.partner": {**staff(user="r", manager="rwcd"), "roaming": in_company("rwcd")},
    "emobility.ocpi.connection": {**staff(user="r", manager="rwcd"), "roaming": in_company("rwcd")},
    **{
        model: {**EXCHANGED, "roaming": in_company("r")}
        for model in (
            "emobility.ocpi.module",
            "emobility.ocpi.message",
            "emobility.ocpi.object",
            "emobility.ocpi.command",
            "emobility.ocpi.reconciliation",
            "emobility.roaming.cdr",
        )
    },
}


class RoamingRecords(AccessMixin):
    """A record of every model, of the company and of another one. No customer owns one, so there is no foreign one."""

    ROLES = {**AccessMixin.ROLES, "roaming": "emobility_crm.group_roaming_manager"}

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records: dict[str, dict[str, Any]] = {}
        for scope, company in (("own", cls.company_a), ("other", cls.company_b)):
            for record in cls._create_records_of(company):
                records.setdefault(record._name, {})[scope] = record
        return records

    @classmethod
    def _create_records_of(cls, company: Any) -> list[Any]:
        env = cls.env["emobility.guarded"].sudo()._as_system().with_company(company).env
        connection = env["emobility.ocpi.connection"].create({"name": "Platform", "company_id": company.id})
        party = {"country_code": "NL", "party_id": "XYZ"}
        of_company = {"connection_id": connection.id, "company_id": company.id}
        cdr = env["emobility.roaming.cdr"].create(
            {
                **of_company,
                **party,
                "name": f"CDR-{company.id}",
                "direction": "out",
                "version": "2.2.1",
                "start_at": "2026-01-01 10:00:00",
                "end_at": "2026-01-01 11:00:00",
                "currency_code": "EUR",
            }
        )
        return [
            connection,
            cdr,
            env["emobility.roaming.partner"].create(
                {**party, "name": "Provider", "role": "EMSP", "company_id": company.id}
            ),
            env["emobility.ocpi.module"].create(
                {"connection_id": connection.id, "module": "cdrs", "interface": "SENDER", "url": "https://x.example"}
            ),
            env["emobility.ocpi.message"].create({**of_company, "direction": "in", "state": "ok"}),
            env["emobility.ocpi.object"].create(
                {**of_company, **party, "module": "tariffs", "uid": "T1", "version": "2.2.1"}
            ),
            env["emobility.ocpi.command"].create(
                {**of_company, "uid": f"C-{company.id}", "direction": "in", "kind": "UNLOCK_CONNECTOR"}
            ),
            env["emobility.ocpi.reconciliation"].create(
                {"connection_id": connection.id, "invoice_ref": "INV/1", "cdr_ids": cdr.ids}
            ),
        ]


@tagged("post_install", "-at_install")
class TestAccess(RoamingRecords, AccessCase):
    MATRIX = MATRIX

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_roaming")


@tagged("post_install", "-at_install")
class TestAccessOverRpc(RoamingRecords, RpcTableChecks, AccessHttpCase):
    MATRIX = MATRIX

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.records = cls.create_records()
