from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models import tariff_replay
from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestTariffReplay(ChargingCommon):
    def _replay(self, **values: Any) -> Any:
        version = self._make_tariff("NEW", {"ENERGY": 0.59}).version_ids
        return self.env["emobility.tariff.replay"].create(
            {"version_id": version.id, "date_from": "2026-03-01", "date_to": "2026-04-01", **values}
        )

    def _charge(self, count: int, day: int = 1, **values: Any) -> None:
        for index in range(count):
            start = datetime(2026, 3, day, 10, tzinfo=UTC) + timedelta(days=index)
            self.ingest(self.events(f"P{day}-{index}", start, **values))

    def _run(self, replay: Any) -> None:
        with self.running_jobs():
            replay.action_start()

    def test_replay_shows_old_and_new_total_and_changes_nothing(self) -> None:
        self._charge(3)
        ratings = self.env["emobility.rating"].search([])
        before = ratings.mapped("amount_total")
        replay = self._replay()
        self._run(replay)
        self.assertEqual((replay.state, replay.cdr_count, replay.progress), ("done", 3, 100.0))
        self.assertAlmostEqual(replay.old_total, 14.7)
        self.assertAlmostEqual(replay.new_total, 17.7)
        self.assertAlmostEqual(replay.difference, 3.0)
        self.assertEqual(ratings.mapped("amount_total"), before)

    def test_differences_are_told_by_customer_group(self) -> None:
        group = self.env["emobility.customer.group"].create(
            {"name": "Fleet", "code": "FLEET", "company_id": self.company.id}
        )
        self.driver.customer_group_id = group
        self._charge(2)
        replay = self._replay()
        self._run(replay)
        self.assertEqual(replay.result_ids.customer_group_id, group)
        self.assertEqual(replay.result_ids.mapped("difference"), [1.0, 1.0])

    def test_only_the_period_and_the_same_kind_of_prices_count(self) -> None:
        self._charge(1)
        self.ingest(self.events("OTHER", datetime(2026, 2, 28, 10, tzinfo=UTC)))
        replay = self._replay()
        self._run(replay)
        self.assertEqual(replay.cdr_count, 1)
        replay = self.env["emobility.tariff.replay"].create(
            {
                "version_id": self._make_tariff("NET", {"ENERGY": 0.5}, mode="net").version_ids.id,
                "date_from": "2026-03-01",
                "date_to": "2026-04-01",
            }
        )
        with self.assertRaisesRegex(UserError, "no sessions"):
            replay.action_start()

    def test_f79_replay_goes_on_after_an_interruption_between_batches(self) -> None:
        self._charge(3)
        replay = self._replay()
        with patch.object(tariff_replay, "BATCH", 2):
            replay.action_start()
            replay.sudo()._run_batch()
            self.assertEqual((replay.state, round(replay.progress)), ("running", 67))
            replay.sudo()._run_batch()
            self.assertEqual((replay.state, replay.progress), ("done", 100.0))
            replay.sudo()._run_batch()
        self.assertEqual(replay.cdr_count, 3)

    def test_a_session_that_cannot_be_priced_is_counted_and_left_out_of_both_totals(self) -> None:
        self._charge(2)
        replay = self._replay()
        replay.action_start()
        broken = replay.result_ids[0].cdr_id.sudo()
        broken._as_system().facts = {**broken.facts, "energy_kwh": "many"}
        replay.sudo()._run_batch()
        self.assertEqual(replay.error_count, 1)
        self.assertAlmostEqual(replay.old_total, 4.9)
        self.assertAlmostEqual(replay.new_total, 5.9)

    def test_product_manager_makes_a_version_and_replays_the_sessions_with_it(self) -> None:
        self._charge(1)
        manager = self._make_user("replay_product", "emobility_crm.group_product_manager")
        version = self.env["emobility.tariff.version"].browse(
            self.tariff.version_ids.with_user(manager).action_new_version()["res_id"]
        )
        replay = (
            self.env["emobility.tariff.replay"]
            .with_user(manager)
            .create({"version_id": version.id, "date_from": "2026-03-01", "date_to": "2026-04-01"})
        )
        self._run(replay)
        self.assertEqual((replay.state, replay.cdr_count, replay.error_count), ("done", 1, 0))
        for model in ("emobility.tariff", "emobility.tariff.version", "emobility.tariff.replay"):
            with self.subTest(model=model):
                arch = self.env[model].with_user(manager).get_view(False, "form")["arch"]
                buttons = {"emobility.tariff.replay": "action_start"}
                self.assertIn(buttons.get(model, "action_new_version"), arch)

    def test_clerk_cannot_start_a_replay(self) -> None:
        self._charge(1)
        clerk = self._make_user("replay_clerk", "emobility_crm.group_user")
        with self.assertRaises(UserError):
            self._replay().with_user(clerk).action_start()
