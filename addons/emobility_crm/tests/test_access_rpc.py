from typing import Any
from xmlrpc.client import Fault

from odoo import models
from odoo.tests import tagged
from odoo.tools import mute_logger

# The module and not its class: whose tests would run here once more.
from . import test_access
from .common import AccessHttpCase, RpcTableChecks

MODELS_OF_THE_PORTAL = (
    "emobility.token",
    "emobility.contract.phase",
    "contract.contract",
    "contract.line",
    "contract.modification",
)
MODELS_OF_THE_STAFF = (
    "emobility.customer.group",
    "emobility.location.group",
    "emobility.location",
    "emobility.opening.hours",
    "emobility.evse",
    "emobility.connector",
    "emobility.plan.price",
    "emobility.contract.change",
    "emobility.partner.privacy",
    "emobility.token.import",
    "emobility.location.import",
    "emobility.location.export",
)


@tagged("post_install", "-at_install")
class TestAccessOverRpc(RpcTableChecks, AccessHttpCase):
    MATRIX = test_access.TestAccess.MATRIX

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.records = cls.create_crm_records()

    def _search_ids(self, role: str, model: str) -> set[int]:
        status, answer = self.call(role, model, "search", domain=[])
        self.assertEqual(status, 200, answer)
        return set(answer)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_rule")
    def test_f52_portal_user_reads_only_own_records_by_id(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            for scope, expected in (("own", 200), ("foreign", 403), ("other", 403)):
                with self.subTest(model=model, scope=scope):
                    record = self.records[model][scope]
                    status, answer = self.call(
                        "portal", model, "read", ids=record.ids, fields=["display_name"]
                    )
                    self.assertEqual(status, expected, answer)

    def test_f52_portal_user_finds_only_own_records(self) -> None:
        for model in MODELS_OF_THE_PORTAL:
            with self.subTest(model=model):
                self.assertEqual(self._search_ids("portal", model), set(self.records[model]["own"].ids))

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access")
    def test_portal_user_and_employee_cannot_reach_the_models_of_the_staff(self) -> None:
        for role in ("portal", "employee"):
            for model in MODELS_OF_THE_STAFF:
                with self.subTest(role=role, model=model):
                    status, answer = self.call(role, model, "search", domain=[])
                    self.assertEqual(status, 403, answer)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access")
    def test_portal_user_cannot_write_own_records(self) -> None:
        token = self.records["emobility.token"]["own"]
        contract = self.records["contract.contract"]["own"]
        attempts = [
            ("emobility.token", "write", {"ids": token.ids, "vals": {"state": "active"}}),
            ("emobility.token", "action_activate", {"ids": token.ids}),
            ("emobility.token", "create", {"vals_list": [{"uid": "FREE", "contract_id": contract.id}]}),
            ("emobility.token", "unlink", {"ids": token.ids}),
            ("contract.contract", "action_activate", {"ids": contract.ids}),
            ("contract.contract", "write", {"ids": contract.ids, "vals": {"charging_state": "active"}}),
        ]
        for model, method, params in attempts:
            with self.subTest(model=model, method=method):
                status, answer = self.call("portal", model, method, **params)
                self.assertEqual(status, 403, answer)
        self.env.invalidate_all()
        self.assertEqual((token.state, contract.charging_state), ("ordered", "draft"))

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_rule")
    def test_clerk_works_in_the_own_company_only(self) -> None:
        own = self.records["emobility.token"]["own"]
        other = self.records["emobility.token"]["other"]
        self.assertEqual(self.call("user", "emobility.token", "action_activate", ids=own.ids)[0], 200)
        self.assertEqual(self.call("user", "emobility.token", "action_activate", ids=other.ids)[0], 403)
        self.assertNotIn(other.id, self._search_ids("user", "emobility.token"))

    @mute_logger("odoo.http", "odoo.sql_db")
    def test_a_taken_uid_is_refused_with_the_uid_and_without_a_word_about_its_owner(self) -> None:
        token = self.records["emobility.token"]["own"]
        values = {name: token[name] for name in ("uid", "country_code", "party_id")}
        status, answer = self.call("user", "emobility.token", "create", vals_list=[values])
        self.assertEqual(status, 422, answer)
        self.assertIn(token.uid, answer["message"])
        self.assertNotIn(token.contract_id.partner_id.name, answer["message"])

    @mute_logger("odoo.http")
    def test_private_methods_cannot_be_called(self) -> None:
        token = self.records["emobility.token"]["own"]
        for method in ("_find_by_uid", "_authorization_status", "_cron_expire"):
            with self.subTest(method=method):
                status, answer = self.call("manager", "emobility.token", method, ids=token.ids)
                self.assertEqual(status, 403, answer)

    @mute_logger("odoo.http", "odoo.addons.rpc.controllers", "odoo.addons.base.models.ir_rule")
    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access")
    def test_f52_xml_rpc_opens_no_more_than_json(self) -> None:
        user = self.users["portal"]
        for model in MODELS_OF_THE_PORTAL:
            with self.subTest(model=model):
                found = self._xmlrpc(user, model, "search", [])
                self.assertEqual(set(found), set(self.records[model]["own"].ids))
                with self.assertRaises(Fault):
                    self._xmlrpc(user, model, "read", self.records[model]["foreign"].ids)
        for model in MODELS_OF_THE_STAFF:
            with self.subTest(model=model), self.assertRaises(Fault):
                self._xmlrpc(user, model, "search", [])

    def _xmlrpc(self, user: models.BaseModel, model: str, method: str, *args: Any) -> Any:
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, user.id, self.api_keys["portal"], model, method, list(args)
        )

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access")
    def test_portal_user_cannot_call_what_the_portal_pages_do_with_more_rights(self) -> None:
        token = self.records["emobility.token"]["own"]
        contract = self.records["contract.contract"]["own"]
        for model, method, params in (
            ("emobility.token", "action_ship", {"ids": token.ids}),
            ("emobility.token", "action_report_lost", {"ids": token.ids}),
            ("contract.contract", "action_withdraw_notice", {"ids": contract.ids}),
            ("emobility.contract.change", "create", {"vals_list": [{"contract_id": contract.id}]}),
        ):
            with self.subTest(method=method):
                self.assertIn(self.call("portal", model, method, **params)[0], (403, 422))
        self.env.invalidate_all()
        self.assertEqual((token.state, contract.terminates_on), ("ordered", False))
