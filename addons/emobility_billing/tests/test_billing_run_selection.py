from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestBillingRunSelection(ChargingCommon):
    """What a run takes, what it shows before, and how it is stopped."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.group = cls.env["emobility.customer.group"].create({"name": "Fleet", "code": "FLEET-SEL"})
        cls.fleet = cls.env["res.partner"].create({"name": "Fleet", "customer_group_id": cls.group.id})
        cls.fleet_contract = cls._make_contract(cls.fleet, "FLEET1")

    def setUp(self) -> None:
        super().setUp()
        self.day = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
        self.ingest(self.events("D1", self.day, kwh="10"))
        self.ingest(self.events("F1", self.day - timedelta(hours=3), kwh="20", token_uid="FLEET1"))

    def _prepared(self, **values: Any) -> Any:
        values = {"date_to": date.today() + timedelta(days=1), "company_id": self.company.id, **values}
        run = self.env["emobility.billing.run"].create({"auto_collect": False, **values})
        run.action_prepare()
        return run

    def test_the_preview_says_what_each_contract_will_be_invoiced(self) -> None:
        run = self._prepared()
        preview = {line.contract_id: (line.rating_count, line.rated_amount) for line in run.line_ids}
        self.assertEqual(preview, {self.contract: (1, 4.9), self.fleet_contract: (1, 9.8)})
        self.assertFalse(run.line_ids.move_ids)
        with self.running_jobs():
            run.action_start()
        for line in run.line_ids:
            self.assertAlmostEqual(line.amount_total, line.rated_amount, 2)

    def test_the_preview_says_what_is_held_and_why(self) -> None:
        session = self.ingest(self.events("H1", self.day - timedelta(hours=8), kwh="400"))
        self.assertEqual(self.hold_reasons(session), ["implausible_energy"])
        run = self._prepared()
        self.assertEqual(run.held_count, 1)
        self.assertIn("1 × More energy than the connector can deliver", run.held_summary)
        self.assertEqual(
            self.env["emobility.hold"].search(run.action_open_held()["domain"]).session_id, session
        )
        self.assertEqual(self._prepared(payer_ids=[Command.set(self.fleet.ids)]).held_count, 0)

    def test_a_customer_group_or_payers_choose_what_is_billed(self) -> None:
        by_group = self._prepared(customer_group_id=self.group.id)
        self.assertEqual(by_group.line_ids.contract_id, self.fleet_contract)
        by_payer = self._prepared(payer_ids=[Command.set(self.driver.ids)])
        self.assertEqual(by_payer.line_ids.contract_id, self.contract)

    def test_f31_late_sessions_can_be_billed_alone(self) -> None:
        self.ingest(self.events("LATE", self.day - timedelta(days=60), kwh="5"))
        late = self._prepared(late_only=True)
        self.assertEqual(late.line_ids.rating_ids.session_id.mapped("uid"), ["LATE"])
        self.assertEqual(set(self._prepared().line_ids.rating_ids.session_id.mapped("uid")), {"D1", "F1"})

    def test_a_paused_run_makes_no_invoice_until_it_is_resumed(self) -> None:
        run = self._prepared()
        with trap_jobs():
            run.action_start()
        run.action_pause()
        run._run_chunk(run.line_ids.ids)
        self.assertEqual((run.state, run.progress), ("paused", 0))
        self.assertFalse(run.line_ids.move_ids)
        with self.running_jobs():
            run.action_resume()
        self.assertEqual((run.state, run.progress), ("done", 100))
        self.assertEqual(len(run.line_ids.move_ids), 2)

    def test_only_a_running_run_is_paused_and_only_a_paused_one_resumed(self) -> None:
        run = self._prepared()
        for action in (run.action_pause, run.action_resume):
            with self.assertRaises(UserError):
                action()

    def test_f74_the_company_decides_on_invoices_of_zero(self) -> None:
        free = self._make_contract(self.env["res.partner"].create({"name": "Free"}), "FREE1")
        self.rule.tariff_id = self._make_tariff("FREE", {"ENERGY": 0})
        for wanted, moves, state in ((True, 1, "invoiced"), (False, 0, "free")):
            with self.subTest(wanted=wanted):
                self.company.emobility_zero_invoices = wanted
                at = self.day - timedelta(days=4 + wanted)
                session = self.ingest(self.events(f"FREE{wanted}", at, token_uid="FREE1"))
                run = self._prepared(payer_ids=[Command.set(free.partner_id.ids)])
                with self.running_jobs():
                    run.action_start()
                self.assertEqual(run.state, "done")
                self.assertEqual(len(run.line_ids.move_ids), moves)
                self.assertEqual(session.cdr_ids.rating_ids.state, state)
                self.assertFalse(self._prepared(payer_ids=[Command.set(free.partner_id.ids)]).line_ids)
