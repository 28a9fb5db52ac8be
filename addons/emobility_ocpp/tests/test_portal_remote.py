from unittest.mock import patch

from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestPortalRemote(OcppCommon):
    """The portal of billing starts and stops sessions by commands of the stations."""

    def test_start_is_offered_only_while_the_accepted_station_is_online(self) -> None:
        self.assertFalse(self.evse._can_start_remotely())
        self.push_ok(self.event("E1", "station.connected", ocpp="1.6", remote_address="192.0.2.1"))
        self.assertTrue(self.evse._can_start_remotely())
        self.station.accepted = False
        self.assertFalse(self.evse._can_start_remotely())

    def test_start_from_the_portal_becomes_a_command(self) -> None:
        self.evse._start_remotely(self.token)
        command = self.env["emobility.command"].search([("evse_id", "=", self.evse.id)])
        self.assertEqual((command.action, command.token_id), ("remote_start", self.token))

    def test_live_session_can_be_stopped_from_the_portal(self) -> None:
        self.push_ok(*self.session_events("S1")[:2])
        session = self.session("S1")
        self.assertTrue(session._can_stop_remotely())
        session._stop_remotely()
        command = self.env["emobility.command"].search([("session_id", "=", session.id)])
        self.assertEqual(command.action, "remote_stop")

    def test_f16_session_that_the_watchdog_closes_is_stopped_at_the_station_too(self) -> None:
        self.push_ok(*self.session_events("S1")[:2])
        session = self.session("S1")
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            for _time in range(2):
                self.env["emobility.session"]._cron_watchdog()
        self.assertNotEqual(session.state, "live")
        commands = self.env["emobility.command"].search([("session_id", "=", session.id)])
        self.assertEqual(commands.mapped("action"), ["remote_stop"], "once")
        self.assertEqual(session.decision_ids.after["stop"], "asked")

    def test_session_that_is_over_cannot_be_stopped(self) -> None:
        self.push_ok(*self.session_events("S1"))
        self.assertFalse(self.session("S1")._can_stop_remotely())
