from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestFirmwareCampaign(OcppCommon):
    """New firmware in waves; nothing is sent twice by itself."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.stations = cls.station
        for number in (2, 3):
            cls.stations |= cls.station.copy({"identity": f"TEST-CS-{number}"})
        cls.stations.write({"connection_state": "online", "firmware": "1.0"})
        cls.campaign = cls.env["emobility.firmware.campaign"].create(
            {
                "name": "2.0",
                "url": "https://firmware.example.com/2.0.bin",
                "version": "2.0",
                "wave_size": 2,
                "line_ids": [Command.create({"station_id": station.id}) for station in cls.stations],
            }
        )
        cls.lines = cls.campaign.line_ids

    def report(self, line: Any, status: str) -> None:
        uid = f"progress-{line.id}-{status}"
        event = self.event(uid, "station.progress", subject="firmware", status=status, number=None)
        self.push_ok(event | {"station": line.station_id.identity})

    def answer(self, line: Any, status: str) -> None:
        payload = {"command_uid": line.command_id.uid, "status": status, "detail": "", "number": line.id}
        self.push_ok(self.event(f"answer-{line.id}-{status}", "command.result", **payload) | {
            "station": line.station_id.identity})

    def test_a_wave_is_told_once_and_the_next_one_follows_it(self) -> None:
        self.campaign.action_start()
        self.assertEqual(self.lines.mapped("state"), ["busy", "busy", "waiting"])
        command = self.lines[0].command_id
        self.assertEqual((command.action, command.payload["url"]), ("firmware", self.campaign.url))
        self.answer(self.lines[0], "accepted")
        for status in ("Downloading", "Downloaded", "Installing"):
            self.report(self.lines[0], status)
        self.assertEqual((self.lines[0].state, self.lines[0].report), ("busy", "Installing"))
        with self.assertRaises(UserError):
            self.lines[0].unlink()
        self.report(self.lines[0], "Installed")
        self.assertEqual(self.lines.mapped("state"), ["installed", "busy", "busy"])
        self.assertAlmostEqual(self.campaign.progress, 100 / 3, 1)
        boot = self.event("boot-2", "station.boot", vendor="V", model="M", firmware="2.0")
        self.push_ok(boot | {"station": "TEST-CS-2"})
        self.assertEqual(self.lines[1].state, "installed")
        self.report(self.lines[2], "InstallationFailed")
        self.assertEqual((self.lines[2].state, self.campaign.state), ("failed", "done"))

    def test_an_unknown_outcome_is_only_repeated_by_a_person(self) -> None:
        self.campaign.action_start()
        self.answer(self.lines[0], "unknown")
        self.env["emobility.firmware.campaign"]._cron_advance()
        self.assertEqual(self.lines[0].state, "unknown")
        commands = self.env["emobility.command"].search_count([("station_id", "=", self.lines[0].station_id.id)])
        self.assertEqual(commands, 1)
        with self.assertRaises(AccessError):
            self.lines[0].with_user(self.clerk).action_again()
        self.lines[0].with_user(self.technician).action_again()
        self.assertEqual(self.lines[0].state, "waiting")  # the wave is full with the other two
        self.report(self.lines[1], "Installed")
        self.assertEqual(self.lines[0].state, "busy")

    def test_a_station_that_was_offline_gets_its_turn_when_it_is_back(self) -> None:
        self.lines[0].station_id.connection_state = "offline"
        self.campaign.action_start()
        self.assertEqual(self.lines.mapped("state"), ["waiting", "busy", "busy"])
        self.answer(self.lines[1], "offline")
        self.assertEqual(self.lines[1].state, "busy", "It is told again at once, for it counts as online.")
        self.assertEqual(len(self.lines[1].command_id), 1)

    def test_silence_is_unknown_and_too_many_failures_pause_the_campaign(self) -> None:
        self.campaign.max_failures = 2
        self.campaign.action_start()
        self.lines[:2].write({"reported_at": fields.Datetime.now() - timedelta(hours=7)})
        self.env["emobility.firmware.campaign"]._cron_advance()
        self.assertEqual(self.lines.mapped("state"), ["unknown", "unknown", "busy"])
        self.assertEqual(self.campaign.state, "paused")
        self.campaign.with_user(self.manager).action_start()
        self.assertEqual(self.campaign.state, "running")

    def test_a_station_with_the_version_is_left_out_and_a_signed_image_carries_both_parts(self) -> None:
        self.lines[0].station_id.firmware = "2.0"
        with self.assertRaises(ValidationError):
            self.campaign.signing_certificate = "-----BEGIN CERTIFICATE-----"
        self.campaign.write({"signing_certificate": "-----BEGIN CERTIFICATE-----", "signature": "MEUC"})
        self.campaign.action_start()
        self.assertEqual(self.lines.mapped("state"), ["skipped", "busy", "busy"])
        self.assertEqual(self.lines[1].command_id.payload["signature"], "MEUC")

    def test_stations_that_are_ticked_make_a_campaign(self) -> None:
        action = self.stations.with_user(self.technician).action_firmware_campaign()
        campaign = (
            self.env["emobility.firmware.campaign"]
            .with_user(self.technician)
            .with_context(**action["context"])
            .create({"name": "3.0", "url": "https://firmware.example.com/3.0.bin"})
        )
        self.assertEqual(campaign.line_ids.station_id, self.stations)
