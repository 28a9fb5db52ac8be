from __future__ import annotations

import base64
import csv
import io
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CollectionCommon

SENT = ("queued", "sent")


@tagged("post_install", "-at_install")
class TestDunning(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company._emobility_set_up_dunning()
        cls.levels = cls.company.credit_policy_id.level_ids.sorted("level")
        cls.today = fields.Date.today()

    def remind(self, days: int):
        """What the scheduled action does on a later day."""
        with freeze_time(self.today + timedelta(days=days)), self.running_jobs():
            return self.env["credit.control.run"].with_company(self.company)._remind(self.company)

    def test_set_up_replaces_a_policy_that_reminds_of_nothing(self) -> None:
        self.company.credit_policy_id = self.env.ref("account_credit_control.credit_control_3_time")
        self.company._emobility_set_up_dunning()
        policy = self.company.credit_policy_id
        self.assertEqual(policy, self.env.ref("emobility_collection.policy_charging"))
        self.assertIn(self.company_data["default_account_receivable"], policy.account_ids)

    def test_reminders_follow_each_other_by_level_and_never_twice(self) -> None:
        move = self.open_invoice()
        self.assertFalse(self.remind(4))
        levels = []
        for days in (5, 6, 15, 25, 40):
            self.remind(days)
            levels.append(max(move.credit_control_line_ids.mapped("level")))
        self.assertEqual(levels, [1, 1, 2, 3, 3])
        self.assertEqual(len(move.credit_control_line_ids), 3)

    def test_contract_is_blocked_at_its_level_and_unblocked_by_the_payment(self) -> None:
        move = self.open_invoice()
        self.remind(5)
        self.assertEqual(self.contract.charging_state, "active")
        self.remind(15)
        self.assertEqual((self.contract.charging_state, self.contract.suspension_reason), ("suspended", "dunning"))
        self.pay(move)
        self.assertEqual(self.contract.charging_state, "active")

    def test_contract_suspended_by_a_person_stays_so_when_it_is_paid(self) -> None:
        move = self.open_invoice()
        self.contract._suspend("fraud")
        self.remind(5)
        self.remind(15)
        self.pay(move)
        self.assertEqual(self.contract.suspension_reason, "fraud")

    def test_contract_is_resumed_only_when_no_cause_is_left(self) -> None:
        first, second = self.open_invoice(), self.open_invoice()
        self.remind(5)
        self.remind(15)
        self.pay(first)
        self.assertEqual(self.contract.suspension_reason, "dunning")
        self.pay(second)
        self.assertEqual(self.contract.charging_state, "active")

    def test_fee_of_a_level_is_invoiced_once_and_never_reminded_of(self) -> None:
        self.levels[1].fee = 5.0
        self.open_invoice()
        self.remind(5)
        self.remind(15)
        fees = self.env["account.move"].search([("emobility_is_payment_fee", "=", True)])
        self.assertEqual((fees.amount_total, fees.state, fees.emobility_contract_id), (5.0, "posted", self.contract))
        self.remind(60)
        self.assertFalse(fees.credit_control_line_ids)

    def test_mail_is_in_the_language_of_the_customer(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        self.levels[0].with_context(lang="de_DE").write(
            {"name": "Zahlungserinnerung", "custom_mail_text": "<p>Bitte bezahlen Sie.</p>"}
        )
        self.driver.lang = "de_DE"
        move = self.open_invoice()
        reminder = self.remind(5).line_ids.communication_id
        message = reminder.message_ids.filtered(lambda one: self.driver in one.partner_ids)
        self.assertIn("Zahlungserinnerung", message.subject)
        self.assertIn("Bitte bezahlen Sie.", message.body)
        self.assertIn(move.name, message.body)

    def test_disputed_invoices_are_not_reminded_of_until_the_complaint_is_answered(self) -> None:
        move = self.charge()
        dispute = self.env["emobility.dispute"].create(
            {"move_id": move.id, "partner_id": move.partner_id.id, "reason": "energy", "text": "Too much"}
        )
        self.assertFalse(self.remind(30))
        dispute._as_system().state = "closed"
        self.assertEqual(self.remind(30).line_ids.invoice_id, move)

    def test_invoice_that_we_collect_ourselves_is_not_reminded_of_until_it_fails(self) -> None:
        self._sign()
        move = self.open_invoice()
        self.assertFalse(self.remind(30))
        order = self.collect(move)
        self.return_file(order, "MD06")
        self.assertEqual(self.remind(30).line_ids.invoice_id, move)

    def test_export_for_an_agency_has_all_data_and_ends_reminders(self) -> None:
        self.driver.write({"street": "=1+1", "city": "Musterstadt", "zip": "12345"})
        move = self.open_invoice()
        for days in (5, 15, 25):
            self.remind(days)
        wizard = self.env["emobility.collection.export"].with_company(self.company).create({})
        self.assertEqual(wizard.move_ids, move)
        wizard.action_export()
        (row,) = csv.DictReader(io.StringIO(base64.b64decode(wizard.file).decode("utf-8-sig")), delimiter=";")
        self.assertEqual((row["debtor"], row["invoice"], row["open"]), ("Dana Driver", move.name, "100.00"))
        self.assertEqual((row["street"], row["zip"], row["country"]), ("'=1+1", "12345", "DE"))
        self.assertEqual(len(row["reminders"].split(" | ")), 3)
        self.assertEqual(move.emobility_collection_state, "agency")
        self.assertEqual(self.contract.suspension_reason, "dunning")
        self.assertFalse(self.remind(90))
        again = self.env["emobility.collection.export"].with_company(self.company).create({})
        with self.assertRaises(UserError):
            again.action_export()
