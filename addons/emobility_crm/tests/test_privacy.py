import base64
import json
from typing import Any

from odoo import models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon

from .common import new_charging_contract


@tagged("post_install", "-at_install")
class TestPrivacy(BaseCommon):
    """Duplicates, roles, and the rights of a person to their data."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.person = cls.env["res.partner"].create(
            {
                "name": "Petra Private",
                "email": "petra@example.com",
                "phone": "+49 30 7654321",
                "street": "Weg 1",
                "city": "Berlin",
            }
        )
        cls.contract = new_charging_contract(cls.env, cls.person, name="Charging Petra")
        cls.contract.action_activate()
        cls.used, cls.unused = cls.env["emobility.token"].create(
            [
                {
                    "uid": "04AA01",
                    "contract_id": cls.contract.id,
                    "state": "active",
                    "label": "Petra's car",
                    "visual_number": "CARD-1",
                },
                {"uid": "04AA02", "contract_id": cls.contract.id},
            ]
        )
        cls.manager = new_test_user(cls.env, "privacy-manager", groups="emobility_crm.group_manager")
        cls.clerk = new_test_user(cls.env, "privacy-clerk", groups="emobility_crm.group_user")

    def _wizard(self, user: models.BaseModel, **values: Any) -> models.BaseModel:
        return (
            self.env["emobility.partner.privacy"]
            .with_user(user)
            .create({"partner_id": self.person.id, **values})
        )

    def test_export_has_contact_contracts_and_tokens(self) -> None:
        wizard = self._wizard(self.clerk)
        action = wizard.action_export()
        self.assertIn(str(wizard.id), action["url"])
        data = json.loads(base64.b64decode(wizard.file))
        self.assertEqual(data["contact"]["email"], "petra@example.com")
        self.assertEqual([one["name"] for one in data["contracts"]], ["Charging Petra"])
        self.assertEqual({one["uid"] for one in data["tokens"]}, {"04AA01", "04AA02"})

    def test_preview_says_what_becomes_of_what_and_what_is_in_the_way(self) -> None:
        wizard = self._wizard(self.manager)
        fates = {line.name: (line.count, line.fate) for line in wizard.line_ids}
        self.assertEqual(fates["Contact"], (1, "anonymised"))
        self.assertEqual(fates["Tokens"], (1, "anonymised"))
        self.assertEqual(fates["Tokens never used"], (1, "deleted"))
        self.assertIn("Charging Petra has not ended", wizard.blockers)

    def test_erasure_takes_the_person_out_of_everything_that_stays(self) -> None:
        self.contract.action_terminate()
        portal = new_test_user(self.env, "petra", groups="base.group_portal", partner_id=self.person.id)
        self._wizard(self.manager, confirm=True).action_erase()
        person = self.person
        self.assertEqual(person.name, f"Erased contact {person.id}")
        self.assertFalse(person.email or person.phone or person.street or person.city)
        self.assertFalse(self.unused.exists())
        self.assertEqual((self.used.uid, self.used.state), (f"ERASED{self.used.id}", "blocked"))
        self.assertFalse(self.used.label or self.used.visual_number)
        self.assertNotIn("Petra", self.contract.name)
        self.assertEqual((portal.active, portal.login), (False, f"erased-{portal.id}"))
        messages = [*person.message_ids.mapped("body"), *self.used.message_ids.mapped("body")]
        self.assertNotIn("Petra", " ".join(messages))

    def test_erasure_before_the_end_of_the_contract_is_refused_and_changes_nothing(self) -> None:
        with self.assertRaisesRegex(UserError, "has not ended"):
            self._wizard(self.manager, confirm=True).action_erase()
        self.assertEqual((self.person.name, self.used.uid), ("Petra Private", "04AA01"))

    def test_erasure_is_confirmed_and_by_a_manager(self) -> None:
        self.contract.action_terminate()
        with self.assertRaisesRegex(UserError, "Confirm"):
            self._wizard(self.manager).action_erase()
        with self.assertRaises(AccessError):
            self._wizard(self.clerk, confirm=True).action_erase()

    def test_user_of_the_system_is_not_erased(self) -> None:
        wizard = self._wizard(self.manager, partner_id=self.clerk.partner_id.id, confirm=True)
        with self.assertRaisesRegex(UserError, "is a user of this system"):
            wizard.action_erase()

    # --- Duplicates and roles ---

    def test_duplicates_have_the_same_mail_phone_or_vat_number(self) -> None:
        by_mail, by_phone, other = self.env["res.partner"].create(
            [
                {"name": "Petra P.", "email": "PETRA@example.com"},
                {"name": "P. Private", "phone": "0307654321"},
                {"name": "Somebody", "phone": "0307654322", "email": "some@example.com"},
            ]
        )
        self.assertEqual(self.person.charging_duplicate_count, 2)
        action = self.person.action_view_charging_duplicates()
        found = self.env["res.partner"].search(action["domain"])
        self.assertEqual(found, self.person | by_mail | by_phone)
        self.assertNotIn(other, found)

    def test_contacts_of_one_company_are_no_duplicates(self) -> None:
        firm = self.env["res.partner"].create({"name": "Firm", "is_company": True, "phone": "030 1112223"})
        self.env["res.partner"].create({"name": "Chief", "parent_id": firm.id, "phone": "030 1112223"})
        self.assertEqual(firm.charging_duplicate_count, 0)

    def test_roles_follow_from_contracts_tokens_and_places(self) -> None:
        self.assertEqual(self.person.charging_roles, "Customer, Payer, Driver")
        host = self.env["res.partner"].create({"name": "Host"})
        self.env["emobility.location"].create(
            {"name": "Yard", "time_zone": "Europe/Berlin", "host_id": host.id}
        )
        self.assertEqual(host.charging_roles, "Site host")

    def test_wrong_vat_number_is_refused(self) -> None:
        germany = self.env.ref("base.de")
        with self.assertRaisesRegex(ValidationError, "VAT"):
            self.env["res.partner"].create(
                {"name": "Firm", "is_company": True, "country_id": germany.id, "vat": "DE123456789"}
            )
