from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odoo import fields
from odoo.tests import tagged

from .common import ChargingCommon, stamp


@tagged("post_install", "-at_install")
class TestGateFailures(ChargingCommon):
    """What goes wrong in the field, from the events to the amount or the hold. The other cases are in test_gate,
    test_session and test_watchdog, and those of the wire in the tests of the bridge.
    """

    def setUp(self) -> None:
        super().setUp()
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)

    def test_f01_placeholder_of_zero_at_the_start_is_not_billed_as_energy(self) -> None:
        session = self.ingest(
            self.events(register="0", readings=[(5, "910.000"), (50, "910.083")], end={"meter_kwh": "910.083"})
        )
        self.assertEqual(session.state, "done")
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 0.083)

    def test_f01_placeholder_without_a_reading_that_unmasks_it_is_held(self) -> None:
        session = self.ingest(self.events(register="0", end={"meter_kwh": "910.083"}))
        self.assertEqual(self.hold_reasons(session), ["implausible_energy"])

    def test_f03_register_that_is_reset_in_between_is_held(self) -> None:
        session = self.ingest(self.events(readings=[(20, "1003"), (40, "1")], end={"meter_kwh": "4"}))
        self.assertIn("register_decrease", self.hold_reasons(session))
        self.assertEqual(session.state, "held")

    def test_f03_register_of_the_session_and_of_the_life_of_the_meter_are_both_right(self) -> None:
        lifetime = self.ingest(self.events("S1", start=self.start))
        session = self.ingest(
            self.events("S2", start=self.start + timedelta(hours=2), register="0", kwh="10")
        )
        for one in (lifetime, session):
            self.assertAlmostEqual(one.cdr_ids.energy_kwh, 10)

    def test_f04_energy_of_the_session_before_in_the_total_is_held(self) -> None:
        session = self.ingest(self.events(end={"meter_kwh": "1010", "energy_kwh": "17.5"}))
        self.assertEqual(self.hold_reasons(session), ["energy_mismatch"])

    def test_f05_batch_without_energy_does_not_zero_the_session(self) -> None:
        session = self.ingest(self.events(readings=[(20, "1004"), (30, None), (40, "1007")]))
        self.assertEqual(session.state, "done")
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 10)

    def test_f06_register_that_only_one_phase_or_unit_can_explain_is_held(self) -> None:
        """Wh that came as kWh: what the wire could not tell apart, the power of the connector does."""
        session = self.ingest(self.events(register="1000000", end={"meter_kwh": "1000700"}))
        self.assertEqual(self.hold_reasons(session), ["implausible_energy"])

    def test_f07_stop_value_that_repeats_the_start_gives_way_to_the_readings(self) -> None:
        session = self.ingest(self.events(readings=[(30, "1004"), (55, "1008")], end={"meter_kwh": "1000"}))
        self.assertEqual(session.state, "done")
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 8)

    def test_f09_without_meter_values_the_split_over_time_is_flagged_on_the_rating(self) -> None:
        rating = self.ingest(self.events()).cdr_ids.rating_ids
        self.assertIn("linear_energy", rating.flags)
        self.assertAlmostEqual(rating.amount_total, 4.90)

    def test_f10_meter_values_of_no_session_are_kept_and_held(self) -> None:
        reading = {"at": stamp(self.start), "energy_kwh": "1003"}
        session = self.ingest([self.event("LOST", "meter", self.start, {"readings": [reading]})])
        self.assertEqual((session.state, session.event_count), ("live", 1))
        session.event_ids.sudo()._as_system().write(
            {"received_at": fields.Datetime.now() - timedelta(hours=25)}
        )
        self.run_watchdog()
        self.assertEqual(session.state, "held")
        self.assertIn("missing_start", self.hold_reasons(session))

    def test_f13_start_that_is_retried_is_one_session(self) -> None:
        events = self.events()
        again = dict(events[0], uid="retried")
        session = self.ingest([events[0], again, *events[1:]])
        self.assertEqual(len(session), 1)
        self.assertEqual(session.state, "done")

    def test_f13_two_starts_of_different_cards_in_one_session_are_held(self) -> None:
        events = self.events()
        other = dict(events[0], uid="other", payload=events[0]["payload"] | {"token_uid": "OTHER"})
        self.assertEqual(self.hold_reasons(self.ingest([*events, other])), ["conflict"])

    def test_f19_pause_with_the_cable_in_costs_one_session_fee(self) -> None:
        self.rule.tariff_id = self._make_tariff("FEE", {"ENERGY": 0.50, "FLAT": 1.0})
        first = self.ingest(self.events("S1", start=self.start, kwh="10", unplug=False))
        first.action_process()
        second = self.ingest(self.events("S2", start=self.start + timedelta(minutes=70), kwh="4"))
        self.assertAlmostEqual(first.cdr_ids.retail_amount, 6.0)
        self.assertEqual(second.state, "done")
        self.assertAlmostEqual(second.cdr_ids.retail_amount, 2.0)
        self.assertEqual(self.hold_reasons(second, "noted"), ["continuation"])

    def test_f19_second_visit_costs_a_second_session_fee(self) -> None:
        self.rule.tariff_id = self._make_tariff("FEE", {"ENERGY": 0.50, "FLAT": 1.0})
        self.ingest(self.events("S1", start=self.start, kwh="10"))
        unplugged = self.ingest(self.events("S2", start=self.start + timedelta(minutes=70), kwh="4"))
        self.assertAlmostEqual(unplugged.cdr_ids.retail_amount, 3.0)

    def test_f21_station_id_that_is_used_again_is_another_session(self) -> None:
        """The bridge never uses the id of a station alone: two uids here are two sessions."""
        first = self.ingest(self.events("CS1-1-boot1", start=self.start))
        second = self.ingest(self.events("CS1-1-boot2", start=self.start + timedelta(hours=2)))
        self.assertNotEqual(first, second)
        self.assertEqual({first.state, second.state}, {"done"})

    def test_f25_pause_by_the_station_is_no_parking(self) -> None:
        self.rule.tariff_id = self._make_tariff("PARK", {"ENERGY": 0.50, "PARKING_TIME": 60.0})
        events = self.events(start=self.start, minutes=120)
        for minute, state in ((0, "CHARGING"), (30, "SUSPENDED_EVSE"), (90, "CHARGING")):
            events.append(self.event("S1", "state", self.start + timedelta(minutes=minute), {"state": state}))
        session = self.ingest(events)
        self.assertEqual(session.state, "done")
        self.assertAlmostEqual(session.cdr_ids.retail_amount, 5.0)

    def test_f26_clock_that_runs_ahead_a_little_is_taken(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=58)
        self.assertEqual(self.ingest(self.events(start=start)).state, "done")

    def test_f27_night_in_which_the_clocks_change_is_billed_by_real_hours(self) -> None:
        self.rule.tariff_id = self._make_tariff("HOUR", {"TIME": 6.0})
        for name, start, hours in (
            # In Berlin both last from midnight to six on the clock of the wall.
            ("spring", datetime(2026, 3, 28, 23, tzinfo=UTC), 5),
            ("autumn", datetime(2025, 10, 25, 22, tzinfo=UTC), 7),
        ):
            events = self.events(name, start=start, minutes=hours * 60)
            for event in events:
                event["source"] = "import"
            session = self.ingest(events)
            self.assertEqual(session.state, "done", session.hold_ids.mapped("reason_code"))
            self.assertAlmostEqual(session.cdr_ids.retail_amount, 6.0 * hours)

    def test_f28_time_without_an_offset_is_refused_and_one_with_it_is_utc(self) -> None:
        bad = dict(self.events("BAD")[0], at="2026-03-28T10:00:00")
        [answer] = self.env["emobility.session"]._ingest_events([bad])
        self.assertIn("offset", answer["error"])
        local = self.start.astimezone().isoformat()
        session = self.ingest([dict(event, at=local) for event in self.events("S1")[:1]])
        self.assertEqual(session.start_at, self.start.replace(tzinfo=None))

    def test_f29_night_price_covers_both_sides_of_midnight(self) -> None:
        tariff = self._make_tariff("NIGHT", {"ENERGY": 0.50})
        day = tariff.version_ids.element_ids
        night = day.copy({"sequence": 1, "start_time": 22.0, "end_time": 6.0})
        day.sequence = 20
        night.component_ids.price = 0.20
        self.rule.tariff_id = tariff
        # 23:00 to 01:00 in Berlin in winter.
        events = self.events("S1", start=datetime(2026, 1, 10, 22, tzinfo=UTC), minutes=120)
        for event in events:
            event["source"] = "import"
        self.assertAlmostEqual(self.ingest(events).cdr_ids.retail_amount, 2.0)

    def test_f30_price_by_a_clock_that_is_not_certified_is_held_where_the_rule_is_on(self) -> None:
        self.rule.tariff_id = self._make_tariff("HOUR", {"ENERGY": 0.4, "PARKING_TIME": 6.0})
        self.assertEqual(self.ingest(self.events("S1", start=self.start)).state, "done")
        self.gate_rule("uncertified_clock", is_on=True)
        session = self.ingest(self.events("S2", start=self.start + timedelta(hours=2)))
        self.assertEqual(self.hold_reasons(session), ["uncertified_clock"])
        self.evse.clock_certified = True
        with self.running_jobs():
            session.hold_ids.action_retry()
        self.assertEqual(session.state, "done")

    def test_f31_session_over_the_end_of_a_month_belongs_to_the_month_of_its_end(self) -> None:
        events = self.events("S1", start=datetime(2026, 1, 31, 22, 30, tzinfo=UTC), minutes=60)
        for event in events:
            event["source"] = "import"
        session = self.ingest(events)
        self.assertEqual(session.state, "done")
        january = self.run_billing(date_to="2026-01-31")
        self.assertFalse(january.line_ids)
        move = self.run_billing(date_to="2026-03-01").line_ids.move_id
        self.assertEqual(move.rating_ids, session.cdr_ids.rating_ids)
        self.assertEqual(move.delivery_date, session.end_at.date())
