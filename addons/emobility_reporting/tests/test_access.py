from __future__ import annotations

from typing import Any

from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.access_common import BillingRecords
from odoo.addons.emobility_crm.tests.common import AccessCase, staff

READ = staff(user="r", manager="r")


@tagged("post_install", "-at_install")
class TestAccess(BillingRecords, AccessCase):
    MATRIX = {
        "emobility.session.report": READ,
        "emobility.reconciliation.break": READ,
        "emobility.audit.trail": staff(user="", manager="r"),
        "emobility.accrual": staff(user="r", manager="rwcd"),
        "emobility.accrual.line": READ,
        "emobility.monthly.report": staff(user="r", manager="rwcd"),
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records = cls.create_billing_records(super().create_records())
        own: dict[str, dict[str, Any]] = {}
        for scope, rating in records["emobility.rating"].items():
            company = rating.company_id
            env = cls.env["emobility.guarded"]._as_system().with_company(company).env
            currency = env["res.currency"].create({"name": f"{scope[:2].upper()}X", "symbol": scope})
            account = env["account.account"].create(
                {
                    "name": scope,
                    "code": f"AC{scope[:2]}",
                    "account_type": "income",
                    "company_ids": [(6, 0, company.ids)],
                }
            )
            accrual = env["emobility.accrual"].create(
                {"company_id": company.id, "month": "2026-01-01", "currency_id": currency.id}
            )
            line = env["emobility.accrual.line"].create(
                {"accrual_id": accrual.id, "kind": "accrued", "account_id": account.id, "amount": 1}
            )
            month = {"own": "2026-01-01", "foreign": "2026-02-01", "other": "2026-01-01"}[scope]
            report = env["emobility.monthly.report"].create({"company_id": company.id, "month": month})
            rating.session_id._as_system().write({"state": "done"})
            # The session of the other records has a CDR; one without is a break.
            lost = env["emobility.session"].create(
                {
                    "uid": f"LOST-{scope}",
                    "source": "import",
                    "state": "done",
                    "company_id": company.id,
                    "end_at": "2026-01-01 11:00:00",
                }
            )
            records["contract.contract"][scope].message_post(body="Checked", message_type="notification")
            cls.env.flush_all()
            breaks = cls.env["emobility.reconciliation.break"].search([("session_id", "=", lost.id)])
            trail = cls.env["emobility.audit.trail"].search(
                [
                    ("res_model", "=", "contract.contract"),
                    ("res_id", "=", records["contract.contract"][scope].id),
                ],
                limit=1,
            )
            for record in (
                cls.env["emobility.session.report"].browse(rating.id), breaks, trail, accrual, line, report
            ):  # fmt: skip
                own.setdefault(record._name, {})[scope] = record
        return own

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_reporting")

    def test_the_figures_are_for_staff(self) -> None:
        for role in ("portal", "employee", "public"):
            board = self.env["emobility.dashboard"].with_user(self.users[role])
            with self.subTest(role=role), self.assertRaises(AccessError):
                board.get_figures("2026-01-01", "2026-01-31")
        self.assertTrue(
            self.env["emobility.dashboard"]
            .with_user(self.users["auditor"])
            .get_figures("2026-01-01", "2026-01-31")
        )
