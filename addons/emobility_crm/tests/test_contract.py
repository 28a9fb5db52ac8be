from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.identifiers import with_check_digit

from .common import new_charging_contract


@tagged("post_install", "-at_install")
class TestChargingContract(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env.company.write({"emobility_country_code": "de", "emobility_party_id": "abc"})
        cls.contract = new_charging_contract(cls.env, cls.partner)

    def test_contract_goes_from_draft_over_suspension_to_its_end(self) -> None:
        states = [self.contract.charging_state]
        for action in ("action_activate", "action_suspend", "action_resume", "action_terminate"):
            getattr(self.contract, action)()
            states.append(self.contract.charging_state)
        self.assertEqual(states, ["draft", "active", "suspended", "active", "terminated"])

    def test_terminated_contract_cannot_be_activated_again_not_even_by_a_plain_write(self) -> None:
        self.contract.action_terminate()
        with self.assertRaisesRegex(UserError, "is Terminated and cannot become Active"):
            self.contract.action_activate()
        with self.assertRaises(UserError):
            self.contract.write({"charging_state": "active"})

    def test_contract_that_is_not_suspended_cannot_be_resumed(self) -> None:
        with self.assertRaisesRegex(UserError, "is not suspended"):
            self.contract.action_resume()

    def test_contract_of_another_kind_has_no_charging_actions(self) -> None:
        other = new_charging_contract(self.env, self.partner, is_charging=False)
        with self.assertRaisesRegex(UserError, "is not a charging contract"):
            other.action_activate()

    def test_activation_assigns_an_emaid_of_the_company_and_keeps_it(self) -> None:
        self.assertFalse(self.contract.emaid)
        self.contract.action_activate()
        emaid = self.contract.emaid
        self.assertRegex(emaid, r"^DEABCC[0-9]{8}[0-9A-Z]$")
        self.assertEqual(emaid, with_check_digit(emaid))
        self.contract.action_suspend()
        self.contract.action_resume()
        self.assertEqual(self.contract.emaid, emaid)

    def test_contract_that_is_created_active_has_an_emaid(self) -> None:
        self.assertTrue(new_charging_contract(self.env, self.partner, charging_state="active").emaid)

    def test_two_contracts_get_two_emaids(self) -> None:
        contracts = self.contract | new_charging_contract(self.env, self.partner)
        contracts.action_activate()
        self.assertEqual(len(set(contracts.mapped("emaid"))), 2)

    def test_company_without_identity_issues_no_emaid(self) -> None:
        self.env.company.emobility_party_id = False
        self.contract.action_activate()
        self.assertFalse(self.contract.emaid)

    @mute_logger("odoo.sql_db")
    def test_emaid_is_unique_whatever_its_spelling(self) -> None:
        self.contract.emaid = "de-abc-c99999999"
        self.assertEqual(self.contract.emaid, "DEABCC99999999")
        with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            new_charging_contract(self.env, self.partner, emaid="DEABCC99999999")
        self.assertIn("contract_contract_emaid_uniq", str(caught.exception))

    def test_emaid_with_a_wrong_check_digit_is_refused_and_the_right_one_is_named(self) -> None:
        with self.assertRaisesRegex(ValidationError, "it would have to be 0"):
            self.contract.emaid = "DE-8AA-001234567-1"
        self.contract.emaid = "DE-8AA-001234567-0"
        self.assertEqual(self.contract.emaid, "DE8AA0012345670")

    @mute_logger("odoo.sql_db")
    def test_emaid_is_the_same_with_and_without_its_check_digit(self) -> None:
        self.contract.emaid = "DE8AA0012345670"
        with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            new_charging_contract(self.env, self.partner, emaid="DE8AA001234567")
        self.assertIn("contract_contract_emaid_uniq", str(caught.exception))

    def test_emaid_of_wrong_format_is_refused(self) -> None:
        with self.assertRaisesRegex(ValidationError, "is not an EMAID"):
            self.contract.emaid = "DE-ABC-1"

    def test_copy_starts_as_a_draft_without_emaid_and_tokens(self) -> None:
        self.contract.action_activate()
        self.env["emobility.token"].create({"uid": "C0FFEE", "contract_id": self.contract.id})
        copy = self.contract.copy()
        self.assertEqual(
            (copy.is_charging, copy.charging_state, copy.emaid, copy.token_count), (True, "draft", False, 0)
        )

    def test_changes_of_state_are_in_the_chatter(self) -> None:
        env = self.env["base"].with_context(tracking_disable=False, mail_notrack=False).env
        contract = new_charging_contract(env, self.partner)
        self.env.flush_all()
        self.env.cr.precommit.run()
        contract.action_activate()
        self.env.flush_all()
        self.env.cr.precommit.run()
        values = contract.message_ids.sudo().tracking_value_ids
        states = values.filtered(lambda value: value.field_id.name == "charging_state")
        self.assertEqual((states.old_value_char, states.new_value_char), ("Draft", "Active"))

    def test_customer_of_a_contract_in_use_cannot_change(self) -> None:
        other = self.env["res.partner"].create({"name": "Somebody else"})
        self.contract.partner_id = other
        self.assertEqual(self.contract.partner_id, other)
        self.contract.action_activate()
        with self.assertRaisesRegex(UserError, "cannot move to another one"):
            self.contract.partner_id = self.partner

    @freeze_time("2026-03-15 12:00:00")
    def test_termination_ends_the_recurring_fees_after_what_is_invoiced(self) -> None:
        lines = self.env["contract.line"].create(
            [
                {
                    "contract_id": self.contract.id,
                    "name": name,
                    "price_unit": 5.0,
                    "quantity": 1.0,
                    "date_start": start,
                    "recurring_next_date": next_date,
                    "last_date_invoiced": invoiced,
                    "date_end": end,
                }
                for name, start, next_date, invoiced, end in (
                    ("running", "2026-01-01", "2026-03-01", "2026-02-28", False),
                    ("invoiced ahead", "2026-01-01", "2026-04-01", "2026-03-31", False),
                    ("not started", "2026-05-01", "2026-05-01", False, False),
                    ("ended", "2026-01-01", "2026-02-01", False, "2026-02-28"),
                )
            ]
        )
        self.contract.line_recurrence = True
        self.contract.action_activate()
        self.contract.action_terminate()
        self.assertEqual(
            [fields.Date.to_string(line.date_end) for line in lines],
            ["2026-03-15", "2026-03-31", "2026-05-01", "2026-02-28"],
        )

    def test_company_codes_are_checked(self) -> None:
        self.assertEqual(self.env.company.emobility_country_code, "DE")
        self.assertEqual(self.env.company.emobility_party_id, "ABC")
        for values in ({"emobility_country_code": "D1"}, {"emobility_party_id": "A*"}):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.env.company.write(values)
