from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestCommands(OcppCommon):
    def start(self) -> Any:
        """A remote start that a clerk asks for."""
        action = self.evse.with_user(self.clerk).action_remote_start()
        wizard = (
            self.env["emobility.remote.start.wizard"]
            .with_user(self.clerk)
            .with_context(**action["context"])
            .create({"token_id": self.token.id})
        )
        return self.env["emobility.command"].browse(wizard.action_start()["res_id"])

    def commands(self) -> list[dict[str, Any]]:
        return self.gateway.sync(False)["commands"]

    def report(self, command: Any, status: str, detail: str | None = None) -> None:
        uid = f"{command.uid}-{status}-{self.env['emobility.ocpp.message'].search_count([])}"
        self.push_ok(self.event(uid, "command.result", command_uid=command.uid, status=status, detail=detail))

    def test_remote_start_is_given_to_the_bridge_until_it_reports(self) -> None:
        command = self.start()
        expected = {
            "uid": command.uid,
            "station": "TEST-CS-1",
            "action": "remote_start",
            "payload": {"evse": 1, "token_uid": self.token.uid, "token_type": "AD_HOC_USER"},
            "expires_at": command.expires_at.isoformat() + "Z",
        }
        self.assertEqual(self.commands(), [expected])
        self.assertEqual(self.commands(), [expected])
        self.report(command, "sent")
        self.assertEqual(self.commands(), [])
        self.assertEqual(command.state, "sent")
        self.report(command, "accepted", "fine")
        self.assertEqual((command.state, command.result), ("accepted", "fine"))
        self.assertTrue(command.answered_at)

    def test_session_that_a_command_started_is_shown_on_it(self) -> None:
        command = self.start()
        self.assertFalse(command.started_session_id)
        started = self.session_events("by-command")[0]
        started["payload"]["remote_ref"] = command.uid
        self.push_ok(started)
        command.invalidate_recordset(["started_session_id"])
        self.assertEqual(command.started_session_id, self.session("by-command"))

    def test_late_sent_does_not_undo_the_answer_of_the_station(self) -> None:
        command = self.start()
        self.report(command, "rejected")
        self.report(command, "sent")
        self.report(command, "unknown")
        self.assertEqual(command.state, "rejected")

    def test_remote_stop_of_a_live_session_names_the_session(self) -> None:
        self.push_ok(self.session_events("stop-1")[0])
        session = self.session("stop-1")
        self.assertTrue(session.can_remote_stop)
        action = session.with_user(self.clerk).action_remote_stop()
        command = self.env["emobility.command"].browse(action["res_id"])
        self.assertEqual(command.session_id, session)
        [sent] = self.commands()
        self.assertEqual((sent["action"], sent["payload"]), ("remote_stop", {"session_uid": "stop-1"}))

    def test_session_that_ended_cannot_be_stopped(self) -> None:
        self.push_ok(*self.session_events("stop-2"))
        session = self.session("stop-2")
        self.assertFalse(session.can_remote_stop)
        with self.assertRaisesRegex(UserError, "Only a live session"):
            session.action_remote_stop()

    def test_command_that_nobody_fetched_expires_and_is_not_sent_any_more(self) -> None:
        command = self.start()
        command.expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self.commands(), [])
        self.env["emobility.command"]._cron_expire()
        self.assertEqual(command.state, "expired")

    def test_command_that_was_sent_and_never_answered_becomes_unknown_and_can_still_be_answered(self) -> None:
        command = self.start()
        self.report(command, "sent")
        self.env["emobility.command"]._cron_expire()
        self.assertEqual(command.state, "sent")
        command.expires_at = fields.Datetime.now() - timedelta(minutes=11)
        self.env["emobility.command"]._cron_expire()
        self.assertEqual(command.state, "unknown")
        self.report(command, "accepted")
        self.assertEqual(command.state, "accepted")

    def test_result_of_an_unknown_command_or_with_an_unknown_status_is_an_error(self) -> None:
        command = self.start()
        answers = self.push(
            self.event("r-1", "command.result", command_uid="nobody", status="accepted"),
            self.event("r-2", "command.result", command_uid=command.uid, status="splendid"),
        )
        self.assertEqual(answers[0]["error"], "The command nobody is not known.")
        self.assertIn("“splendid” is not a result", answers[1]["error"])
        self.assertEqual(command.state, "new")

    def test_start_needs_an_accepted_station_and_a_token_that_may_charge(self) -> None:
        self.token.state = "blocked"
        with self.assertRaisesRegex(UserError, "may not charge"):
            self.start()
        self.token.state = "active"
        self.station.accepted = False
        with self.assertRaisesRegex(UserError, "no accepted station"):
            self.start()

    def test_auditor_sends_no_commands(self) -> None:
        self.push_ok(self.session_events("stop-3")[0])
        with self.assertRaises(AccessError):
            self.session("stop-3").with_user(self.auditor).action_remote_stop()
        with self.assertRaises(AccessError):
            self.env["emobility.remote.start.wizard"].with_user(self.auditor).create(
                {"evse_id": self.evse.id, "token_id": self.token.id}
            )
