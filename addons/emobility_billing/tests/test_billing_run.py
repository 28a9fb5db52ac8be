from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import format_date

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestBillingRun(ChargingCommon):
    def charge(self, count: int, *, token: str = "04A1B2C3", seed: int = 1, prefix: str = "R") -> None:
        """So many sessions, one after the other, of random energy and length."""
        generator = random.Random(seed)
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
        events = []
        for number in range(count):
            minutes = generator.randint(35, 55)
            kwh = f"{generator.uniform(0.2, 12):.3f}"
            events += self.events(f"{prefix}{number}", start, minutes=minutes, kwh=kwh, token_uid=token)
            start += timedelta(minutes=60)
        sessions = self.ingest(events)
        self.assertEqual(set(sessions.mapped("state")), {"done"}, sessions.hold_ids.mapped("evidence_text"))

    def test_run_makes_one_invoice_for_each_contract(self) -> None:
        other = self._make_contract(self.env["res.partner"].create({"name": "Other"}), "OTHER1")
        self.charge(3)
        events = self.events("O1", datetime.now(UTC) - timedelta(days=9), token_uid="OTHER1")
        self.ingest(events)
        run = self.run_billing(auto_collect=False)
        self.assertEqual(run.state, "done")
        self.assertEqual((run.line_count, run.move_count, run.progress), (2, 2, 100))
        moves = run.line_ids.move_ids
        self.assertEqual(moves.emobility_contract_id, self.contract | other)
        self.assertEqual(set(moves.mapped("state")), {"draft"})

    def test_run_posts_and_mails_when_asked(self) -> None:
        self.charge(1)
        move = self.run_billing().line_ids.move_ids
        self.assertEqual(move.state, "posted")
        self.assertTrue(move.is_move_sent)

    def test_f70_gross_invoice_total_is_the_sum_of_its_sessions(self) -> None:
        self._check_total_of_many_sessions("gross", "amount_total")

    def test_f70_net_invoice_untaxed_total_is_the_sum_of_its_sessions(self) -> None:
        self._check_total_of_many_sessions("net", "amount_untaxed")

    def _check_total_of_many_sessions(self, mode: str, total: str) -> None:
        generator = random.Random(mode)
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            for attempt in range(2):
                with self.subTest(rounding=rounding, attempt=attempt), self.env.cr.savepoint() as savepoint:
                    prices = {
                        "ENERGY": round(generator.uniform(0.1, 0.9), 4),
                        "TIME": round(generator.uniform(0.1, 3), 4),
                        "FLAT": round(generator.uniform(0, 1), 2),
                    }
                    self.rule.tariff_id = self._make_tariff(f"P{rounding}{attempt}", prices, mode=mode)
                    self.charge(9, seed=attempt, prefix=f"P{attempt}-")
                    move = self.run_billing(auto_collect=False).line_ids.move_ids
                    self.assertEqual(len(move.rating_ids), 9)
                    expected = sum(move.rating_ids.mapped("amount_total"))
                    self.assertEqual(move.currency_id.compare_amounts(move[total], expected), 0, prices)
                    energy = move.invoice_line_ids.filtered(
                        lambda line: line.product_id == self.env.ref("emobility_billing.product_energy")
                    )
                    self.assertAlmostEqual(energy.quantity, sum(move.rating_ids.mapped("energy_kwh")), 3)
                    self.assertEqual(
                        set(move.invoice_line_ids.tax_ids.mapped("price_include")), {mode == "gross"}
                    )
                    savepoint.rollback()
                    self.env.invalidate_all(flush=False)

    def test_tariff_price_is_kept_on_the_line_where_it_gives_the_amount(self) -> None:
        self.ingest(self.events(kwh="10"))
        line = self.run_billing(auto_collect=False).line_ids.move_ids.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit), (10.0, 0.49))

    def test_tax_twin_posts_like_its_original_and_is_made_once(self) -> None:
        twin = self.tax._emobility_variant(included=True)
        self.assertTrue(twin.price_include)
        self.assertEqual(twin._emobility_postings(), self.tax._emobility_postings())
        self.assertEqual(self.tax._emobility_variant(included=True), twin)
        self.assertEqual(self.tax._emobility_variant(included=False), self.tax)
        self.assertEqual(twin._emobility_variant(included=False), self.tax)

    def test_f76_country_of_the_location_decides_the_tax(self) -> None:
        france = self.env.ref("base.fr")
        french = self.env["account.tax"].create(
            {
                "name": "20% FR",
                "amount": 20,
                "type_tax_use": "sale",
                "company_id": self.company.id,
                "price_include_override": "tax_excluded",
                "tax_group_id": self.tax.tax_group_id.id,
            }
        )
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Charging in France",
                "country_id": france.id,
                "auto_apply": True,
                "company_id": self.company.id,
                "sequence": 1,
            }
        )
        french.write(
            {
                "fiscal_position_ids": [Command.set(position.ids)],
                "original_tax_ids": [Command.set(self.tax.ids)],
            }
        )
        abroad = self.location.copy({"country_id": france.id, "code": "FR1"})
        evse = self.env["emobility.evse"].create({"uid": "FR-1", "location_id": abroad.id})
        connector = self.env["emobility.connector"].create(
            {"evse_id": evse.id, "code": "1", "max_power_kw": 22}
        )
        self.ingest(self.events("HOME"))
        self.ingest(self.events("AWAY", evse_id=evse.id, connector_id=connector.id))
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertEqual(sorted(move.invoice_line_ids.tax_ids.mapped("amount")), [19, 20])
        self.assertAlmostEqual(move.amount_total, 9.80)

    def test_rating_is_invoiced_at_most_once(self) -> None:
        self.charge(2)
        run = self.run_billing(auto_collect=False)
        ratings = run.line_ids.rating_ids
        self.assertFalse(self.env["emobility.invoicing"]._invoice(ratings))
        with self.running_jobs():
            run._run_chunk(run.line_ids.ids)
        self.assertEqual(len(ratings.move_id), 1)
        self.assertFalse(self.run_billing(auto_collect=False).line_ids)

    def test_f77_sessions_after_the_snapshot_wait_for_the_next_run(self) -> None:
        self.charge(1)
        run = self.env["emobility.billing.run"].create(
            {
                "company_id": self.company.id,
                "date_to": fields.Date.today() + timedelta(days=1),
                "auto_collect": False,
            }
        )
        run.action_prepare()
        self.ingest(self.events("LATE", datetime.now(UTC) - timedelta(hours=4)))
        with self.running_jobs():
            run.action_start()
        self.assertEqual(run.line_ids.rating_count, 1)
        self.assertEqual(len(run.line_ids.move_ids.rating_ids), 1)

    def test_f79_error_of_one_contract_stops_no_other_and_can_be_retried(self) -> None:
        broken = self._make_contract(self.env["res.partner"].create({"name": "Broken"}), "BROKEN")
        self.charge(1)
        self.ingest(self.events("B1", datetime.now(UTC) - timedelta(days=9), token_uid="BROKEN"))
        original = type(self.env["emobility.invoicing"])._move_values

        def fail(model, ratings, *args):
            if ratings.contract_id == broken:
                raise UserError("No account for this customer.")  # pylint: disable=translation-required
            return original(model, ratings, *args)

        with patch.object(type(self.env["emobility.invoicing"]), "_move_values", fail):
            run = self.run_billing(auto_collect=False)
        self.assertEqual((run.state, run.error_count, run.move_count), ("error", 1, 1))
        line = run.line_ids.filtered(lambda one: one.state == "error")
        self.assertEqual((line.contract_id, line.error), (broken, "No account for this customer."))
        self.assertEqual(line.rating_ids.state, "open")
        with self.running_jobs():
            run.action_retry()
        self.assertEqual((run.state, run.error_count, run.move_count), ("done", 0, 2))

    def test_f31_late_session_of_a_closed_month_is_in_the_next_run(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=70)
        self.ingest(self.events("OLD", start))
        move = self.run_billing(auto_collect=False).line_ids.move_ids
        day = format_date(self.env, (start + timedelta(hours=1)).astimezone(ZoneInfo("Europe/Berlin")).date())
        self.assertIn(day, move.invoice_line_ids.name)

    def test_deleted_draft_gives_its_ratings_back(self) -> None:
        self.charge(1)
        run = self.run_billing(auto_collect=False)
        rating = run.line_ids.rating_ids
        run.line_ids.move_ids.unlink()
        self.assertEqual((rating.state, rating.move_id.id), ("open", False))
        self.assertTrue(self.run_billing(auto_collect=False).line_ids.move_ids)

    def test_gross_and_net_tariffs_of_one_contract_get_an_invoice_each(self) -> None:
        self.ingest(self.events("G"))
        self.rule.tariff_id = self._make_tariff("NET", {"ENERGY": 0.4}, mode="net")
        self.ingest(self.events("N", datetime.now(UTC) - timedelta(days=1)))
        moves = self.run_billing(auto_collect=False).line_ids.move_ids
        self.assertEqual(len(moves), 2)

    def test_trigger_chooses_the_contracts(self) -> None:
        self.charge(1)
        self.assertFalse(self.run_billing(billing_trigger="weekly").line_ids)
        self.assertTrue(self.run_billing(billing_trigger="monthly").line_ids)

    def test_started_run_cannot_be_deleted_or_prepared_again(self) -> None:
        self.charge(1)
        run = self.run_billing(auto_collect=False)
        with self.assertRaises(UserError):
            run.action_prepare()
        with self.assertRaises(UserError):
            run.unlink()
