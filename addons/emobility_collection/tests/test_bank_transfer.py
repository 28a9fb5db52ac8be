from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from ..models.account_bank_statement_line import references
from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestBankTransfer(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company._emobility_set_up_references()

    def _transfer(self, text: str, amount: float) -> Any:
        return self.env["account.bank.statement.line"].create(
            {"journal_id": self.bank.id, "payment_ref": text, "amount": amount, "date": "2026-01-05"}
        )

    def test_reference_is_found_between_other_words_and_spaces(self) -> None:
        self.assertIn("RF18 5390 0754 7034", references("Thanks RF185390 0754 7034 Dana"))
        self.assertEqual(references("RF19 5390 0754 7034"), ["RF19 5390 0754 7034"])

    def test_transfer_with_the_creditor_reference_pays_the_invoice(self) -> None:
        move = self.open_invoice()
        self.assertTrue(move.payment_reference.startswith("RF"))
        line = self._transfer(f"Charging {move.payment_reference} thank you", 100.0)
        self.assertTrue(line.is_reconciled)
        self.assertEqual((move.payment_state, line.partner_id), ("paid", self.driver))

    def test_partial_transfer_leaves_the_rest_open_and_a_larger_one_a_credit(self) -> None:
        move = self.open_invoice()
        self._transfer(move.payment_reference, 40.0)
        self.assertEqual((move.payment_state, move.amount_residual), ("partial", 60.0))
        self._transfer(move.payment_reference, 100.0)
        self.assertEqual(move.payment_state, "paid")
        self.assertEqual(self.driver.with_company(self.company).credit, -40.0)

    def test_transfer_without_a_known_reference_is_left_to_a_person(self) -> None:
        self.open_invoice()
        line = self._transfer("RF18 5390 0754 7034", 100.0)
        self.assertFalse(line.is_reconciled)
        line.action_emobility_match()
        self.assertFalse(line.is_reconciled)

    def test_outgoing_transfer_pays_no_invoice(self) -> None:
        move = self.open_invoice()
        self._transfer(move.payment_reference, -100.0)
        self.assertEqual(move.payment_state, "not_paid")
