from __future__ import annotations

from typing import Any

from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import NONE, AccessCase, public_methods, staff

SYSTEM_ONLY = dict.fromkeys(("user", "manager", "auditor", "portal", "employee", "public"), NONE)
# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.nap.publication.action_view_fetches",
    "res.config.settings.action_nap_new_token",
}


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    MATRIX = {
        "emobility.nap.publication": staff(user="r", manager="rwcd"),
        "emobility.nap.fetch": staff(user="r", manager="r"),
        "emobility.nap.point": SYSTEM_ONLY,
        "emobility.nap.document": SYSTEM_ONLY,
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        records = super().create_records()
        english = cls.env.ref("base.lang_en")
        for scope, evse in list(records["emobility.evse"].items()):
            # Two in one company need two countries.
            country = cls.env.ref("base.de" if scope == "own" else "base.at")
            publication = cls.env["emobility.nap.publication"].create(
                {"company_id": evse.company_id.id, "country_id": country.id, "lang_id": english.id,
                 "national_identifier": scope}
            )  # fmt: skip
            common = {"publication_id": publication.id}
            times = dict.fromkeys(("static_at", "dynamic_at"), "2026-01-01")
            prints = dict.fromkeys(("static_print", "dynamic_print", "site_ref", "station_ref"), scope)
            for record in (
                publication,
                cls.env["emobility.nap.fetch"].create(common | {"kind": "datex2/table"}),
                cls.env["emobility.nap.point"].create(common | {"evse_id": evse.id} | times | prints),
                cls.env["emobility.nap.document"].create(
                    common | {"kind": "x", "revision": 1, "etag": "x", "changed_at": "2026-01-01"}
                ),
            ):
                records.setdefault(record._name, {})[scope] = record
        return records

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_nap")

    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_nap"), PUBLIC_METHODS)

    def test_nobody_without_administration_makes_or_reads_a_token(self) -> None:
        for role in ("user", "manager", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_role(role, self.company_a).read(["nap_token_hash"])
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_role(role, self.env["res.config.settings"]).new({}).action_nap_new_token()
