from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xmlrpc.client import Fault

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_crm.tests.common import AccessHttpCase

from .access_common import BillingRecords
from .charging_common import ChargedCommon

MODELS_OF_THE_PORTAL = (
    "emobility.session",
    "emobility.cdr",
    "emobility.rating",
    "emobility.rating.line",
    "emobility.allowance",
)
MODELS_OF_THE_STAFF = (
    "emobility.tariff",
    "emobility.tariff.version",
    "emobility.tariff.element",
    "emobility.price.component",
    "emobility.price.rule",
    "emobility.brand",
    "emobility.discount",
    "emobility.discount.use",
    "emobility.spot.series",
    "emobility.spot.price",
    "emobility.tariff.replay",
    "emobility.tariff.replay.result",
    "emobility.session.event",
    "emobility.hold",
    "emobility.billing.run",
    "emobility.billing.run.line",
    "emobility.import.profile",
    "emobility.import.power.rule",
    "emobility.session.import",
)
# What a clerk may read and not do: model, method, further arguments.
BEYOND_A_CLERK: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("emobility.tariff", "write", {"vals": {"name": "Mine"}}),
    ("emobility.tariff", "action_new_version", {}),
    ("emobility.tariff.version", "action_new_version", {}),
    ("emobility.price.component", "write", {"vals": {"price": 0.0}}),
    ("emobility.price.rule", "unlink", {}),
    ("emobility.discount", "write", {"vals": {"value": 100.0}}),
    ("emobility.tariff.replay", "action_start", {}),
    ("emobility.cdr", "write", {"vals": {"name": "Mine"}}),
    ("emobility.cdr", "action_credit", {}),
    ("emobility.cdr", "action_correct", {}),
    ("emobility.rating", "write", {"vals": {"relation": "adhoc"}}),
    ("emobility.rating", "unlink", {}),
    ("emobility.rating.line", "write", {"vals": {"amount": 0.0}}),
    ("emobility.billing.run", "action_prepare", {}),
    ("emobility.billing.run", "action_start", {}),
)
# What only staff may do, also with a record that the portal shows.
BEYOND_OTHERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *BEYOND_A_CLERK,
    ("emobility.session", "write", {"vals": {"energy_kwh": 0.0}}),
    ("emobility.session", "action_process", {}),
    ("emobility.hold", "action_accept", {}),
    ("emobility.hold", "action_write_off", {}),
    ("emobility.hold", "action_retry", {}),
)
SILENT = (
    "odoo.http",
    "odoo.addons.rpc.controllers",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.base.models.ir_model",
    "odoo.addons.base.models.ir_access",
)


@tagged("post_install", "-at_install")
class TestAccessOverRpc(BillingRecords, AccessHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.records = cls.create_billing_records(cls.create_crm_records())

    @mute_logger(*SILENT)
    def test_f52_portal_user_reads_only_own_records_by_id(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            for scope, expected in (("own", 200), ("foreign", 403), ("other", 403)):
                with self.subTest(model=model, scope=scope):
                    ids = self.records[model][scope].ids
                    status, answer = self.call("portal", model, "read", ids=ids, fields=["display_name"])
                    self.assertEqual(status, expected, answer)

    def test_f52_portal_user_finds_only_own_records(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            with self.subTest(model=model):
                status, found = self.call("portal", model, "search", domain=[])
                self.assertEqual((status, found), (200, self.records[model]["own"].ids))

    @mute_logger(*SILENT)
    def test_portal_user_and_employee_cannot_reach_the_models_of_the_staff(self) -> None:
        for role in ("portal", "employee"):
            for model in MODELS_OF_THE_STAFF:
                with self.subTest(role=role, model=model):
                    self.assertEqual(self.call(role, model, "search", domain=[])[0], 403)

    @mute_logger(*SILENT)
    def test_employee_without_a_role_sees_nothing_that_the_portal_shows(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            with self.subTest(model=model):
                self.assertEqual(self.call("employee", model, "search", domain=[])[0], 403)

    @mute_logger(*SILENT)
    def test_nobody_does_what_their_role_has_no_right_to(self) -> None:
        for role, attempts in (
            ("user", BEYOND_A_CLERK), ("auditor", BEYOND_OTHERS), ("portal", BEYOND_OTHERS), ("employee", BEYOND_OTHERS)
        ):  # fmt: skip
            for model, method, params in attempts:
                with self.subTest(role=role, model=model, method=method):
                    ids = self.records[model]["own"].ids
                    status, answer = self.call(role, model, method, ids=ids, **params)
                    self.assertIn(status, (403, 422), answer)
        self.env.invalidate_all()
        self.assertFalse(self.records["emobility.cdr"]["own"].is_credited)
        self.assertEqual(self.records["emobility.tariff"]["own"].version_ids.element_ids.component_ids.price, 0.5)

    @mute_logger(*SILENT)
    def test_clerk_sees_the_own_company_only(self) -> None:
        for model in (*MODELS_OF_THE_PORTAL, *MODELS_OF_THE_STAFF):
            with self.subTest(model=model):
                ids = self.records[model]["other"].ids
                self.assertEqual(self.call("user", model, "read", ids=ids, fields=["id", "display_name"])[0], 403)

    @mute_logger(*SILENT)
    def test_f52_xml_rpc_opens_no_more_than_json(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            with self.subTest(model=model):
                self.assertEqual(self._xmlrpc("portal", model, "search", []), self.records[model]["own"].ids)
                for scope in ("foreign", "other"):
                    with self.assertRaises(Fault):
                        self._xmlrpc("portal", model, "read", self.records[model][scope].ids, ["display_name"])
        for role in ("portal", "employee"):
            for model in MODELS_OF_THE_STAFF:
                with self.subTest(role=role, model=model), self.assertRaises(Fault):
                    self._xmlrpc(role, model, "search", [])

    @mute_logger(*SILENT)
    def test_xml_rpc_refuses_a_clerk_what_json_refuses(self) -> None:
        for model, method, params in BEYOND_A_CLERK:
            with self.subTest(model=model, method=method), self.assertRaises(Fault):
                self._xmlrpc("user", model, method, self.records[model]["own"].ids, *params.values())

    def _xmlrpc(self, role: str, model: str, method: str, *args: Any) -> Any:
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, self.users[role].id, self.api_keys[role], model, method, list(args)
        )


@tagged("post_install", "-at_install")
class TestAccessToInvoices(ChargedCommon, HttpCase):
    """The pages and files of an invoice with its annex of sessions, asked for by people whose it is not."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.owner = new_test_user(cls.env, "anna", groups="base.group_portal")
        cls.stranger = new_test_user(cls.env, "volker", groups="base.group_portal")
        cls.employee = new_test_user(cls.env, "emil", groups="base.group_user")
        cls.contract = cls._make_contract(cls.owner.partner_id, "04AAAA01")

    def setUp(self) -> None:
        super().setUp()
        self.charged = self._charge("jan", self.contract, datetime(2026, 1, 10, 9, tzinfo=UTC), 40, "12.5")
        self.move = self._invoice(self.charged)
        self.file = self.env["ir.attachment"].create(
            {"name": "invoice.pdf", "raw": b"%PDF-1.4 sessions", "res_model": "account.move", "res_id": self.move.id}
        )

    def _paths(self) -> tuple[str, ...]:
        return (
            f"/my/invoices/{self.move.id}",
            f"/my/invoices/{self.move.id}?report_type=pdf&download=true",
            f"/my/invoices/{self.move.id}?report_type=html",
            f"/my/invoices/{self.move.id}?report_type=html&access_token=wrong",
            f"/report/html/account.report_invoice/{self.move.id}",
            f"/report/html/account.report_invoice_with_payments/{self.move.id}",
            f"/report/pdf/account.report_invoice/{self.move.id}",
            f"/web/content/{self.file.id}",
            f"/my/charging/{self.charged.id}",
            "/my/charging/sessions.csv",
        )

    @mute_logger(*SILENT)
    def test_f52_nobody_else_gets_the_invoice_or_the_sessions_of_its_annex(self) -> None:
        for login in ("volker", "emil", None):
            self.authenticate(login, login)
            for path in self._paths():
                with self.subTest(login=login, path=path):
                    response = self.url_open(path)
                    self.assertNotIn(self.move.name, response.text)
                    self.assertNotIn("DE*ABC*E1", response.text)
                    self.assertFalse(response.content.startswith(b"%PDF"))

    def test_owner_sees_the_invoice_with_its_sessions(self) -> None:
        self.authenticate("anna", "anna")
        response = self.url_open(f"/my/invoices/{self.move.id}?report_type=html")
        self.assertIn(self.move.name, response.text)
        self.assertIn("DE*ABC*E1", response.text)
