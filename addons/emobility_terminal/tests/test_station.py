"""Terminals that are built into stations (OCPP 2.1): who paid there, and what was taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.common import stamp
from odoo.addons.queue_job.tests.common import trap_jobs

from .common import TerminalCommon

REFERENCE = "psp-4711"


@tagged("post_install", "-at_install")
class TestStationTerminal(TerminalCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.adhoc_hold_max = 100.0
        cls.station.ocpp_version = "2.1"

    def charged(self, kwh: str = "10", *, end: bool = True, reference: str = REFERENCE) -> Any:
        """The driver pays at the station, and charges; returns the ad-hoc session."""
        now = datetime.now(UTC).replace(microsecond=0)
        start = self.starts.setdefault("CS-direct", now - timedelta(minutes=120))
        first, last = self.events("CS-direct", start, kwh=kwh, minutes=60, token_uid=reference,
                                  token_type="AD_HOC_USER", unplug=False)  # fmt: skip
        if not end:
            at = start + timedelta(minutes=30)
            last = self.event("CS-direct", "meter", at, {"readings": [{"at": stamp(at), "energy_kwh": "1002"}]})
        self.ingest([first | {"uid": "CS-direct-started"}, last])
        return self.env["emobility.session"].search([("uid", "=", "CS-direct")])

    def settle(self, amount: str = "5.90", status: str = "Settled", *, minute: int = 0, **values: Any) -> None:
        payload = {"reference": REFERENCE, "status": status, "amount": amount, "session_uid": "CS-direct",
                   "receipt_id": "R-1", **values}  # fmt: skip
        with self.running_jobs():
            self.station._apply_settlement(datetime(2026, 1, 1, 12, minute), payload)

    def built_in(self) -> Any:
        return self.env["emobility.terminal"].search([("station_id", "=", self.station.id)])

    def test_session_that_was_paid_at_the_station_is_billed_and_settled(self) -> None:
        session = self.charged()
        adhoc = session.adhoc_id
        self.assertEqual((adhoc.state, adhoc.amount_due, adhoc.terminal_id), ("ended", 5.9, self.built_in()))
        self.assertEqual(adhoc.transaction_id.state, "authorized")
        self.settle()
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attention), ("settled", 5.9, False))
        self.assertEqual(adhoc.move_id.payment_state, "paid")
        self.assertIn("R-1", adhoc.move_id.narration)
        self.assertEqual(self.command(adhoc), self.command(adhoc).browse(), "nothing is started remotely")

    def test_settlement_that_comes_before_the_cost_is_known_waits_for_it(self) -> None:
        adhoc = self.charged(end=False).adhoc_id
        self.settle()
        self.assertEqual((adhoc.state, adhoc.amount_captured), ("charging", 0.0))
        [told] = self.built_in().adhoc_ids.transaction_ids.env["emobility.terminal.confirmation"].search(
            [("terminal_id", "=", self.built_in().id)]
        )
        self.assertFalse(told.attention)
        self.charged()
        self.assertEqual((adhoc.state, adhoc.amount_captured, told.attention), ("settled", 5.9, False))

    def test_f59_other_amount_than_due_is_on_the_work_list(self) -> None:
        adhoc = self.charged().adhoc_id
        self.settle("4.00")
        self.assertEqual((adhoc.state, adhoc.amount_claim, adhoc.attention), ("settled", 1.9, "claim"))

    def test_more_than_due_is_booked_and_for_a_person(self) -> None:
        adhoc = self.charged().adhoc_id
        self.settle("9.00")
        self.assertEqual(adhoc.amount_captured, 9.0)
        told = self.env["emobility.terminal.confirmation"].search([("adhoc_id", "=", adhoc.id)])
        self.assertEqual(told.attention, "unordered")

    def test_failed_settlement_may_succeed_later(self) -> None:
        adhoc = self.charged().adhoc_id
        self.settle("0", "Failed")
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attempts), ("ended", 0.0, 1))
        self.settle(minute=5)
        self.assertEqual((adhoc.state, adhoc.amount_captured), ("settled", 5.9))

    def test_zero_energy_captures_nothing(self) -> None:
        adhoc = self.charged("0").adhoc_id
        self.assertEqual((adhoc.state, adhoc.transaction_id.state), ("released", "cancel"))
        self.settle("0", "Canceled")
        self.assertEqual((adhoc.amount_captured, adhoc.attention), (0.0, False))

    def test_unknown_settlement_waits_for_a_person_and_company_is_noted(self) -> None:
        self.settle(session_uid=None)
        told = self.env["emobility.terminal.confirmation"].search([("terminal_id", "=", self.built_in().id)])
        self.assertEqual(told.attention, "unknown")
        adhoc = self.charged().adhoc_id
        self.settle(vat_number="DE123456789", vat_company="Ampere GmbH, Berlin", minute=1)
        self.assertIn("Ampere GmbH", "".join(adhoc.message_ids.mapped("body")))

    def test_without_a_provider_for_terminals_it_is_only_noted(self) -> None:
        with patch.object(type(self.terminal), "_default_provider", lambda _self: False):
            self.settle()
            session = self.charged()
        self.assertFalse(self.built_in() or session.adhoc_id)
        self.assertIn("Payment at the station", "".join(self.station.message_ids.mapped("body")))

    def test_somebody_who_was_about_to_start_there_gets_the_money_back(self) -> None:
        other = self.authorise()
        self.assertEqual(other.state, "starting")
        adhoc = self.charged(end=False).adhoc_id
        self.assertEqual((adhoc.state, other.state, self.actions()), ("charging", "released", [("cancel", "20.00")]))

    def test_station_shows_that_somebody_pays_on_the_web_page(self) -> None:
        with trap_jobs():
            adhoc = self.env["emobility.adhoc.session"]._check_out(
                self.evse, email=None, lang="en_US", client="test"
            )
            adhoc._say_that_somebody_pays()
        command = self.env["emobility.command"].sudo().search([("action", "=", "web_payment_started")])
        self.assertEqual((command.station_id, command.payload["timeout"]), (self.station, 300))
