"""From messages of partners to sessions and bills, and from our changes to partners."""

from __future__ import annotations

import json
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.queue_job.fields import JobDecoder, JobEncoder
from odoo.addons.queue_job.tests.common import trap_jobs

from ..models import ocpi_sync
from ..ocpi.transport import Page
from ..ocpi_client import Answer
from .ocpi_common import OcpiCommon, failed, ok


@tagged("post_install", "-at_install")
class TestReceive(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _token = cls._connect()

    def sessions(self):
        return self.env["emobility.session"].search([("source", "=", "ocpi")])

    def test_a_session_of_our_driver_is_live_and_billed_with_the_cdr_exactly_once(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        self.receive(self.connection, "sessions", self.session_data())
        session = self.sessions()
        self.assertEqual((session.state, session.token_id, session.energy_kwh), ("live", self.token, 4.0))
        self.assertEqual(session.roaming_partner_id.role, "CPO")
        done = self.session_data(status="COMPLETED", kwh=9.5, end_date_time="2026-03-01T11:00:00Z",
                                 last_updated="2026-03-01T11:00:00Z")  # fmt: skip
        self.receive(self.connection, "sessions", done)
        self.assertEqual(session.state, "live", "only the CDR is billed")
        with self.jobs_run():
            for _time in range(2):
                self.receive(self.connection, "cdrs", self.cdr_data())
        self.assertEqual((session.state, session.energy_kwh), ("ended", 9.5))
        session._process()
        self.assertEqual((session.state, len(session.cdr_ids)), ("done", 1))
        self.assertEqual(session.cdr_ids.retail_amount, 4.66, "9.5 kWh at 0.49")
        self.assertEqual(session.partner_cdr_ids.total_gross, 4.76)
        count = session.event_count
        with self.jobs_run():
            self.receive(self.connection, "cdrs", self.cdr_data())
            self.receive(self.connection, "sessions", done)
        self.assertEqual((session.event_count, len(session.cdr_ids)), (count, 1))

    def test_f45_a_cdr_on_the_border_of_two_pages_is_taken_once(self) -> None:
        self.assertEqual(self.receive(self.connection, "cdrs", self.cdr_data(), self.cdr_data(id="cdr-1")), 1)
        self.assertEqual(self.receive(self.connection, "cdrs", self.cdr_data()), 0)

    def test_an_older_state_that_arrives_late_changes_nothing(self) -> None:
        self.receive(
            self.connection, "locations", self.location_data(name="New", last_updated="2026-03-02T00:00:00Z")
        )
        self.assertEqual(self.receive(self.connection, "locations", self.location_data(name="Old")), 0)
        self.assertEqual(self.env["emobility.location"].search([("ocpi_id", "=", "LOC-9")]).name, "New")

    def test_f47_session_and_cdr_belong_together_by_the_session_id(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        for number in ("1", "2"):
            self.receive(self.connection, "sessions", self.session_data(id=f"s-{number}"))
        with self.jobs_run():
            self.receive(self.connection, "cdrs", self.cdr_data(session_id="S-2", authorization_reference="ref"))
        self.assertEqual(self.env["emobility.roaming.cdr"].search([]).session_id.uid, "NL*XYZ*S-2")

    def test_f48_a_session_that_stays_pending_is_held_as_far_too_long(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        self.receive(self.connection, "sessions", self.session_data(status="PENDING", kwh=0))
        session = self.sessions()
        why = session._why_unattended()
        self.assertEqual(why, "duration")
        with self.partner_answers(ok({"result": "ACCEPTED", "timeout": 30})) as asked:
            session._close_unattended(why)
        self.assertEqual([call["url"].rsplit("/", 1)[-1] for call in asked], ["STOP_SESSION"])
        self.assertEqual(session.state, "held")
        self.assertIn("zombie", session.hold_ids.mapped("reason_code"))

    def test_f49_a_cdr_without_evse_is_kept_with_the_reason(self) -> None:
        connection, _token = self._connect("BEOLD", version="2.1.1", our_roles="EMSP")
        place = {name: value for name, value in self.location_data(evses=[]).items()
                 if name not in ("country_code", "party_id", "publish")}  # fmt: skip
        cdr = {"id": "C-1", "start_date_time": "2026-03-01T10:00:00Z", "stop_date_time": "2026-03-01T11:00:00Z",
               "auth_id": self.token.uid, "auth_method": "WHITELIST", "location": place, "currency": "EUR",
               "charging_periods": [], "total_cost": 4, "total_energy": 9, "total_time": 1,
               "last_updated": "2026-03-01T11:00:00Z"}  # fmt: skip
        with self.jobs_run():
            self.receive(connection, "cdrs", cdr)
        received = self.env["emobility.roaming.cdr"].search([("connection_id", "=", connection.id)])
        self.assertIn("no EVSE", received.error)
        self.assertFalse(received.session_id)

    def test_f44_a_credit_cdr_is_paired_and_a_person_decides(self) -> None:
        with self.jobs_run():
            self.receive(self.connection, "cdrs", self.cdr_data())
        session = self.sessions()
        session._process()
        credit = self.cdr_data(id="CDR-1-C", credit=True, credit_reference_id="cdr-1", total_energy=9.5,
                               total_cost={"excl_vat": -4.0})  # fmt: skip
        with self.jobs_run():
            self.receive(self.connection, "cdrs", credit)
        [original, paired] = self.env["emobility.roaming.cdr"].search([], order="id")
        self.assertEqual(paired.credited_id, original)
        self.assertEqual(
            session.hold_ids.filtered(lambda hold: hold.state == "open").mapped("reason_code"), ["late_change"]
        )

    def test_f28_and_2_1_1_the_driver_is_found_by_the_contract(self) -> None:
        connection, _token = self._connect("BEOLD", version="2.1.1", our_roles="EMSP")
        place = {name: value for name, value in self.location_data().items()
                 if name not in ("country_code", "party_id", "publish")}  # fmt: skip
        place["evses"][0]["connectors"] = [
            {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "voltage": 230,
             "amperage": 32, "last_updated": "2026-03-01T10:00:00Z"}
        ]  # fmt: skip
        session = {"id": "old-1", "start_datetime": "2026-03-01T10:00:00", "kwh": 1, "auth_id": self.token.uid,
                   "auth_method": "WHITELIST", "location": place, "currency": "EUR", "status": "ACTIVE",
                   "last_updated": "2026-03-01T10:05:00Z"}  # fmt: skip
        self.receive(connection, "sessions", session)
        live = self.sessions()
        self.assertEqual((live.token_id, live.evse_id.ocpi_uid), (self.token, "e-9"))
        self.assertEqual(str(live.start_at), "2026-03-01 10:00:00")
        # A CDR of 2.1.1 names no session: it ends the one that began there and then, also when it is applied again.
        cdr = {"id": "C-1", "start_date_time": "2026-03-01T10:00:00Z", "stop_date_time": "2026-03-01T11:00:00Z",
               "auth_id": self.token.uid, "auth_method": "WHITELIST", "location": place, "currency": "EUR",
               "charging_periods": [{"start_date_time": "2026-03-01T10:00:00Z",
                                     "dimensions": [{"type": "ENERGY", "volume": 9}]}],
               "total_cost": 4, "total_energy": 9, "total_time": 1, "last_updated": "2026-03-01T11:00:00Z"}  # fmt: skip
        with self.jobs_run():
            self.receive(connection, "cdrs", cdr)
        received = self.env["emobility.roaming.cdr"].search([("connection_id", "=", connection.id)])
        received._apply()
        self.assertEqual((received.error, received.session_id, self.sessions()), (False, live, live))
        self.assertEqual((live.state, str(live.end_at)), ("ended", "2026-03-01 11:00:00"))
        # Another one of the same place and time is another session.
        with self.jobs_run():
            self.receive(connection, "cdrs", cdr | {"id": "C-2"})
        self.assertEqual(len(self.sessions()), 2)

    def test_a_session_at_an_unknown_location_waits_until_it_is_fetched(self) -> None:
        with self.partner_answers(ok(self.location_data())) as asked, self.jobs_run():
            self.receive(self.connection, "sessions", self.session_data())
            self.assertFalse(self.sessions())
        self.assertTrue(asked[0]["url"].endswith("/sender/locations/LOC-9"))
        self.assertEqual(self.sessions().evse_id.ocpi_uid, "e-9")

    def test_tariffs_become_versions_that_our_engine_prices(self) -> None:
        data = {
            "country_code": "NL", "party_id": "XYZ", "id": "T1", "currency": "EUR",
            "elements": [
                {"price_components": [{"type": "ENERGY", "price": 0.30, "vat": 21, "step_size": 1}],
                 "restrictions": {"start_time": "08:00", "end_time": "20:00", "day_of_week": ["MONDAY"]}},
                {"price_components": [{"type": "ENERGY", "price": 0.20, "vat": 21, "step_size": 1}]},
            ],
            "last_updated": "2026-03-01T10:00:00Z",
        }  # fmt: skip
        self.receive(self.connection, "tariffs", data)
        tariff = self.env["emobility.tariff"].search([("ocpi_id", "=", "T1")])
        self.assertEqual((tariff.price_mode, tariff.roaming_partner_id.party_id), ("net", "XYZ"))
        engine = tariff.version_ids._engine_tariff()
        self.assertEqual([float(element.components[0].price) for element in engine.elements], [0.3, 0.2])
        tariff.version_ids._freeze()
        self.receive(
            self.connection,
            "tariffs",
            data | {"elements": data["elements"][1:], "last_updated": "2026-03-02T10:00:00Z"},
        )
        self.assertEqual(len(tariff.version_ids), 2, "what was charged stays as it was")

    def test_objects_of_a_party_that_is_not_behind_the_connection_are_refused(self) -> None:
        with self.assertRaisesRegex(UserError, "not a party"):
            self.receive(self.connection, "locations", self.location_data(party_id="QQQ"))

    def test_tokens_come_in_hundreds_with_few_queries(self) -> None:
        few = [self.token_data(f"04AA{number:04X}") for number in range(10)]
        many = [self.token_data(f"04BB{number:04X}") for number in range(40)]
        self.receive(self.connection, "tokens", few[0])
        with self.assertQueryCount(60):
            self.receive(self.connection, "tokens", *many)
        self.assertEqual(self.env["emobility.token"].search_count([("uid", "=like", "04BB%")]), 40)


@tagged("post_install", "-at_install")
class TestSend(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _token = cls._connect()

    def test_a_changed_token_is_pushed_once_for_several_changes(self) -> None:
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.token.state = "blocked"
            self.token.state = "active"
            self.token.state = "blocked"
        puts = [call for call in asked if call["method"] == "PUT"]
        self.assertEqual(len(puts), 1)
        self.assertTrue(puts[0]["url"].endswith(f"/receiver/tokens/DE/ABC/{self.token.uid}"))
        self.assertFalse(puts[0]["body"]["valid"])
        self.assertEqual(puts[0]["headers"]["OCPI-to-party-id"], "XYZ")

    def test_a_provider_is_told_the_tariffs_of_its_contract_when_it_gets_one(self) -> None:
        provider = self.connection.party_ids.filtered(lambda each: each.role == "EMSP")
        provider.contract_id = False
        self.assertEqual(self.env["emobility.ocpi.publisher"]._page(self.connection, "tariffs", Page())[1], 0)
        with self.partner_answers(ok()) as asked, self.jobs_run():
            provider.contract_id = self.partner_contract
            self.connection._publish("tariffs")
        self.assertEqual([call["body"]["id"] for call in asked if "tariffs" in call["url"]], ["STANDARD-1"])

    def test_a_location_is_pushed_when_a_connector_of_it_changes(self) -> None:
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.connector.max_power_kw = 11
        self.assertEqual(asked[0]["body"]["evses"][0]["connectors"][0]["max_electric_power"], 11000)

    def test_what_a_partner_told_us_is_not_told_back(self) -> None:
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self.receive(self.connection, "locations", self.location_data())
            self.receive(self.connection, "tokens", self.token_data())
        self.assertEqual(asked, [])

    def test_a_push_that_fails_is_tried_again_later_and_not_for_ever(self) -> None:
        with self.partner_answers(failed(503)) as asked, self.jobs_run():
            self.connection._push("tokens", self.token.id, 0)
        self.assertEqual([call["method"] for call in asked], ["PUT", "PUT"], "once more by the job that was queued")
        with self.partner_answers(failed(503)) as asked:
            for attempt in range(6):
                self.connection._push("tokens", self.token.id, attempt)
        self.assertEqual(len(asked), 3, "then the circuit is open")
        self.assertEqual(self.connection.health, "down")
        self.assertTrue(self.connection.broken_until > fields.Datetime.now())

    def test_a_push_that_the_partner_refuses_is_not_tried_again(self) -> None:
        with self.partner_answers(failed(200, 2001)) as asked, self.jobs_run():
            self.connection._push("tokens", self.token.id, 0)
        self.assertEqual(len(asked), 1)

    def test_a_circuit_that_is_open_lets_nothing_out(self) -> None:
        with self.partner_answers(failed(503)):
            for _time in range(5):
                self.connection._call("GET", "https://x", module="locations")
        self.messages_are_of_now()
        with self.partner_answers(ok()) as asked:
            answer = self.connection._call("GET", "https://x", module="locations")
        self.assertFalse(answer.ok)
        self.assertEqual(asked, [])

    def test_f46_sessions_and_cdrs_are_sent_and_again_when_the_partner_lost_them(self) -> None:
        self.receive(self.connection, "tokens", self.token_data())
        self.evse.evse_id = "DE*ABC*E1"
        with self.partner_answers(ok(Location="https://nlxyz.example.com/cdr/7")) as asked, self.jobs_run():
            session = self._session_at_our_station()
            session._process()
        self.assertEqual(session.state, "done")
        sent = {(call["method"], call["url"].split("/")[-1]): call["body"] for call in asked if call.get("body")}
        self.assertEqual(sent["PUT", "ours-1"]["cdr_token"]["uid"], "04DDEEFF")
        cdr = sent["POST", "cdrs"]
        self.assertEqual((cdr["total_energy"], cdr["total_cost"]["incl_vat"]), (10.0, 4.9))
        self.assertEqual(cdr["cdr_token"]["contract_id"], "NLXYZC04DDEEFF")
        row = session.cdr_ids.exchange_ids
        self.assertEqual((row.direction, row.receiver_url), ("out", "https://nlxyz.example.com/cdr/7"))
        self.assertTrue(row.exchanged_at)
        with (
            patch.object(ocpi_sync, "PRESENCE_DAYS", 10_000),
            self.partner_answers(failed(404, 2001)) as asked,
            self.jobs_run(),
        ):
            self.connection._check_present("cdrs")
        methods = [call["method"] for call in asked]
        self.assertEqual(methods, ["GET", "POST"], "F46: lost, so sent again")
        with patch.object(ocpi_sync, "PRESENCE_DAYS", 10_000), self.partner_answers(ok()) as asked, self.jobs_run():
            self.connection._check_present("cdrs")
        self.assertEqual([call["method"] for call in asked], ["GET"], "it is there")

    def test_f46_what_was_never_sent_is_found_without_a_question(self) -> None:
        self.receive(self.connection, "tokens", self.token_data())
        self.evse.evse_id = "DE*ABC*E1"
        self.connection.state = "paused"
        with self.partner_answers(ok()) as asked, self.jobs_run():
            self._session_at_our_station()._process()
        self.assertEqual(asked, [])
        self.connection.state = "connected"
        with patch.object(ocpi_sync, "PRESENCE_DAYS", 10_000), self.partner_answers(ok()) as asked, self.jobs_run():
            self.connection._check_present("cdrs")
        self.assertEqual([call["method"] for call in asked], ["POST"])

    def test_f46_a_session_that_the_partner_does_not_know_is_sent_again(self) -> None:
        self.receive(self.connection, "tokens", self.token_data())
        with trap_jobs():
            session = self._session_at_our_station()
        self.assertEqual(session.state, "ended")
        for answer, methods in ((ok({}), ["GET"]), (failed(404, 2001), ["GET", "PUT"]), (failed(503), ["GET"])):
            with (
                patch.object(ocpi_sync, "PRESENCE_DAYS", 10_000),
                self.partner_answers(answer) as asked,
                self.jobs_run(),
            ):
                self.connection._check_present("sessions")
            self.assertEqual([call["method"] for call in asked], methods, answer.error)
            self.assertTrue(asked[0]["url"].endswith("/receiver/sessions/DE/ABC/ours-1"))

    def test_f46_presence_is_checked_in_both_directions_a_part_in_each_job(self) -> None:
        with trap_jobs() as trap, self.partner_answers(ok([])) as asked:
            self.connection._check_presence()
        self.assertEqual([call["url"].split("/")[-1] for call in asked], ["sessions", "cdrs"], "what we lost")
        self.assertEqual([job.args for job in trap.enqueued_jobs], [("sessions", 0), ("cdrs", 0)], "what they lost")
        self.receive(self.connection, "tokens", self.token_data())
        with trap_jobs():
            session = self._session_at_our_station()
        with (
            patch.object(ocpi_sync, "PRESENCE_DAYS", 10_000),
            patch.object(ocpi_sync, "CALLS_AT_ONCE", 1),
            self.partner_answers(ok({})),
            trap_jobs() as trap,
        ):
            self.connection._check_present("sessions")
        self.assertEqual([job.args for job in trap.enqueued_jobs], [("sessions", session.id)])

    def _session_at_our_station(self):
        events = [
            {"uid": f"o{kind}", "source": "ocpp", "session_uid": "ours-1", "kind": kind, "at": at, "payload": payload}
            for kind, at, payload in (
                ("started", "2026-03-01T10:00:00.000Z",
                 {"evse_id": self.evse.id, "connector_id": self.connector.id, "token_uid": "04DDEEFF",
                  "meter_kwh": "0", "authorization": "Accepted"}),
                ("ended", "2026-03-01T11:00:00.000Z", {"meter_kwh": "10"}),
                ("unplugged", "2026-03-01T11:00:00.000Z", {}),
            )
        ]  # fmt: skip
        self.env["emobility.session"]._ingest_events(events)
        return self.env["emobility.session"].search([("uid", "=", "ours-1")])

    # Pull

    def test_pages_are_fetched_to_the_end_and_one_bad_object_keeps_nothing_back(self) -> None:
        pages = (
            ok(
                [self.token_data("04AA0001"), {"uid": "broken"}],
                X_Total_Count="3",
                Link='<https://nlxyz.example.com/2>; rel="next"',
            ),
            ok([self.token_data("04AA0002")], X_Total_Count="3"),
        )  # fmt: skip
        with self.partner_answers(*pages) as asked:
            count = self.connection._pull("tokens", True)
        self.assertEqual((count, len(asked)), (2, 2))
        module = self.env["emobility.ocpi.module"]._of(self.connection, "tokens", "SENDER")
        self.assertIn("Field required", module.last_error)
        self.assertFalse(module.pulled_until, "what is missing is fetched again")

    def test_the_next_pull_asks_for_what_changed_since(self) -> None:
        with self.partner_answers(ok([])) as asked:
            self.connection._pull("tokens")
            self.connection._pull("tokens")
        self.assertNotIn("date_from", asked[0]["params"])
        self.assertIn("date_from", asked[1]["params"])

    def test_a_long_list_goes_on_in_the_next_job_and_every_page_is_kept_by_itself(self) -> None:
        link = {"Link": '<https://nlxyz.example.com/next>; rel="next"', "X-Total-Count": "3"}
        pages = (
            ok([self.token_data("04AA0001")], **link),
            ok([{"uid": "broken"}], **link),
            ok([self.token_data("04AA0003")], X_Total_Count="3"),
        )
        module = self.env["emobility.ocpi.module"]._of(self.connection, "tokens", "SENDER")
        with patch.object(ocpi_sync, "PULL_SECONDS", 0), self.partner_answers(*pages) as asked:
            counts, jobs = [], [{}]
            while jobs:
                with trap_jobs() as trap:
                    counts.append(self.connection._pull("tokens", True, **jobs.pop()))
                # As the queue keeps them.
                jobs = [json.loads(json.dumps(job.kwargs, cls=JobEncoder), cls=JobDecoder, env=self.env)
                        for job in trap.enqueued_jobs if "_pull" in job.func_string]  # fmt: skip
                for job in jobs:
                    job.pop("attempt")
        self.assertEqual((counts, len(asked)), ([1, 0, 1], 3))
        self.assertEqual(asked[1]["url"], "https://nlxyz.example.com/next")
        self.assertIn("Field required", module.last_error)
        self.assertFalse(module.pulled_until, "what is missing is fetched again")

    def test_a_list_that_fails_in_between_goes_on_there(self) -> None:
        link = {"Link": '<https://nlxyz.example.com/next>; rel="next"'}
        with self.partner_answers(ok([self.token_data()], **link), failed(503)), trap_jobs() as trap:
            self.connection._pull("tokens", True)
        [job] = [job for job in trap.enqueued_jobs if "_pull" in job.func_string]
        self.assertEqual((job.kwargs["attempt"], job.kwargs["step"][1]), (1, "https://nlxyz.example.com/next"))
        with self.partner_answers(ok([self.token_data("04AA0002")])) as asked:
            self.connection._pull("tokens", True, **job.kwargs)
        self.assertEqual([call["url"] for call in asked], ["https://nlxyz.example.com/next"])
        module = self.env["emobility.ocpi.module"]._of(self.connection, "tokens", "SENDER")
        self.assertTrue(module.pulled_until)
        self.assertFalse(module.last_error)

    def test_all_that_is_published_is_queued_in_parts(self) -> None:
        for number in range(3):
            self.token.copy({"uid": f"04CC000{number}", "state": "active"})
        tokens = self.env["emobility.token"].search(
            self.env["emobility.ocpi.publisher"]._domain(self.connection, "tokens"), order="id"
        )
        queued, after = [], [0]
        with patch.object(ocpi_sync, "OBJECTS_AT_ONCE", 2):
            while after:
                with trap_jobs() as trap:
                    self.connection._publish("tokens", after.pop())
                queued += [job.args[1] for job in trap.enqueued_jobs if "_push" in job.func_string]
                after = [job.args[1] for job in trap.enqueued_jobs if "_publish" in job.func_string]
        self.assertEqual(queued, tokens.ids)

    def test_a_list_that_gets_shorter_is_read_one_step_back(self) -> None:
        link = {"Link": '<https://nlxyz.example.com/next>; rel="next"'}
        pages = (
            ok([self.token_data("04AA0001")], X_Total_Count="4", **link),
            ok([self.token_data("04AA0002")], X_Total_Count="3", **link),
            ok([self.token_data("04AA0003")], X_Total_Count="3"),
        )
        with self.partner_answers(*pages) as asked:
            self.connection._pull("tokens", True)
        self.assertEqual(asked[2]["params"]["offset"], "1")

    def test_a_partner_without_link_header_is_read_by_counting(self) -> None:
        self.connection.no_link = True
        pages = (
            ok([self.token_data("04AA0001")], X_Total_Count="2"),
            ok([self.token_data("04AA0002")], X_Total_Count="2"),
        )
        with self.partner_answers(*pages) as asked:
            self.assertEqual(self.connection._pull("tokens", True), 2)
        self.assertEqual(asked[1]["params"]["offset"], "1")

    def test_a_next_page_at_another_host_is_not_fetched(self) -> None:
        page = ok([self.token_data()], Link='<https://evil.example.com/2>; rel="next"')
        with self.partner_answers(page) as asked:
            self.connection._pull("tokens", True)
        self.assertEqual(len(asked), 1)
        self.assertIn(
            "another host", self.env["emobility.ocpi.module"]._of(self.connection, "tokens", "SENDER").last_error
        )

    # Commands

    def test_our_driver_starts_and_stops_at_a_partners_station_from_the_portal(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        evse = self.env["emobility.evse"].search([("ocpi_uid", "=", "e-9")])
        self.assertTrue(evse._can_start_remotely())
        with self.partner_answers(ok({"result": "ACCEPTED", "timeout": 30})) as asked:
            evse._start_remotely(self.token)
        self.assertTrue(asked[0]["url"].endswith("/commands/START_SESSION"))
        self.assertEqual((asked[0]["body"]["location_id"], asked[0]["body"]["evse_uid"]), ("LOC-9", "e-9"))
        command = self.env["emobility.ocpi.command"].search([])
        command._partner_answered("ACCEPTED")
        self.assertEqual(command.state, "done")
        reference = asked[0]["body"]["authorization_reference"]
        self.receive(self.connection, "sessions", self.session_data(authorization_reference=reference))
        session = self.env["emobility.session"].search([("source", "=", "ocpi")])
        self.assertEqual(session.authorization_reference, reference)
        with self.partner_answers(ok({"result": "REJECTED"})) as asked, self.assertRaisesRegex(UserError, "REJECTED"):
            session._stop_remotely()
        self.assertEqual(asked[0]["body"]["session_id"], "s-1")

    def test_f48_a_command_that_nobody_answers_times_out(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        evse = self.env["emobility.evse"].search([("ocpi_uid", "=", "e-9")])
        with self.partner_answers(ok({"result": "ACCEPTED"})):
            evse._start_remotely(self.token)
        command = self.env["emobility.ocpi.command"].search([])
        self.env.cr.execute("UPDATE emobility_ocpi_command SET create_date = create_date - interval '1 hour'")
        command.invalidate_recordset()
        command._cron_give_up()
        self.assertEqual((command.state, command.result), ("failed", "TIMEOUT"))
        self.receive(
            self.connection, "sessions", self.session_data(authorization_reference=command.authorization_reference)
        )
        self.assertTrue(self.env["emobility.session"].search([("source", "=", "ocpi")]), "the session starts yet")

    def test_messages_can_be_sent_again(self) -> None:
        with self.partner_answers(Answer(500, "oops", {}, 0.1, error="HTTP 500")):
            self.connection._push("tokens", self.token.id, 5)
        message = self.env["emobility.ocpi.message"].search([], limit=1)
        self.assertEqual((message.state, message.response_body), ("failed", "oops"))
        with self.partner_answers(ok()) as asked:
            message.action_replay()
        self.assertEqual((asked[0]["method"], asked[0]["body"]["uid"]), ("PUT", self.token.uid))
