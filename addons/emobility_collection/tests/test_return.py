from __future__ import annotations

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CollectionCommon, camt


@tagged("post_install", "-at_install")
class TestReturn(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.mandate = cls._sign()
        cls.company.emobility_return_fee = 7.5

    def _collected(self) -> tuple:
        move = self.charge()
        return move, self.collect(move)

    def test_returned_debit_opens_the_invoice_suspends_the_contract_and_blocks_its_cards(self) -> None:
        move, order = self._collected()
        self.assertEqual(move.payment_state, "paid")
        item = self.return_file(order, "MD06").item_ids
        self.assertEqual((item.state, item.problem), ("booked", False))
        self.assertEqual(move.payment_state, "not_paid")
        self.assertTrue(move.returned_payment)
        self.assertEqual(
            (self.contract.charging_state, self.contract.suspension_reason), ("suspended", "returned_debit")
        )
        self.assertEqual(self.token._authorization_status(), "Blocked")

    def test_same_file_and_same_return_in_another_file_change_nothing(self) -> None:
        move, order = self._collected()
        file = self.return_file(order, "MD06")
        self.assertEqual(self.return_file(order, "MD06"), file)
        again = self.return_file(order, "MD06", kind="pain", name="other.xml")
        self.assertFalse(again.item_ids)
        self.assertEqual(self.env["payment.return"].search_count([("company_id", "=", self.company.id)]), 1)
        self.assertEqual(move.amount_residual, move.amount_total)

    def test_fee_is_invoiced_once_where_the_reason_says_so(self) -> None:
        _move, order = self._collected()
        fee = self.return_file(order, "MS02").item_ids.fee_move_id
        self.assertEqual((fee.state, fee.amount_total, fee.emobility_contract_id), ("posted", 7.5, self.contract))

    def test_technical_reason_costs_and_blocks_nothing(self) -> None:
        _move, order = self._collected()
        item = self.return_file(order, "BE05").item_ids
        self.assertFalse(item.fee_move_id)
        self.assertEqual(self.contract.charging_state, "active")

    def test_closed_account_and_missing_mandate_revoke_the_mandate(self) -> None:
        for number, reason in enumerate(("AC04", "MD01")):
            with self.subTest(reason=reason):
                mandate = self._sign()
                order = self.collect(self.open_invoice(amount=10 + number))
                self.return_file(order, reason)
                self.assertEqual((mandate.state, mandate.revoke_reason_id.code), ("cancel", reason))
                self.assertFalse(self.contract.mandate_id)

    def test_insufficient_funds_are_tried_again_within_the_rules_of_the_scheme(self) -> None:
        move = self.charge()
        for attempt in range(1, 4):
            order = self.collect(move)
            self.assertTrue(order, attempt)
            self.return_file(order, "AM04", name=f"{attempt}.xml")
            if attempt < 3:
                self.assertEqual(move.emobility_next_attempt_on, fields.Date.today() + timedelta(days=7))
                self.assertEqual(move.emobility_collection_state, "retry")
                self.assertFalse(move._emobility_collect_by_debit(fields.Date.today()))
                move.emobility_next_attempt_on = fields.Date.today()
        self.assertFalse(move.emobility_next_attempt_on)
        self.assertEqual(move.emobility_collection_state, "refused")
        self.assertFalse(move._emobility_collect_by_debit(fields.Date.today() + timedelta(days=60)))

    def test_rejected_first_debit_is_the_first_one_again(self) -> None:
        move = self.charge()
        order = self.collect(move)
        self.return_file(order, "TM01", kind="pain")
        move.emobility_next_attempt_on = fields.Date.today()
        again = self.collect(move)
        self.assertEqual(again.payment_lot_ids.sequence_type, "FRST")

    def test_unknown_return_waits_on_the_work_list_and_is_assigned_by_a_person(self) -> None:
        move, order = self._collected()
        content = camt([{"reference": "GARBLED", "amount": "4.90"}], "MD06")
        file = self.env["emobility.return.file"]._import("odd.xml", content, self.company)
        item = file.item_ids
        self.assertEqual((item.state, file.unknown_count), ("unknown", 1))
        self.assertIn("No collection", item.problem)
        with self.assertRaisesRegex(UserError, "Choose the collection"):
            item.action_assign()
        item.payment_id = order.payment_ids
        item.action_assign()
        self.assertEqual((item.state, move.payment_state), ("booked", "not_paid"))

    def test_other_amount_is_not_booked_by_guessing(self) -> None:
        _move, order = self._collected()
        content = camt([{"reference": order.payment_ids.memo, "amount": "4.00"}], "MD06")
        item = self.env["emobility.return.file"]._import("odd.xml", content, self.company).item_ids
        self.assertEqual(item.state, "unknown")
        self.assertIn("4.00", item.problem)

    def test_ignored_return_needs_a_reason(self) -> None:
        content = camt([{"reference": "GARBLED", "amount": "4.90"}], "MD06")
        item = self.env["emobility.return.file"]._import("odd.xml", content, self.company).item_ids
        with self.assertRaisesRegex(UserError, "Say why"):
            item.action_ignore()
        item.note = "Belongs to the shop"
        item.action_ignore()
        self.assertEqual(item.state, "ignored")
        with self.assertRaises(UserError):
            item.action_ignore()

    def test_unknown_reason_code_is_kept_as_a_reason(self) -> None:
        _move, order = self._collected()
        item = self.return_file(order, "XX99").item_ids
        self.assertEqual((item.reason_id.code, item.state), ("XX99", "booked"))
        self.assertTrue(item.reason_id.blocks_contract)

    def test_return_cannot_be_changed_from_outside(self) -> None:
        _move, order = self._collected()
        item = self.return_file(order, "MD06").item_ids
        with self.assertRaises(UserError):
            self.env[item._name].browse(item.id).state = "unknown"

    def test_file_of_another_kind_is_refused_in_words(self) -> None:
        with self.assertRaisesRegex(UserError, "cannot be read"):
            self.env["emobility.return.file"]._import("x.xml", b"<a/>", self.company)

    def test_customer_is_told_of_the_return_with_a_link_to_pay(self) -> None:
        _move, order = self._collected()
        item = self.return_file(order, "MD06").item_ids
        mail = self.env["mail.mail"].search([("model", "=", item._name), ("res_id", "=", item.id)])
        self.assertEqual(mail.recipient_ids, self.driver)
        self.assertIn("/my/invoices/", mail.body_html)
