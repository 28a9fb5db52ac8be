from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models import payment_provider
from .common import AdhocCommon

HEAD = "payout,date,id,reference,type,amount,fee"


@tagged("post_install", "-at_install")
class TestPayout(AdhocCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.currency_id = cls.euro

    def setUp(self) -> None:
        super().setUp()
        for store in (self.psp.balance, self.psp.payouts):
            store.clear()
        self.adhoc = self.paid()
        self.charge(self.adhoc)
        self.reference = self.adhoc.transaction_id.reference

    def take_in(self, *lines: str) -> Any:
        text = "\n".join((HEAD, *lines))
        wizard = self.env["emobility.payout.import"].create(
            {"provider_id": self.stripe.id, "file": base64.b64encode(text.encode())}
        )
        wizard.action_import()
        return self.env["emobility.payout"].search([("provider_id", "=", self.stripe.id)])

    def differences(self, *lines: str) -> list[str | bool]:
        return self.take_in(*lines).line_ids.mapped("difference")

    def test_payout_from_the_provider_fits_to_session_charge_and_receipt(self) -> None:
        self.psp.pay_out()
        wizard = self.env["emobility.payout.import"].create({"provider_id": self.stripe.id, "source": "provider"})
        for _time in range(2):
            wizard.action_import()
        payout = self.env["emobility.payout"].search([("provider_id", "=", self.stripe.id)])
        self.assertEqual((payout.amount, payout.fee, payout.net, payout.difference_count), (5.9, 0.33, 5.57, 0))
        line = payout.line_ids
        self.assertEqual((line.adhoc_id, line.session_id, line.move_id),
                         (self.adhoc, self.adhoc.session_id, self.adhoc.move_id))  # fmt: skip
        self.assertEqual(line.transaction_id.source_transaction_id, self.adhoc.transaction_id)

    def test_payouts_and_movements_of_many_pages_are_all_fetched(self) -> None:
        for number in range(3):
            other = self.paid()
            self.charge(other, ago=300 + 100 * number)
            self.psp.pay_out()
        with patch.object(payment_provider, "PAGE", 1):
            told = {name: len(rows) for name, _day, _currency, rows in self.stripe._emobility_payouts()}
        self.assertEqual(sorted(told.values()), [1, 1, 2])

    def test_payout_from_a_file_is_compared_in_the_same_way(self) -> None:
        self.assertEqual(self.differences(f"po1,2026-01-31,t1,{self.reference},charge,5.90,0.33"), [False])

    def test_each_difference_is_named(self) -> None:
        found = self.differences(
            "po1,2026-01-31,t1,NOBODY,charge,5.90,0.10",
            f"po1,2026-01-31,t2,{self.reference},charge,9.90,0.10",
            "po1,2026-01-31,t3,,adjustment,-2.00,0",
        )
        self.assertEqual(found, ["unknown", "amount", "other"])

    def test_charge_that_is_paid_out_twice_is_found(self) -> None:
        found = self.differences(
            f"po1,2026-01-31,t1,{self.reference},charge,5.90,0.33",
            f"po2,2026-02-01,t2,{self.reference},charge,5.90,0.33",
        )
        self.assertIn("twice", found)

    def test_receipt_that_is_not_paid_is_found(self) -> None:
        self.adhoc.move_id.line_ids.remove_move_reconcile()
        self.assertEqual(self.differences(f"po1,2026-01-31,t1,{self.reference},charge,5.90,0.33"), ["receipt"])

    def test_refund_belongs_to_the_charge(self) -> None:
        with self.running_jobs():
            self.adhoc._captures("done")._refund(2.0)
        self.assertEqual(self.differences(f"po1,2026-01-31,t1,{self.reference},refund,-2.00,0"), [False])

    def test_charge_that_is_never_paid_out_is_found(self) -> None:
        payouts = self.env["emobility.payout"]
        self.assertFalse(payouts._missing(self.stripe))
        capture = self.adhoc._captures("done")
        capture.last_state_change = fields.Datetime.now() - timedelta(days=8)
        self.assertEqual(payouts._missing(self.stripe), capture)
        self.take_in(f"po1,2026-01-31,t1,{self.reference},charge,5.90,0.33")
        self.assertFalse(payouts._missing(self.stripe))

    def test_file_that_cannot_be_read_is_refused_whole(self) -> None:
        for line in ("po1,31.01.2026,t1,X,charge,5.90,0", "po1,2026-01-31,t1,X,charge,a lot,0", "po1"):
            with self.subTest(line=line), self.assertRaises(UserError):
                self.take_in("po1,2026-01-31,t0,X,charge,1,0", line)
        self.assertFalse(self.env["emobility.payout"].search([("provider_id", "=", self.stripe.id)]))
