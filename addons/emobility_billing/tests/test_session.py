from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ChargingCommon, stamp


@tagged("post_install", "-at_install")
class TestSession(ChargingCommon):
    def test_energy_and_cost_are_shown_over_time_also_while_it_lasts(self) -> None:
        events = self.events(readings=[(30, "1004")])
        session = self.ingest(events[:2])
        self.assertEqual(session.state, "live")
        self.assertIn("4.00 kWh in the end", session.energy_picture)
        self.assertIn("1.96 EUR in the end", session.cost_picture)
        self.ingest(events[2:])
        session.invalidate_recordset()
        self.assertIn("10.00 kWh in the end", session.energy_picture)

    def test_session_is_live_and_shows_its_cost_while_it_charges(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
        session = self.ingest(self.events(start=start, readings=[(15, "1002")])[:2])
        self.assertEqual(session.state, "live")
        self.assertEqual(session.contract_id, self.contract)
        self.assertEqual(session.tariff_version_id, self.tariff.version_ids)
        self.assertAlmostEqual(session.amount_estimated, 0.98)
        self.ingest(
            [
                self.event(
                    "S1",
                    "meter",
                    start,
                    {"readings": [{"at": stamp(start + timedelta(minutes=20)), "energy_kwh": "1004"}]},
                )
            ]
        )
        self.assertAlmostEqual(session.amount_estimated, 1.96)

    def test_f12_stop_retried_bills_once(self) -> None:
        events = self.events()
        session = self.ingest(events)
        results = self.env["emobility.session"]._ingest_events(events)
        self.assertEqual({result["status"] for result in results}, {"duplicate"})
        retried = [{**event, "uid": event["uid"] + "-again"} for event in events if event["kind"] == "ended"]
        self.ingest(retried)
        self.assertEqual(len(session.cdr_ids), 1)
        self.assertFalse(session.hold_ids)

    def test_f12_same_event_twice_in_one_batch_counts_once(self) -> None:
        events = self.events()
        results = self.env["emobility.session"]._ingest_events([*events, events[0]])
        self.assertEqual([result["status"] for result in results], ["ok", "ok", "ok", "duplicate"])

    def test_f17_stop_for_an_unknown_session_is_kept_and_held(self) -> None:
        stop = self.events()[1:]
        session = self.ingest(stop)
        self.assertEqual(session.state, "held")
        self.assertIn("missing_start", self.hold_reasons(session))
        self.assertEqual(len(session.event_ids), 2)

    def test_f15_start_that_arrives_last_completes_the_session(self) -> None:
        begin, *rest = self.events()
        session = self.ingest(rest)
        self.assertEqual(session.state, "held")
        self.ingest([begin])
        self.assertEqual(session.state, "done")
        self.assertIn("missing_start", self.hold_reasons(session, "resolved"))
        self.assertFalse(self.hold_reasons(session))

    def test_f18_stop_without_token_leaves_the_payer_of_the_start(self) -> None:
        session = self.ingest(self.events(end={"meter_kwh": "1010", "token_uid": None}))
        self.assertEqual(session.partner_id, self.driver)

    def test_f20_queue_replayed_twice_in_reverse_order_gives_one_cdr(self) -> None:
        events = self.events(readings=[(10, "1002"), (20, "1004")])
        session = self.ingest(list(reversed(events)))
        self.ingest(events)
        self.assertEqual(session.state, "done")
        self.assertEqual(len(session.cdr_ids), 1)

    def test_f24_session_is_billed_when_the_cable_is_out(self) -> None:
        *events, unplugged = self.events()
        session = self.ingest(events)
        self.assertEqual(session.state, "ended")
        self.assertFalse(session.cdr_ids)
        self.ingest([unplugged])
        self.assertEqual(session.state, "done")

    def test_f24_session_is_billed_after_the_settling_time_when_the_cable_stays_in(self) -> None:
        session = self.ingest(self.events(unplug=False))
        later = fields.Datetime.now() + timedelta(minutes=self.company.emobility_settle_minutes)
        self.assertAlmostEqual(session.settle_at, later, delta=timedelta(minutes=1))
        with patch.object(self.env.cr, "now", return_value=later), self.running_jobs():
            session._process()
        self.assertEqual(session.state, "ended", "not due yet")
        self._make_due(session)
        with self.running_jobs():
            self._run_cron()
        self.assertEqual(session.state, "done")

    def _make_due(self, session) -> None:
        session.sudo()._as_system().write({"settle_at": fields.Datetime.now() - timedelta(minutes=1)})

    def _run_cron(self) -> None:
        """The cron commits between batches; a test must not."""
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            self.env["emobility.session"]._cron_process_due()

    def test_idle_time_counts_until_the_cable_is_out(self) -> None:
        self.rule.tariff_id = self._make_tariff("IDLE", {"ENERGY": 0.4, "PARKING_TIME": 6})
        *events, unplugged = self.events(minutes=60)
        unplugged["at"] = stamp(datetime.fromisoformat(events[-1]["at"]) + timedelta(minutes=30))
        session = self.ingest([*events, unplugged])
        self.assertAlmostEqual(session.cdr_ids.rating_ids.amount_total, 10 * 0.4 + 3.0)

    def test_f22_payer_is_the_contract_of_the_token_at_the_start(self) -> None:
        events = self.events()
        session = self.ingest(events[:1])
        self.token.action_block()
        self.ingest(events[1:])
        self.assertEqual(session.contract_id, self.contract)
        self.assertEqual(session.state, "done")

    def test_session_without_token_is_paid_by_the_contract_of_the_location(self) -> None:
        self.location.default_contract_id = self.contract
        session = self.ingest(self.events(token_uid=None, authorization=None))
        self.assertEqual(session.contract_id, self.contract)
        self.assertEqual(session.state, "done")

    def test_f37_tariff_of_the_start_stays_when_prices_change_during_the_session(self) -> None:
        events = self.events()
        session = self.ingest(events[:1])
        self.rule.tariff_id = self._make_tariff("NEW", {"ENERGY": 0.99})
        self.ingest(events[1:])
        self.assertAlmostEqual(session.cdr_ids.rating_ids.amount_total, 4.90)
        self.assertTrue(self.tariff.version_ids.is_frozen)

    def test_f38_late_session_has_the_price_of_the_time_of_the_session(self) -> None:
        change = fields.Datetime.now() - timedelta(days=10)
        old = self.tariff.version_ids
        new = old.copy({"valid_from": change})
        new.element_ids.component_ids.price = 0.99
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
        session = self.ingest(self.events(start=start))
        self.assertEqual(session.tariff_version_id, old)
        self.assertAlmostEqual(session.cdr_ids.rating_ids.amount_total, 4.90)

    def test_f35_live_cost_and_invoiced_amount_come_from_one_engine(self) -> None:
        session = self.ingest(self.events(kwh="17.234"))
        self.assertAlmostEqual(session.amount_estimated, session.cdr_ids.rating_ids.amount_total)

    def test_f11_late_data_after_the_cdr_is_shown_and_never_changes_it(self) -> None:
        session = self.ingest(self.events(kwh="10"))
        cdr = session.cdr_ids
        late = self.event("S1", "meter", datetime.now(UTC), {"readings": []})
        self.ingest([late])
        self.assertFalse(session.hold_ids, "it changes nothing")
        self.ingest([self.event("S1", "conflict", datetime.now(UTC), {"reason": "signed value differs"})])
        self.assertEqual(self.hold_reasons(session), ["late_change"])
        self.assertEqual((session.state, cdr.energy_kwh), ("done", 10.0))

    def test_malformed_event_does_not_stop_the_others_of_its_batch(self) -> None:
        events = self.events()
        results = self.env["emobility.session"]._ingest_events([{"uid": "bad", "source": "ocpp"}, *events])
        self.assertEqual([result["status"] for result in results], ["error", "ok", "ok", "ok"])
        self.assertIn("session_uid", results[0]["error"])

    def test_session_cannot_be_written_from_outside(self) -> None:
        session = self.ingest(self.events())
        for values in ({"energy_kwh": 1}, {"state": "void"}, {"tariff_version_id": False}):
            with self.subTest(values=values), self.assertRaises(UserError):
                session.write(values)
        with self.assertRaises(UserError):
            session.event_ids[:1].write({"payload": {}})
        with self.assertRaises(UserError):
            session.unlink()
        with self.assertRaises(UserError):
            session.with_context(emobility_guard="anything").write({"energy_kwh": 1})

    def test_one_broken_session_does_not_stop_the_cron(self) -> None:
        broken = self.ingest(self.events("S1", unplug=False))
        other = self.ingest(self.events("S2", datetime.now(UTC) - timedelta(days=1), unplug=False))
        self._make_due(broken | other)
        original = type(broken)._pass_gate

        def fail_on_one(session):
            if session == broken:
                raise ValueError("broken")
            return original(session)

        with (
            patch.object(type(broken), "_pass_gate", fail_on_one),
            self.running_jobs(),
            self.assertLogs(level="ERROR"),
        ):
            self._run_cron()
        self.assertEqual((broken.state, other.state), ("ended", "done"))
