from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

from odoo import Command
from odoo.tests import freeze_time, tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
@freeze_time("2026-03-01 06:00:00")
class TestOneInvoice(ChargedCommon):
    """Fees and sessions on one invoice, and one invoice for all contracts of a company."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # A fee is in the currency of its contract: it can join sessions in the same currency only.
        cls.company.currency_id = cls.euro

    def _fee(self, contract: Any, price: float = 4.9, **values: Any) -> Any:
        """A monthly fee, due on the last day of each month from February on."""
        product = self.env["product.product"].create(
            {"name": "Base fee", "type": "service", "taxes_id": [Command.set(self.tax.ids)]}
        )
        contract.write(
            {
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "name": "Base fee #START# to #END#",
                            "quantity": 1.0,
                            "price_unit": price,
                            "specific_price": price,
                            "date_start": "2026-02-01",
                            "recurring_rule_type": "monthlylastday",
                            "recurring_interval": 1,
                            "recurring_invoicing_type": "post-paid",
                            **values,
                        }
                    )
                ],
            }
        )
        return contract.contract_line_ids

    def _session(self, uid: str, day: int, token: str = "04A1B2C3", kwh: str = "5", hour: int = 10) -> Any:
        start = datetime(2026, 2, day, hour, tzinfo=UTC)
        return self.ingest(self.events(uid, start, minutes=30, kwh=kwh, token_uid=token))

    def _fleet(self) -> tuple[Any, Any]:
        """A company that pays two contracts; cards with drivers and cost centres."""
        company = self.env["res.partner"].create(
            {"name": "Fleet Ltd", "is_company": True, "email": "fleet@example.com", "emobility_one_invoice": True}
        )
        contracts = self.env["contract.contract"]
        for number, cost_centre in enumerate(("Sales", "Service")):
            driver = self.env["res.partner"].create({"name": f"Driver {number}", "parent_id": company.id})
            contract = self._make_contract(company, f"FLEET{number}")
            contract.token_ids.write({"partner_id": driver.id, "cost_centre": cost_centre})
            contracts |= contract
        for number in range(4):
            self._session(f"F{number}", 3 + number, f"FLEET{number % 2}", "5" if number % 2 else "7")
        return company, contracts

    def test_base_fee_and_sessions_are_on_one_invoice_and_add_up(self) -> None:
        for mode, total in (("gross", "amount_total"), ("net", "amount_untaxed")):
            with self.subTest(mode=mode), self.env.cr.savepoint() as savepoint:
                self.price_rule.tariff_id = self.gross_tariff if mode == "gross" else self._old_tariff("net")
                self._fee(self.contract)
                self._session("S1", 3)
                self._session("S2", 4, kwh="7.123")
                move = self.run_billing(auto_collect=False).line_ids.move_ids
                fee = move.invoice_line_ids.filtered("contract_line_id")
                self.assertEqual(len(move), 1)
                self.assertEqual(fee.name, "Base fee 02/01/2026 to 02/28/2026")
                amount = fee.price_total if mode == "gross" else fee.price_subtotal
                self.assertAlmostEqual(move[total], sum(move.rating_ids.mapped("amount_total")) + amount, 2)
                annex = move._emobility_annex()
                self.assertEqual((annex.other_amount, annex.difference), (amount, 0))
                savepoint.rollback()

    def test_fee_is_invoiced_once_however_often_is_billed(self) -> None:
        line = self._fee(self.contract)
        self._session("S1", 3)
        self.run_billing(auto_collect=False)
        self.assertEqual(line.last_date_invoiced, date(2026, 2, 28))
        self._session("S2", 4)
        again = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertFalse(again.invoice_line_ids.filtered("contract_line_id"))

    def test_contract_without_sessions_gets_its_fee(self) -> None:
        self._fee(self.contract)
        run = self.run_billing()
        self.assertEqual((run.state, run.line_count), ("done", 1))
        move = run.line_ids.move_ids
        self.assertEqual((move.state, move.emobility_contract_id), ("posted", self.contract))
        self.assertAlmostEqual(move.amount_untaxed, 4.9)

    def test_scheduled_job_of_contracts_leaves_these_fees_to_the_run(self) -> None:
        self._fee(self.contract)
        contracts = self.env["contract.contract"]
        due = contracts.search(contracts._get_contracts_to_invoice_domain(date(2026, 3, 1)))
        self.assertNotIn(self.contract, due)
        self.company.emobility_fees_with_usage = False
        due = contracts.search(contracts._get_contracts_to_invoice_domain(date(2026, 3, 1)))
        self.assertIn(self.contract, due)
        self.assertFalse(self.run_billing().line_ids)

    def test_late_session_has_the_price_of_its_day(self) -> None:
        tariff = self._make_tariff("two", {"ENERGY": 0.4}, valid_from="2020-01-01", valid_to="2026-02-10")
        tariff.version_ids.copy({"tariff_id": tariff.id, "valid_from": "2026-02-10", "valid_to": False})
        tariff.version_ids.sorted("valid_from")[-1].element_ids.component_ids.price = 0.6
        self.price_rule.tariff_id = tariff
        late = self._session("LATE", 9)
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertEqual(late.cdr_ids.rating_ids.line_ids.mapped("unit_price"), [0.4])
        self.assertAlmostEqual(move.amount_total, 2.0)
        self._session("NOW", 11)
        self.assertAlmostEqual(self.run_billing(auto_collect=False).line_ids.move_ids.amount_total, 3.0)

    def test_invoice_with_only_a_fee_has_the_document_and_the_numbers_of_the_brand(self) -> None:
        journal = self.company_data["default_journal_sale"].copy({"code": "CITY"})
        brand = self.env["emobility.brand"].create(
            {"name": "City Power", "company_id": self.company.id, "primary_color": "#aa2200", "journal_id": journal.id}
        )
        self.contract.emobility_brand_id = brand
        fee = self._fee(self.contract)
        by_run = self.run_billing().line_ids.move_ids
        self.assertEqual(fee.last_date_invoiced, by_run.invoice_line_ids.emobility_period_to)
        self.contract.billing_trigger = "session"
        fee.recurring_next_date = "2026-03-01"
        by_contract = self.contract._recurring_create_invoice()
        self.assertTrue(by_contract, "OCA's own job")
        credit = by_run._reverse_moves()
        for move, period in (
            (by_run, "02/01/2026 – 02/28/2026"),
            (by_contract, by_contract._emobility_service_period()),
            (credit, "02/01/2026 – 02/28/2026"),
        ):
            self.assertEqual((move.emobility_brand_id, move.journal_id), (brand, journal))
            html = self.env["ir.actions.report"]._render_qweb_html("account.account_invoices", move.ids)[0].decode()
            for part in ("City Power", "--brand: #aa2200", "ci-title", period, self.contract.name):
                self.assertIn(part, html)
            self.assertNotIn("ci-sessions", html)

    def test_reaching_the_threshold_invoices_at_once(self) -> None:
        self.contract.write({"billing_trigger": "threshold", "billing_threshold": 4.0})
        self._session("S1", 3)
        self.assertFalse(self.contract.emobility_session_ids.cdr_ids.rating_ids.move_id)
        self._session("S2", 4)
        move = self.contract.emobility_session_ids.cdr_ids.rating_ids.move_id
        self.assertEqual((len(move.rating_ids), move.state), (2, "posted"))

    def test_company_gets_one_invoice_for_all_its_contracts(self) -> None:
        company, contracts = self._fleet()
        self._fee(contracts[1])
        run = self.run_billing()
        self.assertEqual(run.line_count, 1)
        move = run.line_ids.move_ids
        self.assertEqual((move.partner_id, move.emobility_contract_id), (company, contracts[0]))
        self.assertEqual(move.rating_ids.contract_id, contracts)
        fee = move.invoice_line_ids.filtered("contract_line_id")
        rated = sum(move.rating_ids.mapped("amount_total"))
        self.assertAlmostEqual(move.amount_total, rated + fee.price_total, 2)

    def test_annex_has_sections_with_subtotals(self) -> None:
        company, _contracts = self._fleet()
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        for wanted, titles in (
            ("cost_centre", ["Sales", "Service"]),
            ("driver", ["Driver 0", "Driver 1"]),
            ("both", ["Sales · Driver 0", "Service · Driver 1"]),
        ):
            with self.subTest(wanted=wanted):
                company.emobility_sections = wanted
                annex = move._emobility_annex()
                self.assertEqual([section.title for section in annex.sections], titles)
                self.assertEqual([section.energy_kwh for section in annex.sections], [14, 10])
                self.assertAlmostEqual(sum(section.amount for section in annex.sections), move.amount_total, 2)
                self.assertEqual([row.number for row in annex.rows], [1, 2, 3, 4])
        html = self.env["ir.actions.report"]._render_qweb_html("account.account_invoices", move.ids)[0].decode()
        self.assertIn("Sales · Driver 0", html)
        move.action_post()
        rows = list(csv.reader(io.StringIO(move._emobility_annex_file("csv")[1].decode("utf-8-sig"))))
        self.assertEqual([row[6:8] for row in rows[1:3]], [["Sales", "Driver 0"]] * 2)
        self.assertAlmostEqual(sum(float(row[-1]) for row in rows[1:-1]), move.amount_total, 2)

    def test_lines_by_cost_centre(self) -> None:
        company, _contracts = self._fleet()
        company.emobility_lines_by_cost_centre = True
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertEqual(len(move.invoice_line_ids), 4, "energy and start fee of each")
        sales = move.invoice_line_ids.filtered(lambda line: line.name.startswith("Sales, "))
        self.assertEqual(len(sales), 2)
        self.assertAlmostEqual(move.amount_total, sum(move.rating_ids.mapped("amount_total")), 2)

    def test_amount_in_words_where_it_is_asked_for(self) -> None:
        self._session("S1", 3)
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertIsNone(move._emobility_total_in_words())
        self.driver.emobility_amount_in_words = True
        self.assertAlmostEqual(move.amount_total, 2.8)
        self.assertEqual(move._emobility_total_in_words(), "Two Euros and Eighty Cents")
        html = self.env["ir.actions.report"]._render_qweb_html("account.account_invoices", move.ids)[0].decode()
        self.assertIn("Two Euros and Eighty Cents", html)
