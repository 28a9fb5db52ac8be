from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule

from ..models.emobility_command import LIFETIME
from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestLimits(OcppCommon):
    """Limits of the power of a session: what partners ask for becomes a command, and its answer goes back."""

    def setUp(self) -> None:
        super().setUp()
        self.push_ok(self.event("c-1", "station.connected", ocpp="1.6"), self.session_events("limit-1")[0])
        self.live = self.session("limit-1")
        self.heard: list[Any] = []

    def result(self, reference: str, status: str, answer: dict[str, Any] | None = None) -> Any:
        """The bridge reports; returns what those hear who asked."""
        model = type(self.env["emobility.session"])
        with patch.object(model, "_remote_answered", lambda _self, *words: self.heard.append(words)):
            self.push_ok(
                self.event(f"r-{reference}", "command.result", command_uid=reference, status=status, answer=answer)
            )
        return self.heard[-1]

    def command(self, reference: str) -> Any:
        return self.env["emobility.command"].search([("uid", "=", reference)])

    def test_a_schedule_becomes_the_profile_of_the_transaction(self) -> None:
        self.assertTrue(self.live._can_limit_remotely())
        start = datetime(2026, 3, 1, 10, tzinfo=UTC)
        reference = self.live._limit_remotely(
            ChargingSchedule("W", ((0, 11000.0), (300, 6000.0)), start=start, duration=900, minimum=1400.0)
        )
        command = self.command(reference)
        self.assertEqual(command.action, "set_profile")
        self.assertEqual(
            command.payload,
            {
                "evse": 1, "session_uid": "limit-1", "purpose": "TxProfile", "profile": self.live.id, "unit": "W",
                "periods": [{"start": 0, "limit": 11000.0}, {"start": 300, "limit": 6000.0}], "duration": 900,
                "minimum": 1400.0, "begins_at": "2026-03-01T10:00:00Z",
            },
        )  # fmt: skip
        self.assertLessEqual(command.expires_at - command.create_date, LIFETIME + LIFETIME, "somebody waits for it")
        self.assertEqual(self.result(reference, "accepted", {"status": "Accepted"}), (reference, "ACCEPTED", None))

    def test_a_limit_that_there_is_not_is_unknown(self) -> None:
        reference = self.live._limit_remotely(None)
        self.assertEqual(self.command(reference).payload["profile"], self.live.id)
        self.assertEqual(self.result(reference, "rejected", {"status": "Unknown"}), (reference, "UNKNOWN", None))

    def test_what_a_station_has_planned_is_read_in_both_spellings(self) -> None:
        periods = [{"startPeriod": 0, "limit": 16}, {"startPeriod": 600, "limit": 8.5}]
        at = "2026-03-01T10:00:00Z"
        schedule = {"chargingRateUnit": "A", "duration": 3600, "chargingSchedulePeriod": periods}
        expected = ChargingSchedule(
            "A", ((0, 16.0), (600, 8.5)), start=datetime(2026, 3, 1, 10, tzinfo=UTC), duration=3600
        )
        for answer in (
            {"status": "Accepted", "scheduleStart": at, "chargingSchedule": schedule},
            {"status": "Accepted", "schedule": schedule | {"scheduleStart": at, "evseId": 1}},
        ):
            reference = self.live._ask_limit_remotely(3600)
            self.assertEqual(self.command(reference).payload, {"evse": 1, "duration": 3600})
            self.assertEqual(self.result(reference, "accepted", answer), (reference, "ACCEPTED", expected))
        for broken in ({}, {"schedule": []}, {"schedule": {"chargingSchedulePeriod": [{"limit": "x"}]}}):
            reference = self.live._ask_limit_remotely(3600)
            answer = {"status": "Accepted"} | broken
            self.assertEqual(self.result(reference, "accepted", answer), (reference, "ACCEPTED", None))

    def test_a_session_that_is_over_cannot_be_limited(self) -> None:
        self.push_ok(*self.session_events("limit-1")[1:])
        self.assertFalse(self.live._can_limit_remotely())
        for ask in (lambda: self.live._limit_remotely(None), lambda: self.live._ask_limit_remotely(60)):
            with self.assertRaises(UserError):
                ask()

    # Limits that nobody who follows the session has asked for

    def others(self) -> list[Any]:
        """Who limits the power of live sessions, for whoever follows them."""
        heard: list[Any] = []
        model = type(self.env["emobility.session"])
        told = patch.object(model, "_limits_changed", lambda sessions, *words: heard.append((sessions, *words)))
        told.start()
        self.addCleanup(told.stop)
        return heard

    def by_us(self, action: str, evse: int, answer: dict[str, Any] | None = None, status: str = "accepted") -> None:
        command = self.env["emobility.command"]._request(self.station, action, {"evse": evse})
        self.result(command.uid, status, answer)

    def test_a_limit_that_our_own_people_set_concerns_the_live_sessions_there(self) -> None:
        heard = self.others()
        for evse in (1, 0):
            self.by_us("set_profile", evse, {"status": "Accepted"})
        self.by_us("clear_profile", 0, {"status": "Accepted"})
        self.assertEqual(heard, [(self.live,)] * 3)
        heard.clear()
        self.by_us("set_profile", 2, {"status": "Accepted"})
        self.assertEqual(heard, [(self.env["emobility.session"],)], "another EVSE")
        heard.clear()
        self.by_us("set_profile", 1, {"status": "Rejected"}, "rejected")
        self.result(self.live._limit_remotely(None), "accepted", {"status": "Accepted"})
        self.assertEqual(heard, [], "nothing has changed, or who asked follows it")

    def test_limits_that_our_people_read_are_known_at_once(self) -> None:
        heard = self.others()
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4000}]}
        self.by_us("composite_schedule", 1, {"status": "Accepted", "chargingSchedule": schedule})
        [(sessions, reference, told)] = heard
        self.assertEqual((sessions, told), (self.live, ChargingSchedule("W", ((0, 4000.0),))))
        self.assertTrue(self.command(reference))
        self.by_us("composite_schedule", 1, {"status": "Accepted"})
        self.assertEqual(len(heard), 1, "it said nothing that can be read")

    def test_limits_of_another_system_are_told_by_the_station(self) -> None:
        heard = self.others()
        posts = len(self.station.message_ids)
        for number, content in enumerate(({"evseId": 1}, {"chargingLimitSource": "EMS"}, {"evseId": 2})):
            self.push_ok(self.event(f"limit-{number}", "station.notice", subject="charging_limit", content=content))
        self.assertEqual([sessions for (sessions,) in heard], [self.live, self.live, self.env["emobility.session"]])
        self.assertEqual(len(self.station.message_ids), posts, "there are too many to read")
