from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo import Command
from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.einvoice_common import Validator

from .common import HostCommon


@tagged("post_install", "-at_install")
class TestPassedOn(HostCommon):
    """F76: charging at home is outside the scope of VAT as far as it is reimbursed, and our margin is taxed."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.employer = cls._make_host("Employer Ltd", is_company=True, email="employer@example.com")
        cls.contract.invoice_partner_id = cls.employer
        cls.passed_on = cls.env.ref("emobility_host.product_passed_on")
        cls.energy = cls.env.ref("emobility_billing.product_energy")

    def _reimburse(self, **values: Any) -> Any:
        return self._make_agreement(
            relation="reimbursement", payer_id=self.employer.id, energy_source="flat", **values
        )

    def _sold(self, session: Any) -> Any:
        return session.cdr_ids.rating_ids.filtered(lambda rating: rating.relation == "retail")

    def _bill(self, session: Any) -> Any:
        move = self.env["emobility.invoicing"]._invoice(self._sold(session))
        move.action_post()
        return move

    def _amounts(self, record: Any, field: str) -> dict[Any, float]:
        return {line.product_id: line[field] for line in record}

    def test_f76_reimbursed_electricity_is_out_of_scope_and_the_margin_is_taxed(self) -> None:
        for mode, margin in (("gross", 1.85), ("net", 2.21)):
            with self.subTest(mode=mode), self.env.cr.savepoint() as savepoint:
                self.price_rule.tariff_id = self.gross_tariff if mode == "gross" else self._old_tariff("net")
                self._reimburse()
                session = self._session("P1", datetime(2026, 6, 3, 8), "10")
                self.assertEqual(self._sold(session).amount_total, 5.25, "the price is what it was")
                move = self._bill(session)
                lines = move.invoice_line_ids
                passed = lines.filtered(lambda line: line.product_id == self.passed_on)
                self.assertEqual((passed.quantity, passed.price_total, passed.tax_ids.amount), (10.0, 3.4, 0.0))
                self.assertIn("Outside the scope of VAT", passed.emobility_tax_reason)
                taxed = lines - passed
                self.assertEqual(set(taxed.tax_ids.mapped("amount")), {19.0})
                self.assertAlmostEqual(sum(taxed.mapped("price_total")), margin, 2)
                self.assertIn("harged in DE", taxed[0].emobility_tax_reason)
                savepoint.rollback()

    def test_f76_the_payer_never_pays_a_negative_service(self) -> None:
        agreement = self._reimburse()
        agreement.action_end()
        agreement.date_to = "2026-06-01"
        self._make_agreement(
            name="Dear", relation="reimbursement", payer_id=self.employer.id, energy_source="fixed",
            energy_price=0.9, date_from="2026-06-02",
        )  # fmt: skip
        rating = self._sold(self._session("P2", datetime(2026, 6, 3, 8), "10"))
        flat = self.env.ref("emobility_billing.product_flat")
        self.assertEqual(self._amounts(rating.line_ids, "amount"), {self.passed_on: 4.9, flat: 0.35})

    def test_f76_beyond_the_employers_cap_nothing_is_passed_on(self) -> None:
        self._reimburse(cap_kwh=15)
        first = self._session("P3", datetime(2026, 6, 3, 8), "10")
        second = self._session("P4", datetime(2026, 6, 4, 8), "10")
        third = self._session("P5", datetime(2026, 6, 5, 8), "10")
        parts = [
            self._amounts(self._sold(session).line_ids, "amount").get(self.passed_on, 0)
            for session in (first, second, third)
        ]
        self.assertEqual(parts, [3.4, 1.7, 0])
        self.assertEqual(self._run(datetime(2026, 6, 1).date()).settlement_ids.amount, 5.1, "as the host gets")

    def test_f76_a_credit_note_takes_both_parts_back(self) -> None:
        self._reimburse()
        session = self._session("P6", datetime(2026, 6, 3, 8), "10")
        move = self._bill(session)
        with self.running_jobs():
            session.cdr_ids.action_credit()
        credit = session.cdr_ids.rating_ids.move_id - move
        self.assertEqual(
            self._amounts(credit.invoice_line_ids, "price_total"), self._amounts(move.invoice_line_ids, "price_total")
        )

    def test_f76_an_agreement_of_later_splits_what_is_not_invoiced_yet(self) -> None:
        invoiced = self._session("P7", datetime(2026, 6, 3, 8), "10")
        move = self._bill(invoiced)
        waiting = self._session("P8", datetime(2026, 6, 4, 8), "10")
        self._reimburse()
        self._run(datetime(2026, 6, 1).date())
        self.assertNotIn(self.passed_on, move.invoice_line_ids.product_id)
        self.assertNotIn(self.passed_on, self._sold(invoiced).line_ids.product_id)
        self.assertIn(self.passed_on, self._sold(waiting).line_ids.product_id)

    def test_f76_a_host_with_vat_sells_its_electricity_and_nothing_is_passed_on(self) -> None:
        self.host.vat = "DE136695976"
        self.assertFalse(self._reimburse().is_passed_on)
        rating = self._sold(self._session("P9", datetime(2026, 6, 3, 8), "10"))
        self.assertNotIn(self.passed_on, rating.line_ids.product_id)

    def test_f76_the_e_invoice_of_both_parts_passes_en_16931(self) -> None:
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "DE02120300000000202051",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        self.company.write(
            {
                "country_id": self.env.ref("base.de").id,
                "vat": "DE123456788",
                "phone": "+49 89 123456",
                "email": "invoices@example.com",
                "bank_ids": [Command.link(bank.id)],
            }
        )
        self.employer.write({"vat": "DE136695976", "ref": "04011000-12345-34", "phone": "+49 30 98765"})
        self._reimburse()
        move = self._bill(self._session("P10", datetime(2026, 6, 3, 8), "11.337"))
        validator = Validator()
        self.addCleanup(validator.close)
        for builder, rules in (("account.edi.xml.ubl_bis3", "ubl"), ("account.edi.xml.cii", "cii")):
            with self.subTest(builder=builder):
                xml, errors = self.env[builder]._export_invoice(move)
                self.assertFalse(errors)
                self.assertEqual(validator.violations(xml, rules), [])
