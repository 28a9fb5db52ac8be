from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import NONE, AccessCase, Rights, staff

OWN = Rights("r", "", "")
READ = staff(user="r", manager="r")
TERMS = staff(user="r", manager="rwcd")


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    MATRIX = {
        "emobility.flat.rate": {
            "user": Rights("r"),
            "manager": Rights("rwcd"),
            "auditor": Rights("r"),
            "portal": NONE,
            "employee": NONE,
            "public": NONE,
        },
        "emobility.host.agreement": staff(user="r", manager="rwcd", portal=OWN),
        "emobility.host.agreement.price": TERMS,
        "emobility.host.run": TERMS,
        "emobility.host.settlement": staff(user="r", manager="r", portal=OWN),
        "emobility.host.settlement.line": READ,
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        flat_rate = cls.env.ref("emobility_host.flat_rate_de_2026")
        records: dict[str, dict[str, Any]] = {"emobility.flat.rate": {"own": flat_rate}}
        owners = {
            "own": (cls.own_partner, cls.company_a),
            "foreign": (cls.foreign_partner, cls.company_a),
            "other": (cls.own_partner, cls.company_b),
        }
        for scope, (partner, company) in owners.items():
            env = cls.env["emobility.guarded"]._as_system().with_company(company).env
            agreement = env["emobility.host.agreement"].create(
                {
                    "name": scope,
                    "partner_id": partner.id,
                    "company_id": company.id,
                    "fixed_amount": 1,
                    "price_ids": [(0, 0, {"date_from": "2026-01-01", "price": 0.3, "proof": "Bill"})],
                }
            )
            agreement.action_activate()
            run = env["emobility.host.run"].create({"company_id": company.id, "month": "2026-06-01"})
            settlement = env["emobility.host.settlement"].create(
                {
                    "run_id": run.id,
                    "agreement_id": agreement.id,
                    "state": "done",
                    "line_ids": [(0, 0, {"month": "2026-06-01", "kind": "fixed", "amount": 1})],
                }
            )
            for record in (agreement, agreement.price_ids, run, settlement, settlement.line_ids):
                records.setdefault(record._name, {})[scope] = record
        return records

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_host")

    def test_a_host_sees_no_preview_and_no_draft(self) -> None:
        settlement = self.records["emobility.host.settlement"]["own"]
        settlement._as_system().write({"state": "draft"})
        self.assertFalse(self.is_found("portal", settlement))
        agreement = self.records["emobility.host.agreement"]["own"]
        agreement.state = "draft"
        self.assertFalse(self.is_found("portal", agreement))
