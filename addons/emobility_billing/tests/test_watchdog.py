from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from .common import ChargingCommon, stamp


@tagged("post_install", "-at_install")
class TestWatchdog(ChargingCommon):
    """Sessions that nobody ends are closed with the last that is known, held, and never charged by themselves."""

    def setUp(self) -> None:
        super().setUp()
        self.hours_ago = lambda hours: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours)

    def _unattended(self, hours: float, kwh: str = "1003", minute: int = 30):
        """A session with one reading and no end."""
        return self.ingest(self.events(start=self.hours_ago(hours), readings=[(minute, kwh)])[:2])

    def _silent_for(self, session, hours: float) -> None:
        session.event_ids.sudo()._as_system().write(
            {"received_at": fields.Datetime.now() - timedelta(hours=hours)}
        )

    def test_f16_session_that_never_ends_is_closed_and_held(self) -> None:
        session = self._unattended(4 * 24)
        self.assertEqual(session.state, "live")
        self.run_watchdog()
        self.assertEqual((session.state, session.is_flagged), ("held", True))
        self.assertEqual(session.end_at, session.start_at + timedelta(minutes=30), "the last that was heard of it")
        self.assertAlmostEqual(session.energy_kwh, 3)
        self.assertEqual(self.hold_reasons(session), ["zombie"])
        self.assertFalse(session.cdr_ids)
        self.assertEqual(session.decision_ids.mapped("kind"), ["closed"])

    def test_f16_watchdog_is_harmless_when_it_comes_twice(self) -> None:
        session = self._unattended(4 * 24)
        self.run_watchdog()
        events = session.event_ids
        self.run_watchdog()
        session._close_unattended("duration")
        self.assertEqual(session.event_ids, events)

    def test_f16_session_that_is_silent_is_closed(self) -> None:
        session = self._unattended(30)
        self.run_watchdog()
        self.assertEqual(session.state, "live")
        self._silent_for(session, 25)
        self.run_watchdog()
        self.assertEqual(self.hold_reasons(session), ["zombie"])
        self.assertIn("silence", session.hold_ids.evidence_text)

    def test_f16_dearer_than_the_cap_is_closed_and_costs_no_more_when_it_is_accepted(self) -> None:
        self.rule.tariff_id = self._make_tariff("CLOCK", {"TIME": 6.0, "PARKING_TIME": 6.0})
        self.gate_rule("amount_cap", limit_amount=100)
        start = self.hours_ago(48)
        events = self.events(start=start, readings=[(minute, "1000.003") for minute in range(60, 47 * 60, 60)])[:-2]
        session = self.ingest(events)
        self.assertGreater(session.amount_estimated, 200)
        with patch.object(self.env.registry["account.move"], "_emobility_charge") as charge:
            self.run_watchdog()
        self.assertFalse(charge.called, "nothing is charged for a session in doubt")
        self.assertEqual(self.hold_reasons(session), ["amount_cap"])
        self.assertTrue(session.is_flagged)
        session.hold_ids.decision_note = "Driver agreed"
        with self.running_jobs():
            session.hold_ids.action_accept()
        self.assertAlmostEqual(session.cdr_ids.retail_amount, 100)
        self.assertEqual(session.cdr_ids.rating_ids.line_ids[-1].dimension, "CORRECTION")

    def test_f16_contract_can_have_a_cap_of_its_own(self) -> None:
        self.gate_rule("amount_cap", limit_amount=1)
        self.contract.session_amount_cap = 50
        self.contract.currency_id = self.euro
        session = self._unattended(2, kwh="1020", minute=110)
        self.assertGreater(session.amount_estimated, 1)
        self.run_watchdog()
        self.assertEqual(session.state, "live")

    def test_f16_session_that_ended_dearer_than_the_cap_is_held(self) -> None:
        self.gate_rule("amount_cap", limit_amount=4)
        session = self.ingest(self.events(kwh="10"))
        self.assertEqual(self.hold_reasons(session), ["amount_cap"])
        session.hold_ids.decision_note = "Right"
        with self.running_jobs():
            session.hold_ids.action_accept()
        self.assertAlmostEqual(session.cdr_ids.retail_amount, 4.90, msg="a reported end is billed as it was")

    def test_f16_end_that_the_station_reports_later_counts(self) -> None:
        session = self._unattended(30)
        self._silent_for(session, 25)
        self.run_watchdog()
        end = session.start_at.replace(tzinfo=UTC) + timedelta(hours=2)
        self.ingest(
            [
                self.event("S1", "meter", end, {"readings": [{"at": stamp(end), "energy_kwh": "1011"}]}),
                self.event("S1", "ended", end, {"meter_kwh": "1011"}),
                self.event("S1", "unplugged", end),
            ]
        )
        self.assertEqual(session.state, "done")
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 11)
        self.assertEqual(self.hold_reasons(session, "resolved"), ["zombie"])
        self.assertFalse(session.is_flagged)

    def test_ordinary_live_session_goes_on(self) -> None:
        session = self._unattended(1)
        self.run_watchdog()
        self.assertEqual(session.state, "live")

    def test_rule_that_is_off_closes_nothing(self) -> None:
        self.gate_rule("zombie", is_on=False)
        session = self._unattended(10 * 24)
        self.run_watchdog()
        self.assertEqual(session.state, "live")
