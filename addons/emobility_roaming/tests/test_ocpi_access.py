from __future__ import annotations

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.emobility_crm.tests.common import public_methods

from ..models.ocpi_connection import FINGERPRINTS
from .ocpi_common import OcpiCommon

OPERATIONS = ("read", "write", "create", "unlink")
READ, ALL, NONE = {"read"}, set(OPERATIONS), set()
ROLES = ("user", "manager", "auditor", "roaming_manager", "technician")
PUBLIC_METHODS = {
    "emobility.cdr.action_download_ocpi",
    "emobility.ocpi.accept.action_accept",
    "emobility.ocpi.connection.action_invite",
    "emobility.ocpi.connection.action_open_cdrs",
    "emobility.ocpi.connection.action_open_messages",
    "emobility.ocpi.connection.action_pause",
    "emobility.ocpi.connection.action_pull_all",
    "emobility.ocpi.connection.action_register",
    "emobility.ocpi.connection.action_resume",
    "emobility.ocpi.connection.action_rotate",
    "emobility.ocpi.connection.action_self_test",
    "emobility.ocpi.connection.action_unregister",
    "emobility.ocpi.invite.action_invite",
    "emobility.ocpi.invite.action_open_connection",
    "emobility.ocpi.limit.action_ask",
    "emobility.ocpi.limit.action_clear",
    "emobility.ocpi.limit.action_send",
    "emobility.ocpi.message.action_replay",
    "emobility.roaming.cdr.action_open_session",
    "emobility.roaming.partner.action_open_cdrs",
    "emobility.session.action_limit_power",
}


@tagged("post_install", "-at_install")
class TestOcpiAccess(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _token = cls._connect()
        cls.users = {
            role: new_test_user(cls.env, f"ocpi-{role}", f"emobility_crm.group_{role}", company_id=cls.company.id)
            for role in ROLES
        }

    def test_roles_can_do_what_the_table_says(self) -> None:
        table = {
            "emobility.ocpi.connection": (READ, ALL, READ, ALL, NONE),
            "emobility.ocpi.module": (READ, READ, READ, READ, NONE),
            "emobility.ocpi.message": (READ, READ, READ, READ, NONE),
            "emobility.ocpi.object": (READ, READ, READ, READ, NONE),
            "emobility.ocpi.command": (READ, READ, READ, READ, NONE),
            "emobility.ocpi.reconciliation": (READ, READ, READ, READ, NONE),
            "emobility.roaming.cdr": (READ, READ, READ, READ, NONE),
            "emobility.roaming.partner": (READ, ALL, READ, ALL, NONE),
        }
        for model, rights in table.items():
            for role, expected in zip(ROLES, rights, strict=True):
                records = self.env[model].with_user(self.users[role])
                allowed = {operation for operation in OPERATIONS if records.has_access(operation)}
                self.assertEqual(allowed, expected, f"{role} on {model}")
        defined = {
            name
            for name, model in self.env.registry.items()
            if model._original_module == "emobility_roaming" and model._auto and not model._transient
        }
        self.assertEqual(defined, set(table))

    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_roaming"), PUBLIC_METHODS)

    def test_who_may_read_a_connection_may_not_use_it(self) -> None:
        theirs = self.connection.with_user(self.users["user"])
        for name in ("action_rotate", "action_unregister", "action_pull_all", "action_self_test", "action_pause"):
            with self.subTest(name=name), self.assertRaises(AccessError):
                getattr(theirs, name)()

    def test_nobody_reads_tokens_not_even_a_manager(self) -> None:
        for name in ("sealed_token", "sealed_next_token", *FINGERPRINTS):
            with self.subTest(name=name), self.assertRaises(AccessError):
                self.connection.with_user(self.users["manager"]).read([name])

    def test_another_company_sees_nothing(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        self.receive(self.connection, "cdrs", self.cdr_data())
        other = self.env["res.company"].create({"name": "Other"})
        manager = new_test_user(self.env, "ocpi-other", "emobility_crm.group_manager", company_id=other.id,
                                company_ids=[(6, 0, other.ids)])  # fmt: skip
        for model in ("emobility.ocpi.connection", "emobility.ocpi.object", "emobility.roaming.cdr",
                      "emobility.ocpi.module"):  # fmt: skip
            with self.subTest(model=model):
                self.assertTrue(self.env[model].search([]))
                self.assertFalse(self.env[model].with_user(manager).search([]))

    def test_who_came_without_a_good_token_is_seen_by_our_people(self) -> None:
        message = self.env["emobility.ocpi.message"]._log(direction="in", http_status=401, error="x", address="1.2.3.4")
        for role, seen in (("roaming_manager", True), ("auditor", True), ("technician", False)):
            self.assertEqual(message.with_user(self.users[role]).has_access("read"), seen, role)

    def test_the_server_writes_nothing_by_itself(self) -> None:
        user = self.env.ref("emobility_roaming.user_ocpi")
        for model in self.env.registry:
            if model.startswith("emobility.") and not self.env[model]._abstract:
                for operation in ("write", "create", "unlink"):
                    self.assertFalse(self.env[model].with_user(user).has_access(operation), f"{operation} {model}")
