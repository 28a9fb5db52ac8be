from __future__ import annotations

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CUSTOMER_IBAN, CollectionCommon


@tagged("post_install", "-at_install")
class TestDebit(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.mandate = cls._sign()

    def test_signed_mandate_is_valid_has_a_reference_and_keeps_its_evidence(self) -> None:
        self.assertEqual(
            (self.mandate.state, self.mandate.format, self.mandate.type), ("valid", "sepa_core", "recurrent")
        )
        self.assertTrue(self.mandate.unique_mandate_reference)
        self.assertIn("DE98ZZZ09999999999", self.mandate.signed_text)
        self.assertEqual(self.contract.mandate_id, self.mandate)
        with self.assertRaisesRegex(UserError, "evidence"):
            self.mandate.signed_ip = "192.0.2.1"

    def test_mandate_is_mailed_with_its_document(self) -> None:
        self.mandate.with_context(force_report_rendering=True)._mail_copy()
        mail = self.env["mail.mail"].search([("model", "=", self.mandate._name), ("res_id", "=", self.mandate.id)])
        self.assertEqual(mail.recipient_ids, self.driver)
        self.assertEqual(mail.attachment_ids.mimetype, "application/pdf")
        self.assertTrue(mail.attachment_ids.raw.startswith(b"%PDF"))

    def test_wrong_foreign_and_missing_ibans_are_explained(self) -> None:
        for iban, words in (
            ("DE89370400440532013001", "not valid"),
            ("", "enter the IBAN"),
            ("BR1800360305000010009795493C1", "SEPA"),
        ):
            with self.subTest(iban=iban), self.assertRaisesRegex(UserError, words):
                self.env["account.banking.mandate"]._sign(self.contract, iban, "Dana", {})

    def test_invoice_announces_day_amount_creditor_and_mandate(self) -> None:
        self.company.emobility_prenotification_days = 5
        move = self.charge()
        self.assertEqual(move.mandate_id, self.mandate)
        self.assertEqual(move.emobility_collection_on, move.invoice_date + timedelta(days=5))
        html = self.env["ir.actions.report"]._render_qweb_html("account.report_invoice", move.ids)[0].decode()
        for words in ("SEPA direct debit", "DE98ZZZ09999999999", self.mandate.unique_mandate_reference, "DE02 … 2051"):
            self.assertIn(words, html)
        self.assertNotIn("Payable until", html)

    def test_invoice_with_a_mandate_is_not_charged_to_the_card(self) -> None:
        self._make_payment_token(self.contract)
        move = self.charge()
        self.assertFalse(move.transaction_ids)

    def test_nothing_is_collected_before_the_announced_day(self) -> None:
        self.company.emobility_prenotification_days = 14
        move = self.charge()
        today = fields.Date.today()
        self.assertFalse(move._emobility_collect_by_debit(today))
        order = move._emobility_collect_by_debit(today + timedelta(days=12))
        self.assertEqual(order.payment_line_ids.date, move.invoice_date + timedelta(days=14))

    def test_run_makes_a_valid_file_of_due_invoices_once(self) -> None:
        moves = self.charge("S1") | self.charge("S2")
        self.env["account.move"]._cron_collect_by_debit()
        order = moves.line_ids.payment_line_ids.order_id
        self.assertEqual((len(order), order.state), (1, "generated"))
        root = etree.fromstring(order.payment_file_id.raw)
        self.assertIn("pain.008.001.08", root.nsmap[None])
        text = etree.tostring(root).decode()
        for words in (CUSTOMER_IBAN, self.mandate.unique_mandate_reference, "DE98ZZZ09999999999", "<CtrlSum>9.80<"):
            self.assertIn(words, text)
        self.env["account.move"]._cron_collect_by_debit()
        self.assertEqual(moves.line_ids.payment_line_ids.order_id, order)
        order.generated2uploaded()
        self.assertEqual(set(moves.mapped("payment_state")), {"paid"})

    def test_first_debit_of_a_mandate_is_first_and_the_next_one_is_recurring(self) -> None:
        first = self.collect(self.charge("S1"))
        self.assertEqual(first.payment_lot_ids.sequence_type, "FRST")
        second = self.collect(self.charge("S2"))
        self.assertEqual(second.payment_lot_ids.sequence_type, "RCUR")
        self.assertIn(b"<SeqTp>FRST</SeqTp>", first.payment_file_id.raw)

    def test_two_first_debits_on_different_days_are_one_first_and_one_recurring(self) -> None:
        early, late = self.charge("S1"), self.charge("S2")
        order = self.env["account.payment.order"].create(
            {
                "payment_method_line_id": self.company.emobility_debit_method_id.id,
                "payment_type": "inbound",
                "company_id": self.company.id,
            }
        )
        late.line_ids.filtered(lambda line: line.account_id.account_type == "asset_receivable").date_maturity = (
            fields.Date.today() + timedelta(days=3)
        )
        (early | late).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        ).create_payment_line_from_move_line(order)
        order.draft2open()
        self.assertEqual(order.payment_lot_ids.sorted("date").mapped("sequence_type"), ["FRST", "RCUR"])

    def test_invoice_that_cannot_be_collected_is_left_out_with_a_note(self) -> None:
        good, bad = self.charge("S1"), self.charge("S2")
        bad.mandate_id = self.mandate.copy(
            {"state": "valid", "type": "oneoff", "signature_date": "2026-01-01", "last_debit_date": "2026-01-02"}
        )
        order = (good | bad)._emobility_collect_by_debit(fields.Date.today())
        self.assertEqual(order.payment_line_ids.move_line_id.move_id, good)
        self.assertIn("Not collected", str(bad.message_ids[:1].body))

    def test_revoked_mandate_collects_nothing_more(self) -> None:
        move = self.charge()
        self.mandate._revoke()
        self.assertFalse(self.contract.mandate_id)
        self.assertFalse(move._emobility_collect_by_debit(fields.Date.today()))
        with self.assertRaises(UserError):
            move.action_emobility_collect()

    def test_new_mandate_replaces_the_old_one(self) -> None:
        again = self._sign()
        self.assertEqual((self.mandate.state, again.state), ("cancel", "valid"))
        self.assertEqual(again.partner_bank_id, self.mandate.partner_bank_id)
