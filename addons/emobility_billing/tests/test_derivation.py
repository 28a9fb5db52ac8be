from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo.tests import BaseCase, tagged

from ..derivation import Derived, Event, EventError, check_event, derive
from ..rating import Reading

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def started(uid: str = "a", minute: float = 0, **payload: Any) -> Event:
    return Event(uid, "started", at(minute), {"evse_id": 1, "connector_id": 1, "token_uid": "T", **payload})


def ended(uid: str = "z", minute: float = 60, **payload: Any) -> Event:
    return Event(uid, "ended", at(minute), payload)


def meter(uid: str, *readings: tuple[float, str | None]) -> Event:
    values = [{"at": at(minute).isoformat(), "energy_kwh": energy} for minute, energy in readings]
    return Event(uid, "meter", at(readings[-1][0]), {"readings": values})


def codes(derived: Derived) -> list[str]:
    return [problem.code for problem in derived.problems]


@tagged("post_install", "-at_install")
class TestDerivation(BaseCase):
    def test_energy_is_the_difference_of_the_registers(self) -> None:
        derived = derive([started(meter_kwh="100"), ended(meter_kwh="112.345")])
        self.assertEqual(derived.energy_kwh, Decimal("12.345"))
        self.assertEqual((derived.start, derived.end), (START, at(60)))
        self.assertFalse(derived.problems)

    def test_result_depends_on_the_set_of_events_only(self) -> None:
        events = [
            started(meter_kwh="100"),
            meter("m1", (10, "101"), (20, "103")),
            meter("m2", (30, "104.5")),
            Event("s1", "state", at(40), {"state": "SUSPENDED_EV"}),
            ended(meter_kwh="105"),
            Event("u", "unplugged", at(90), {}),
            Event("c", "conflict", at(91), {"reason": "test"}),
        ]
        expected = derive(events)
        generator = random.Random(7)
        for _attempt in range(50):
            shuffled = generator.sample(events, len(events))
            self.assertEqual(derive(shuffled), expected)

    def test_f01_placeholder_baseline_gives_way_to_the_first_real_register(self) -> None:
        events = [
            started(meter_kwh="0"),
            meter("m", (5, "910.000"), (50, "910.083")),
            ended(meter_kwh="910.083"),
        ]
        derived = derive(events, Decimal(22))
        self.assertEqual(derived.energy_kwh, Decimal("0.083"))
        self.assertEqual(derived.notes, ("placeholder_baseline_replaced",))

    def test_f01_baseline_of_a_new_meter_is_really_zero(self) -> None:
        derived = derive([started(meter_kwh="0"), meter("m", (5, "1.2")), ended(meter_kwh="9")], Decimal(22))
        self.assertEqual(derived.energy_kwh, Decimal(9))
        self.assertFalse(derived.notes)

    def test_f02_stop_below_start_is_a_problem_and_not_a_credit(self) -> None:
        derived = derive([started(meter_kwh="100"), ended(meter_kwh="90")])
        self.assertIn("register_decrease", codes(derived))
        self.assertIsNone(derived.facts("UTC"))

    def test_f03_register_that_is_reset_within_a_session_is_a_problem(self) -> None:
        events = [started(meter_kwh="100"), meter("m", (10, "103"), (20, "0.5")), ended(meter_kwh="104")]
        self.assertIn("register_decrease", codes(derive(events)))

    def test_f03_register_may_start_at_zero_for_each_session(self) -> None:
        self.assertEqual(derive([started(meter_kwh="0"), ended(meter_kwh="7.5")]).energy_kwh, Decimal("7.5"))

    def test_f04_total_that_does_not_fit_the_registers_is_a_problem(self) -> None:
        derived = derive([started(meter_kwh="100"), ended(meter_kwh="110", energy_kwh="25")])
        self.assertEqual(codes(derived), ["energy_mismatch"])

    def test_total_without_a_register_completes_what_was_read_before(self) -> None:
        events = [started(meter_kwh="0"), meter("m", (10, "4")), ended(energy_kwh="10")]
        derived = derive(events)
        self.assertEqual((derived.energy_kwh, codes(derived)), (Decimal(10), []))
        self.assertEqual([reading.energy_kwh for reading in derived.readings], [0, 4, 10])

    def test_reading_that_was_told_after_the_end_does_not_contradict_the_total(self) -> None:
        events = [started(meter_kwh="0"), meter("m", (600, "0")), ended(energy_kwh="10")]
        self.assertEqual(codes(derive(events)), [])

    def test_more_was_read_than_the_total_says(self) -> None:
        events = [started(meter_kwh="0"), meter("m", (10, "12")), ended(energy_kwh="10")]
        self.assertEqual(codes(derive(events)), ["energy_mismatch"])

    def test_f05_reading_without_energy_is_not_zero(self) -> None:
        events = [
            started(meter_kwh="100"),
            meter("m1", (10, "102")),
            meter("m2", (20, None)),
            ended(meter_kwh="105"),
        ]
        derived = derive(events)
        self.assertEqual(derived.energy_kwh, Decimal(5))
        self.assertNotIn(Decimal(0), [reading.energy_kwh for reading in derived.readings])

    def test_f07_stop_value_that_repeats_the_start_gives_way_to_the_last_reading(self) -> None:
        derived = derive([started(meter_kwh="100"), meter("m", (50, "108")), ended(meter_kwh="100")])
        self.assertEqual(derived.energy_kwh, Decimal(8))
        self.assertEqual(derived.notes, ("stop_value_replaced",))

    def test_f09_total_without_any_register_is_enough(self) -> None:
        derived = derive([started(meter_kwh=None), ended(energy_kwh="12.5")])
        self.assertEqual(derived.energy_kwh, Decimal("12.5"))
        self.assertEqual(derived.readings, ())

    def test_f11_closing_value_after_the_stop_completes_the_session(self) -> None:
        before = [started(meter_kwh="100"), meter("m1", (50, "108")), ended(meter_kwh=None)]
        self.assertEqual(derive(before).energy_kwh, Decimal(8))
        self.assertEqual(derive([*before, meter("m2", (61, "109"))]).energy_kwh, Decimal(9))

    def test_f12_stop_that_is_repeated_counts_once(self) -> None:
        derived = derive(
            [started(meter_kwh="100"), ended("z1", meter_kwh="110"), ended("z2", meter_kwh="110")]
        )
        self.assertEqual(derived.energy_kwh, Decimal(10))
        self.assertFalse(derived.problems)

    def test_f12_two_stops_with_different_values_are_a_conflict_and_the_first_wins(self) -> None:
        derived = derive(
            [started(meter_kwh="100"), ended("z1", meter_kwh="110"), ended("z2", 70, meter_kwh="130")]
        )
        self.assertEqual(derived.energy_kwh, Decimal(10))
        self.assertEqual(codes(derived), ["conflict"])

    def test_f13_start_that_is_repeated_counts_once(self) -> None:
        derived = derive(
            [started("a1", meter_kwh="100"), started("a2", meter_kwh="100"), ended(meter_kwh="110")]
        )
        self.assertFalse(derived.problems)

    def test_f13_two_starts_of_different_tokens_are_a_conflict(self) -> None:
        events = [
            started("a1", meter_kwh="100"),
            started("a2", meter_kwh="100", token_uid="X"),
            ended(meter_kwh="110"),
        ]
        self.assertEqual(codes(derive(events)), ["conflict"])

    def test_f15_stop_without_start_has_no_facts(self) -> None:
        derived = derive([ended(meter_kwh="110")])
        self.assertIsNone(derived.start)
        self.assertIsNone(derived.facts("UTC"))

    def test_curve_runs_from_start_to_end(self) -> None:
        derived = derive([started(meter_kwh="100"), meter("m", (30, "104")), ended(meter_kwh="110")])
        self.assertEqual(
            derived.readings,
            (Reading(START, Decimal(100)), Reading(at(30), Decimal(104)), Reading(at(60), Decimal(110))),
        )

    def test_live_session_has_facts_up_to_the_last_reading(self) -> None:
        facts = derive([started(meter_kwh="100"), meter("m", (30, "104"))]).facts("Europe/Berlin")
        self.assertEqual((facts.end, facts.energy_kwh), (at(30), Decimal(4)))

    def test_malformed_events_are_refused_with_a_sentence(self) -> None:
        good = {
            "uid": "1",
            "source": "ocpp",
            "session_uid": "s",
            "kind": "meter",
            "at": "2026-01-01T00:00:00Z",
        }
        reading = {"at": "2026-01-01T00:00:00Z", "energy_kwh": "1"}
        check_event({**good, "payload": {"readings": [reading]}})
        bad = [
            {**good, "uid": ""},
            {**good, "kind": "unknown"},
            {**good, "source": "fax"},
            {**good, "at": "2026-01-01T00:00:00", "payload": {"readings": []}},
            {**good, "payload": {}},
            {**good, "payload": {"readings": [{**reading, "energy_kwh": "NaN"}]}},
            {**good, "payload": {"readings": [{**reading, "energy_kwh": "a lot"}]}},
            {**good, "kind": "state", "payload": {"state": "SLEEPING"}},
        ]
        for event in bad:
            with self.subTest(event=event), self.assertRaisesRegex(EventError, r"\.$"):
                check_event(event)
