from __future__ import annotations

from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SettlementCommon


@tagged("post_install", "-at_install")
class TestDispute(SettlementCommon):
    def dispute(self, cdr: object) -> object:
        action = cdr.action_dispute()
        return self.env["emobility.roaming.dispute"].browse(action["res_id"])

    def test_dispute_carries_reason_amount_and_evidence(self) -> None:
        dispute = self.dispute(self.receive_cdr("4.50"))
        self.assertEqual((dispute.reason, dispute.direction), ("price", "ours"))
        self.assertAlmostEqual(dispute.amount, 0.50)
        self.assertEqual(dispute.evidence["total_net"], 4.5)
        self.assertEqual(dispute.evidence["by_the_tariff"], 4.0)

    def test_sending_sets_the_deadline_and_tells_the_partner(self) -> None:
        cdr = self.receive_cdr("4.50")
        dispute = self.dispute(cdr)
        dispute.action_open()
        self.assertEqual(dispute.deadline, fields.Date.context_today(dispute) + timedelta(days=30))
        self.assertEqual(cdr.check_state, "disputed")
        self.assertIn(self.operator_entity, dispute.message_ids.notified_partner_ids)
        self.assertEqual(dispute.activity_ids.date_deadline, dispute.deadline)

    def test_credit_cdr_ends_the_dispute(self) -> None:
        cdr = self.receive_cdr("4.50")
        dispute = self.dispute(cdr)
        dispute.action_open()
        dispute.action_accept()
        self.receive_credit(cdr)
        self.assertEqual((dispute.state, cdr.check_state), ("closed", "credited"))

    def test_refusal_needs_a_reason_and_lets_the_cdr_be_paid(self) -> None:
        cdr = self.receive_cdr("4.50")
        dispute = self.dispute(cdr)
        dispute.action_open()
        with self.assertRaisesRegex(UserError, "Enter the answer"):
            dispute.action_reject()
        dispute.answer = "The tariff had changed."
        dispute.action_reject()
        self.assertEqual((dispute.state, cdr.check_state), ("rejected", "accepted"))

    def test_f55_what_a_partner_disputes_of_ours_ends_with_credit_cdr_and_credit(self) -> None:
        cdr = self.charge_as_guest().cdr_ids
        dispute = self.env["emobility.roaming.dispute"].create(
            {"roaming_partner_id": self.provider.id, "cdr_id": cdr.id, "description": "Unknown driver"}
        )
        dispute.action_open()
        with self.running_jobs():
            dispute.action_accept()
        self.assertEqual(dispute.state, "closed")
        self.assertTrue(cdr.is_credited)

    def test_one_cdr_has_one_open_dispute(self) -> None:
        cdr = self.receive_cdr("4.50")
        dispute = self.dispute(cdr)
        self.assertEqual(self.dispute(cdr), dispute)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            dispute.copy()

    def test_dispute_is_about_exactly_one_cdr(self) -> None:
        with self.assertRaisesRegex(ValidationError, "about one CDR"):
            self.env["emobility.roaming.dispute"].create(
                {"roaming_partner_id": self.provider.id, "direction": "theirs", "description": "?"}
            )

    def test_overdue_disputes_are_found(self) -> None:
        dispute = self.dispute(self.receive_cdr("4.50"))
        dispute.action_open()
        dispute.deadline = fields.Date.context_today(dispute) - timedelta(days=1)
        found = self.env["emobility.roaming.dispute"].search([("is_overdue", "=", True)])
        self.assertEqual(found, dispute)
        self.assertTrue(dispute.is_overdue)
