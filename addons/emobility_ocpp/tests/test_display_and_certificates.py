from typing import Any
from unittest.mock import patch

from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestDisplayAndCertificates(OcppCommon):
    """Costs on the display, root certificates in stations, results for those who asked, ends that nobody reported."""

    def commands(self, action: str) -> Any:
        return self.env["emobility.command"].search([("action", "=", action)])

    def final(self, command: Any, status: str = "accepted", **more: Any) -> None:
        payload = {"command_uid": command.uid, "status": status, "detail": "", "number": 77, **more}
        self.push_ok(self.event(f"{command.uid}-{status}", "command.result", **payload))

    def live_session(self, uid: str) -> Any:
        self.push_ok(*self.session_events(uid)[:1])
        session = self.session(uid)
        session._as_system().write({"currency_id": self.env.ref("base.EUR").id, "amount_estimated": 2.5})
        return session

    def test_cost_goes_to_the_display_once_in_a_while_and_only_where_it_is_wanted(self) -> None:
        self.live_session("cost-1")
        self.station.connection_state = "online"
        reading = self.session_events("cost-1")[1]
        self.push_ok(reading | {"uid": "r1"})
        self.assertFalse(self.commands("cost_updated"))
        self.station.shows_costs = True
        for number in (2, 3):
            at = f"2026-03-01T10:3{number}:00.000Z"
            self.push_ok(reading | {"uid": f"r{number}", "at": at})
        command = self.commands("cost_updated")
        self.assertEqual(len(command), 1)
        self.assertEqual((command.payload["session_uid"], command.payload["total_cost"]), ("cost-1", "2.50"))
        self.assertEqual(command.session_id.uid, "cost-1")

    def test_certificates_of_a_station_are_listed_and_deleted_where_they_are_listed(self) -> None:
        data = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1F"}
        listing = self.env["emobility.command"]._request(self.station, "installed_certificates", {})
        chain = {"certificateType": "MORootCertificate", "certificateHashData": data}
        self.final(listing, answer={"status": "Accepted", "certificateHashDataChain": [chain]})
        installed = self.station.installed_certificate_ids
        self.assertEqual((installed.use, installed.serial), ("mo", "1F"))
        installed.with_user(self.manager).action_delete_installed()
        deletion = self.commands("delete_certificate")
        self.assertEqual(deletion.payload, data)
        with self.queue_done():
            self.final(deletion, answer={"status": "Accepted"})
        self.assertFalse(installed.exists())

    def queue_done(self) -> Any:
        """Jobs of this test run at once."""
        model = self.env.registry["emobility.station.installed.certificate"]
        return patch(
            "odoo.addons.emobility_ocpp.models.emobility_command.enqueue",
            lambda records, *_arguments, **_options: model.browse(records, records.ids),
        )

    def test_who_asked_for_a_start_hears_what_became_of_it(self) -> None:
        heard: list[tuple[str, str]] = []
        model = self.env.registry["emobility.session"]
        with patch.object(model, "_remote_answered", lambda _self, *words: heard.append(words[:2])):
            references = [self.evse._start_remotely(self.token) for _ in range(4)]
            for reference, status in zip(references, ("accepted", "rejected", "offline", "unknown"), strict=True):
                command = self.env["emobility.command"].search([("uid", "=", reference)])
                self.final(command, "sent")
                self.final(command, status)
            self.assertEqual(command.number, 77)
        words = ("ACCEPTED", "REJECTED", "FAILED", "TIMEOUT")
        self.assertEqual(heard, list(zip(references, words, strict=True)))

    def test_end_that_nobody_reported_is_held_and_the_real_one_replaces_it(self) -> None:
        events = self.session_events("orphan-1")
        self.push_ok(*events[:2])
        assumed = {"session_uid": "orphan-1", "meter_kwh": None, "reason": "NewTransaction", "estimated": True}
        self.push_ok(self.event("orphan-end", "session.ended", "2026-03-02T10:00:00.000Z", **assumed))
        session = self.session("orphan-1")
        self.assertEqual((session.state, str(session.end_at)), ("ended", "2026-03-01 10:30:00"))
        problems = session._derive()[session.id].problems
        self.assertIn("the station never reported the end", [problem.evidence.get("reason") for problem in problems])
        self.push_ok(events[2])
        session.invalidate_recordset()
        self.assertEqual((str(session.end_at), session.energy_kwh), ("2026-03-01 11:00:00", 10.0))
        self.assertFalse(session._derive()[session.id].problems)

    def test_reports_that_were_asked_for_are_in_the_chatter(self) -> None:
        self.push_ok(self.event("notice", "station.notice", subject="monitoring", content={"monitor": ["<x>"]}))
        self.assertIn("&lt;x&gt;", self.station.message_ids[0].body)

    def test_the_end_of_a_reservation_and_profiles_are_in_the_chatter(self) -> None:
        for number, (subject, words) in enumerate(
            {
                "reservation": "A reservation has ended",
                "charging_profiles": "Charging profiles",
            }.items()
        ):
            self.push_ok(self.event(f"notice-{number}", "station.notice", subject=subject, content={"evseId": 1}))
            self.assertIn(words, self.station.message_ids[0].body)

    def test_variables_that_were_asked_for_are_settings(self) -> None:
        command = self.env["emobility.command"]._request(self.station, "get_configuration", {"keys": ["A#1.B[x]"]})
        result = {
            "attributeStatus": "Accepted",
            "attributeValue": "5",
            "component": {"name": "A", "evse": {"id": 1}},
            "variable": {"name": "B", "instance": "x"},
        }
        self.final(command, answer={"getVariableResult": [result]})
        self.assertEqual((self.station.setting_ids.key, self.station.setting_ids.value), ("A#1.B[x]", "5"))
