from datetime import datetime, timedelta
from typing import Any
from unittest.mock import call, patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestHealth(OcppCommon):
    """Uptime, the dashboard, views that follow what stations report."""

    def connection(self, kind: str, at: datetime) -> None:
        self.push_ok(self.event(f"{kind}-{at}", f"station.{kind}", at.isoformat() + "Z", ocpp="2.0.1"))

    def test_uptime_comes_from_the_outages_of_the_day(self) -> None:
        day = fields.Date.today() - timedelta(days=3)
        start = datetime.combine(day, datetime.min.time())
        self.connection("connected", start - timedelta(days=1))
        self.connection("disconnected", start + timedelta(hours=6))
        self.connection("connected", start + timedelta(hours=12))
        self.connection("disconnected", start + timedelta(hours=23))
        self.connection("connected", start + timedelta(hours=30))
        self.assertEqual(len(self.station.outage_ids), 2)
        self.env["emobility.station.day"]._cron_compute(days=4)
        days = {row.day: row for row in self.station.day_ids}
        self.assertEqual((days[day].uptime, days[day].outage_count), (70.83, 2))  # 17 of 24 hours
        self.assertEqual(days[day + timedelta(days=1)].uptime, 75)
        known = sum(self.station.day_ids.mapped("known_seconds"))
        self.assertAlmostEqual(self.station.uptime_month, 100 - 100 * 13 * 3600 / known, 2)
        self.env["emobility.station.day"]._cron_compute(days=4)
        self.assertEqual(len(self.station.day_ids), len(days))

    def test_health_counts_what_its_tiles_open(self) -> None:
        self.connection("connected", fields.Datetime.now() - timedelta(hours=2))
        self.push_ok(self.event("alarm", "station.alarm", text="Tamper"))
        health = self.env["emobility.station"].with_user(self.clerk).get_health()
        self.assertEqual((health["online"], health["offline"], health["alarms"]), (1, 0, 1))
        self.connection("disconnected", fields.Datetime.now() - timedelta(hours=1))
        self.env["emobility.station.day"]._cron_compute()
        health = self.env["emobility.station"].with_user(self.technician).get_health()
        self.assertEqual((health["online"], health["offline"]), (0, 1))
        self.assertTrue(45 < health["uptime"] < 55)
        self.assertEqual(self.env["emobility.station"].search_count([("has_alarm", "=", True)]), 1)
        with self.assertRaises(AccessError):
            self.env["emobility.station"].with_user(self.bridge).get_health()

    def test_open_views_hear_of_a_change_and_nobody_else(self) -> None:
        channel = f"emobility_stations_{self.company.id}"
        with patch.object(self.env.registry["bus.bus"], "_sendone") as send:
            self.connection("connected", fields.Datetime.now())
        self.assertIn(call(channel, "emobility_station_changed", {"ids": self.station.ids}), send.mock_calls)

        with patch.object(self.env.registry["bus.bus"], "_sendone") as send:
            self.push_ok(*self.session_events("seen")[:1])
        told = {"ids": self.session("seen").ids}
        self.assertIn(call(channel, "emobility_session_changed", told), send.mock_calls)

        def channels(user: Any) -> list[Any]:
            wanted = [channel, "emobility_stations_0", "other"]
            return self.env["ir.websocket"].with_user(user)._without_foreign_stations(wanted)

        self.assertEqual(channels(self.clerk), [channel, "other"])
        self.assertEqual(channels(self.bridge), ["other"])

    def test_raw_messages_are_fetched_from_the_bridge_and_shown_as_text(self) -> None:
        with self.assertRaises(AccessError):
            self.station.with_user(self.clerk).action_show_frames()
        action = self.station.with_user(self.technician).action_show_frames()
        command = self.env["emobility.command"].browse(action["res_id"])
        frame = {"at": "2026-03-01T10:00:00.000Z", "direction": "in", "action": "Heartbeat", "raw": "<b>[2]</b>",
                 "answer": "[3]", "problem": None, "ocpp": "1.6"}  # fmt: skip
        self.push_ok(self.event("frames", "command.result", command_uid=command.uid, status="accepted",
                                answer={"frames": [frame]}))  # fmt: skip
        self.assertIn("&lt;b&gt;[2]", command.frames_html)
