from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon


@tagged("post_install", "-at_install")
class TestRoamingPartner(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.values = {"name": "Provider", "country_code": " nl", "party_id": "xyz", "role": "EMSP"}
        cls.partner = cls.env["emobility.roaming.partner"].create(cls.values)

    def test_party_is_stored_in_upper_case(self) -> None:
        self.assertEqual((self.partner.country_code, self.partner.party_id), ("NL", "XYZ"))
        self.assertEqual(self.partner.display_name, "Provider (NL*XYZ)")

    def test_party_that_is_none_is_refused(self) -> None:
        for party in ({"country_code": "N1"}, {"party_id": "XY"}, {"party_id": "X-Z"}):
            with self.assertRaisesRegex(ValidationError, "not a party of OCPI"):
                self.partner.write(party)

    def test_party_has_one_partner_for_each_role(self) -> None:
        self.env["emobility.roaming.partner"].create(self.values | {"role": "CPO"})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.env["emobility.roaming.partner"].create(self.values)

    def test_roles_can_do_what_the_table_says(self) -> None:
        operations = ("read", "write", "create", "unlink")
        table = {
            "emobility_crm.group_user": {"read"},
            "emobility_crm.group_manager": set(operations),
            "emobility_crm.group_auditor": {"read"},
            "base.group_user": set(),
            "base.group_portal": set(),
        }
        for number, (group, expected) in enumerate(table.items()):
            user = new_test_user(self.env, f"roaming-{number}", group)
            partners = self.env["emobility.roaming.partner"].with_user(user)
            self.assertEqual({op for op in operations if partners.has_access(op)}, expected, group)

    def test_partner_of_another_company_is_hidden(self) -> None:
        other = self.env["res.company"].create({"name": "Other operator"})
        theirs = self.env["emobility.roaming.partner"].create(self.values | {"company_id": other.id})
        manager = new_test_user(self.env, "roaming-manager", "emobility_crm.group_manager")
        with self.assertRaises(AccessError):
            theirs.with_user(manager).read(["name"])
