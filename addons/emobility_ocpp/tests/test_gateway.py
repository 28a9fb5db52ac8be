from typing import Any
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import OcppCommon

MESSAGE_LOGGER = "odoo.addons.emobility_ocpp.models.emobility_ocpp_message"


@tagged("post_install", "-at_install")
class TestGateway(OcppCommon):
    def assert_whole_session(self, uid: str) -> None:
        session = self.session(uid)
        self.assertEqual(len(session), 1)
        self.assertEqual(session.evse_id, self.evse)
        self.assertEqual(session.connector_id, self.connector)
        self.assertEqual(session.token_id, self.token)
        self.assertEqual(str(session.start_at), "2026-03-01 10:00:00")
        self.assertEqual(str(session.end_at), "2026-03-01 11:00:00")
        self.assertEqual(str(session.unplugged_at), "2026-03-01 11:05:00")
        self.assertAlmostEqual(session.energy_kwh, 10.0, places=3)
        self.assertEqual(len(session.event_ids), 4)

    def test_events_of_a_session_become_one_session(self) -> None:
        self.push_ok(*self.session_events("s-1"))
        self.assert_whole_session("s-1")

    def test_events_in_any_order_and_batch_become_the_same_session(self) -> None:
        for event in reversed(self.session_events("s-2")):
            self.push_ok(event)
        self.assert_whole_session("s-2")

    def test_f20_queue_replayed_twice_is_answered_with_duplicate_and_changes_nothing(self) -> None:
        events = self.session_events("s-3")
        self.push_ok(*events)
        self.assertEqual({answer["status"] for answer in self.push(*events)}, {"duplicate"})
        self.assert_whole_session("s-3")

    def test_event_twice_in_one_batch_is_applied_once(self) -> None:
        started = self.session_events("s-4")[0]
        self.assertEqual([answer["status"] for answer in self.push(started, started)], ["ok", "duplicate"])
        self.assertEqual(len(self.session("s-4").event_ids), 1)

    def test_answers_come_in_the_order_of_the_events(self) -> None:
        events = self.session_events("s-5")
        answers = self.push(events[2], self.event("odd", "no.such.kind"), events[0])
        self.assertEqual([answer["uid"] for answer in answers], ["s-5-3", "odd", "s-5-1"])
        self.assertEqual([answer["status"] for answer in answers], ["ok", "error", "ok"])

    def test_event_of_an_unknown_station_is_kept_and_applied_by_retry(self) -> None:
        events = self.session_events("s-6")
        for event in events:
            event["station"] = "TEST-CS-NEW"
        answers = self.push(*events)
        self.assertEqual({answer["error"] for answer in answers}, {"The station TEST-CS-NEW is not known."})
        self.assertFalse(self.session("s-6"))
        messages = self.env["emobility.ocpp.message"].search([("station", "=", "TEST-CS-NEW")])
        self.assertEqual(messages.mapped("state"), ["error"] * 4)
        self.station.identity = "TEST-CS-NEW"
        messages.with_user(self.manager).action_retry()
        self.assertEqual(set(messages.mapped("state")), {"done"})
        self.assert_whole_session("s-6")

    def test_event_that_failed_is_tried_again_when_it_is_delivered_again(self) -> None:
        started = self.session_events("s-7")[0]
        started["payload"]["evse"] = 9
        [answer] = self.push(started)
        self.assertEqual(answer["error"], "The station TEST-CS-1 has no EVSE with the OCPP number 9.")
        self.evse.ocpp_evse_number = 9
        self.push_ok(started)
        self.assertEqual(self.session("s-7").evse_id, self.evse)
        self.assertFalse(self.message("s-7-1").error)

    def test_broken_events_are_kept_with_a_clear_error_and_do_not_stop_the_others(self) -> None:
        broken = {
            "An event must be a mapping of names to values.": "what is this",
            "The event has no “uid”.": {"kind": "station.boot"},
            "The event kind “station.party” is not known.": self.event("b-1", "station.party"),
            "The time “2026-03-01T10:00:00” does not say that it is UTC (it must end with Z).": self.event(
                "b-2", "station.boot", "2026-03-01T10:00:00"
            ),
            "The payload of “session.ended” has no “session_uid”.": self.event("b-3", "session.ended"),
            "“evse” in the payload of “connector.status” must be a whole number.": self.event(
                "b-4", "connector.status", evse="1", status="Available"
            ),
            "The event has no “at”.": {"uid": "b-5", "station": "TEST-CS-1", "kind": "station.boot"},
        }
        answers = self.push(*broken.values(), *self.session_events("s-8"))
        self.assertEqual([answer["error"] for answer in answers[:-4]], list(broken))
        self.assertEqual([answer["status"] for answer in answers[-4:]], ["ok"] * 4)
        for answer in answers[:-4]:
            self.assertEqual(self.message(answer["uid"]).state, "error")
        self.assertEqual(self.message("b-3").payload["kind"], "session.ended")
        again = self.push(*broken.values())
        self.assertEqual([answer["uid"] for answer in again], [answer["uid"] for answer in answers[:-4]])

    def test_nul_characters_and_not_a_number_do_not_lose_an_event(self) -> None:
        self.push_ok(
            self.event("n-1", "station.boot", vendor="Ac\x00me", model="X", extra=float("nan")),
        )
        self.assertEqual(self.station.vendor, "Ac\N{REPLACEMENT CHARACTER}me")

    @mute_logger(MESSAGE_LOGGER)
    def test_session_event_that_breaks_the_batch_does_not_stop_the_others(self) -> None:
        events = self.session_events("s-9")
        session_class = self.env.registry["emobility.session"]
        ingest = session_class._ingest_events

        def ingest_with_a_defect(sessions, batch):
            if any(event["uid"] == "s-9-2" for event in batch):
                raise ZeroDivisionError("defect")
            return ingest(sessions, batch)

        self.patch(session_class, "_ingest_events", ingest_with_a_defect)
        answers = self.push(*events)
        self.assertEqual([answer["status"] for answer in answers], ["ok", "error", "ok", "ok"])
        self.assertEqual(self.message("s-9-2").error, "ZeroDivisionError: defect")
        self.patch(session_class, "_ingest_events", ingest)
        self.message("s-9-2").action_retry()
        self.assert_whole_session("s-9")

    def test_conflict_of_a_session_reaches_the_session(self) -> None:
        self.push_ok(
            self.session_events("s-10")[0],
            self.event(
                "c-1", "session.conflict", session_uid="s-10", reason="second_stop", raw={"meterStop": 5}
            ),
        )
        self.assertIn("conflict", self.session("s-10").event_ids.mapped("kind"))

    def test_f17_conflict_without_a_session_is_taken_and_waits_for_a_person(self) -> None:
        conflict = self.event(
            "c-2", "session.conflict", session_uid=None, reason="unknown_stop", raw={"a": 1}
        )
        self.push_ok(conflict)
        message = self.message("c-2")
        self.assertEqual((message.state, message.payload["payload"]["raw"]), ("attention", {"a": 1}))
        self.assertEqual(self.push(conflict)[0]["status"], "duplicate")
        with self.assertRaises(AccessError):
            message.with_user(self.clerk).action_checked()
        message.with_user(self.manager).action_checked()
        self.assertEqual(message.state, "done")

    def test_boot_and_connection_are_shown_on_the_station(self) -> None:
        self.push_ok(
            self.event("st-1", "station.connected", ocpp="1.6", remote_address="192.0.2.7"),
            self.event(
                "st-2", "station.boot", vendor="Acme", model="M1", serial="S1", firmware="1.0", ocpp="1.6"
            ),
        )
        station = self.station
        self.assertEqual(station.connection_state, "online")
        self.assertEqual(
            (station.vendor, station.model, station.serial, station.firmware), ("Acme", "M1", "S1", "1.0")
        )
        self.assertEqual((station.ocpp_version, station.remote_address), ("1.6", "192.0.2.7"))
        self.assertEqual(str(station.last_seen), "2026-03-01 10:00:00")

    def test_late_disconnect_does_not_overrule_a_newer_connection(self) -> None:
        self.push_ok(
            self.event("st-3", "station.connected", "2026-03-01T10:00:05Z"),
            self.event("st-4", "station.disconnected", "2026-03-01T10:00:01Z"),
        )
        self.assertEqual(self.station.connection_state, "online")
        self.push_ok(self.event("st-5", "station.disconnected", "2026-03-01T10:00:09Z"))
        self.assertEqual(self.station.connection_state, "offline")

    def test_heartbeat_is_noted_on_the_station_and_not_filed(self) -> None:
        self.push_ok(self.event("hb-1", "station.heartbeat", "2026-03-02T00:00:00Z"))
        self.assertEqual(str(self.station.last_seen), "2026-03-02 00:00:00")
        self.assertFalse(self.message("hb-1"))

    def test_f26_time_in_the_future_does_not_make_a_station_seen_in_the_future(self) -> None:
        self.push_ok(self.event("hb-2", "station.heartbeat", "2199-01-01T00:00:00Z"))
        self.assertLess(self.station.last_seen.year, 2199)

    def test_status_of_a_connector_and_its_evse_follow_the_latest_report(self) -> None:
        self.push_ok(
            self.event(
                "cs-1", "connector.status", "2026-03-01T10:00:10Z", evse=1, connector=1, status="Charging"
            ),
            self.event(
                "cs-2", "connector.status", "2026-03-01T10:00:00Z", evse=1, connector=1, status="Preparing"
            ),
            self.event(
                "cs-3",
                "connector.status",
                evse=2,
                connector=1,
                status="Faulted",
                error_code="GroundFailure",
                info="RCD",
            ),
            self.event("cs-4", "connector.status", evse=0, connector=0, status="Available"),
        )
        self.assertEqual((self.connector.ocpp_status, self.evse.ocpp_status), ("Charging", "Charging"))
        self.assertEqual(self.evse_2.connector_ids.ocpp_error, "GroundFailure: RCD")
        self.assertEqual(self.evse_2.ocpp_status, "Faulted")
        self.assertEqual(self.station.status, "Available")

    def test_unknown_connector_and_unknown_status_are_errors(self) -> None:
        answers = self.push(
            self.event("cs-5", "connector.status", evse=1, connector=4, status="Available"),
            self.event("cs-6", "connector.status", evse=1, connector=1, status="Sleepy"),
        )
        self.assertIn("no connector with the OCPP number 4", answers[0]["error"])
        self.assertEqual(answers[1]["error"], "“Sleepy” is not a status of a connector.")

    def test_station_of_another_company_is_not_known(self) -> None:
        other = self.env["res.company"].create({"name": "Other operator"})
        gateway = self.env["emobility.ocpp.gateway"].with_user(self._new_bridge("test-bridge-2", other))
        [answer] = gateway.push_events([self.event("o-1", "station.boot", vendor="Evil")])
        self.assertEqual(answer["error"], "The station TEST-CS-1 is not known.")
        self.assertFalse(self.station.vendor)

    def test_a_token_is_decided_on_at_the_stations_of_the_company_only(self) -> None:
        places = []

        def decide(_tokens: Any, uid: str, company: Any, location: Any, evse: Any) -> dict[str, Any]:
            places.append((uid, company, location, evse))
            return {"status": "Accepted", "type": "RFID", "reference": "R"}

        with patch.object(type(self.env["emobility.token"]), "_authorize_at", decide):
            self.assertEqual(self.gateway.authorize("TEST-CS-1", "X", 2)["reference"], "R")
            self.assertEqual(self.gateway.authorize("TEST-CS-1", "X")["status"], "Accepted")
            self.assertEqual(self.gateway.authorize("NOWHERE", "X", 2)["status"], "Invalid")
            self.station.accepted = False
            self.assertEqual(self.gateway.authorize("TEST-CS-1", "X", 2)["status"], "Invalid")
        none = self.env["emobility.evse"]
        self.assertEqual(places, [("X", self.company, self.location, evse) for evse in (self.evse_2, none)])
        with self.assertRaises(AccessError):
            self.gateway.with_user(self.manager).authorize("TEST-CS-1", "X", 2)

    def test_events_must_be_a_list_of_at_most_a_thousand(self) -> None:
        with self.assertRaisesRegex(ValidationError, "must come as a list"):
            self.gateway.push_events({"uid": "x"})
        with self.assertRaisesRegex(ValidationError, "At most 1000 events"):
            self.gateway.push_events([{}] * 1001)

    def test_applied_messages_are_removed_after_their_time_and_errors_are_not(self) -> None:
        self.push(self.event("gc-1", "station.boot", vendor="A"), self.event("gc-2", "no.such.kind"))
        messages = self.message("gc-1") | self.message("gc-2")
        self.env.cr.execute(
            "UPDATE emobility_ocpp_message SET create_date = '2020-01-01' WHERE id = ANY(%s)", [messages.ids]
        )
        messages.invalidate_recordset()
        self.env["emobility.ocpp.message"]._gc_applied()
        self.assertEqual(messages.exists(), self.message("gc-2"))

    def test_queries_of_a_batch_grow_with_the_events_and_not_with_their_square(self) -> None:
        self.push_ok(*self.session_events("warm"))
        small = [event for number in range(5) for event in self.session_events(f"small-{number}")]
        large = [event for number in range(20) for event in self.session_events(f"large-{number}")]
        start = self.env.cr.sql_log_count
        self.push_ok(*small)
        middle = self.env.cr.sql_log_count
        self.push_ok(*large)
        end = self.env.cr.sql_log_count
        self.assertLessEqual(end - middle, 4 * (middle - start) + 20)
