"""Module chargingprofiles, as operator and as provider, in the versions that have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule

from .ocpi_common import AT, OcpiHttpCase, ok

PROFILE = {
    "start_date_time": AT,
    "duration": 900,
    "charging_rate_unit": "W",
    "min_charging_rate": 4140.0,
    "charging_profile_period": [{"start_period": 0, "limit": 11000.0}, {"start_period": 300, "limit": 6000.5}],
}


class ProfileCase(OcpiHttpCase):
    version = "2.2.1"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, cls.secret = cls._connect(version=cls.version)
        base = f"https://nlxyz.example.com/ocpi/{cls.version}"
        cls.env["emobility.ocpi.module"].create(
            [
                {
                    "connection_id": cls.connection.id, "module": "chargingprofiles", "interface": interface,
                    "url": f"{base}/{interface.lower()}/chargingprofiles",
                }
                for interface in ("SENDER", "RECEIVER")
            ]
        )  # fmt: skip
        cls.url = "https://nlxyz.example.com/result/7"

    def theirs(self) -> Any:
        """A live session of a driver of the partner at our station, called theirs-1."""
        self.receive(self.connection, "tokens", self.token_data())
        token = self.env["emobility.token"].search([("uid", "=", "04DDEEFF")])
        return self.env["emobility.session"].sudo()._as_system().create(
            {
                "uid": "theirs-1", "source": "ocpp", "state": "live", "company_id": self.company.id,
                "evse_id": self.evse.id, "connector_id": self.connector.id, "token_id": token.id,
                "start_at": "2026-03-01 10:00:00",
            }
        )  # fmt: skip

    def ours(self) -> Any:
        """A live session of our driver at the partner's station."""
        self.receive(self.connection, "locations", self.location_data())
        self.receive(self.connection, "sessions", self.session_data(id="Their-1"))
        return self.env["emobility.session"].search([("source", "=", "ocpi")])

    def ask(self, method: str, body: Any = None, *, session: str = "theirs-1", query: str = "") -> str:
        """Ask for something at a station that takes limits; it calls it station-9."""
        sessions = type(self.env["emobility.session"])
        self.asked: list[Any] = []

        def limit(_session: Any, what: Any) -> str:
            self.asked.append(what)
            return "station-9"

        with (
            patch.object(sessions, "_can_limit_remotely", return_value=True),
            patch.object(sessions, "_limit_remotely", limit),
            patch.object(sessions, "_ask_limit_remotely", limit),
        ):
            path = f"/{self.version}/cpo/chargingprofiles/{session}{query}"
            return str(self.data(self.secret, method, path, body)["result"])

    def answer(self, result: str, schedule: ChargingSchedule | None = None) -> list[dict[str, Any]]:
        """The station answers; returns what the partner is told."""
        with self.partner_answers(ok()) as told, self.jobs_run():
            self.env["emobility.session"]._remote_answered("station-9", result, schedule)
        return told


@tagged("post_install", "-at_install")
class TestProfiles(ProfileCase):
    # We are the operator

    def test_a_limit_goes_to_the_station_and_its_answer_to_the_partner(self) -> None:
        self.theirs()
        self.assertEqual(self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url}), "ACCEPTED")
        [schedule] = self.asked
        self.assertEqual((schedule.unit, schedule.duration, schedule.minimum), ("W", 900, 4140.0))
        self.assertEqual(schedule.periods, ((0, 11000.0), (300, 6000.5)))
        self.assertEqual(self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url}), "TOO_OFTEN")
        [told] = self.answer("ACCEPTED")
        self.assertEqual((told["method"], told["url"], told["body"]), ("POST", self.url, {"result": "ACCEPTED"}))
        self.assertEqual(self.answer("REJECTED"), [], "the first answer counts")

    def test_after_a_limit_the_partner_is_told_what_is_planned(self) -> None:
        self.theirs()
        self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url})
        with self.station_can_be_asked():
            self.answer("ACCEPTED")
        with self.partner_answers(ok()) as told, self.jobs_run():
            self.env["emobility.session"]._remote_answered(
                "station-10", "ACCEPTED", ChargingSchedule("W", ((0, 7000.0),), duration=86400)
            )
        [put] = told
        self.assertEqual((put["method"], put["url"].split("/")[-2:]), ("PUT", ["chargingprofiles", "theirs-1"]))
        periods = put["body"]["charging_profile"]["charging_profile_period"]
        self.assertEqual(periods, [{"start_period": 0, "limit": 7000.0}])

    def test_what_is_planned_is_told_when_the_partner_asks(self) -> None:
        self.theirs()
        self.assertEqual(self.ask("GET", query=f"?duration=900&response_url={self.url}"), "ACCEPTED")
        self.assertEqual(self.asked, [900])
        [told] = self.answer("ACCEPTED", ChargingSchedule("A", ((0, 16.0),)))
        self.assertEqual(told["body"]["result"], "ACCEPTED")
        self.assertEqual(told["body"]["profile"]["charging_profile"]["charging_rate_unit"], "A")

    def test_a_limit_ends_and_one_that_there_is_not_is_unknown(self) -> None:
        self.theirs()
        for result in ("ACCEPTED", "UNKNOWN"):
            self.assertEqual(self.ask("DELETE", query=f"?response_url={self.url}"), "ACCEPTED")
            self.assertEqual(self.asked, [None])
            [told] = self.answer(result)
            self.assertEqual(told["body"], {"result": result})

    def limited(self) -> Any:
        """A session that the partner has limited; it was told that 7 kW are planned."""
        session = self.theirs()
        self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url})
        with self.station_can_be_asked():
            self.answer("ACCEPTED")
        with self.partner_answers(ok()), self.jobs_run():
            session._remote_answered("station-10", "ACCEPTED", ChargingSchedule("W", ((0, 7000.0),)))
        return session

    @contextmanager
    def station_can_be_asked(self) -> Iterator[None]:
        sessions = type(self.env["emobility.session"])
        with (
            patch.object(sessions, "_can_limit_remotely", return_value=True),
            patch.object(sessions, "_ask_limit_remotely", return_value="station-10"),
        ):
            yield

    def test_who_limited_a_session_is_told_when_somebody_else_limits_it_too(self) -> None:
        session = self.limited()
        with self.station_can_be_asked():
            session._limits_changed()
        with self.partner_answers(ok()) as told, self.jobs_run():
            session._remote_answered("station-10", "ACCEPTED", ChargingSchedule("W", ((0, 4000.0),)))
        [put] = told
        self.assertEqual((put["method"], put["url"].split("/")[-2:]), ("PUT", ["chargingprofiles", "theirs-1"]))
        self.assertIn("/sender/", put["url"], "the interface of who set the profile")
        periods = put["body"]["charging_profile"]["charging_profile_period"]
        self.assertEqual(periods, [{"start_period": 0, "limit": 4000.0}])

    def test_limits_that_are_known_already_are_told_at_once_and_only_when_they_are_others(self) -> None:
        session = self.limited()
        for watts, calls in ((7000.0, 0), (4000.0, 1), (4000.0, 0), (7000.0, 1)):
            with self.partner_answers(ok()) as told, self.jobs_run():
                session._limits_changed("command-1", ChargingSchedule("W", ((0, watts),)))
            self.assertEqual([put["method"] for put in told], ["PUT"] * calls)

    def test_who_never_limited_a_session_is_told_nothing_of_its_limits(self) -> None:
        session = self.theirs()
        with self.station_can_be_asked(), self.partner_answers(ok()) as told, self.jobs_run():
            session._limits_changed()
            session._limits_changed("command-1", ChargingSchedule("W", ((0, 4000.0),)))
        self.assertEqual(told, [])
        self.assertFalse(self.env["emobility.ocpi.command"].search([]))

    def test_a_station_that_does_not_answer_has_rejected(self) -> None:
        self.theirs()
        self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url})
        self.assertEqual(self.answer("TIMEOUT")[0]["body"], {"result": "REJECTED"})

    def test_f52_sessions_of_others_are_unknown_and_no_url_of_others_is_called(self) -> None:
        self.theirs()
        body = {"charging_profile": PROFILE, "response_url": self.url}
        self.assertEqual(self.ask("PUT", body, session="other"), "UNKNOWN_SESSION")
        _stranger, secret = self._connect("FRAAA")
        path = "/2.2.1/cpo/chargingprofiles/theirs-1"
        mine = body | {"response_url": "https://fraaa.example.com/r"}
        self.assertEqual(self.data(secret, "PUT", path, mine)["result"], "UNKNOWN_SESSION")
        self.refused(2001, self.secret, "PUT", path, body | {"response_url": "https://evil.example.com/r"})
        self.assertFalse(self.env["emobility.ocpi.command"].search([]))

    def test_a_session_that_cannot_be_limited_says_why(self) -> None:
        session = self.theirs()
        path = f"/{self.version}/cpo/chargingprofiles/theirs-1"
        body = {"charging_profile": PROFILE, "response_url": self.url}
        self.assertEqual(self.data(self.secret, "PUT", path, body)["result"], "NOT_SUPPORTED")
        session.state = "ended"
        self.assertEqual(self.data(self.secret, "PUT", path, body)["result"], "REJECTED")

    def test_a_profile_that_makes_no_sense_is_refused(self) -> None:
        self.theirs()
        path = f"/{self.version}/cpo/chargingprofiles/theirs-1"
        wrong: list[dict[str, Any]] = [
            {"charging_profile_period": []},
            {"charging_profile_period": [{"start_period": 60, "limit": 1}]},
            {"charging_profile_period": [{"start_period": 0, "limit": 1}, {"start_period": -1, "limit": 1}]},
            {"charging_rate_unit": "HP"},
            {"duration": -1},
        ]
        for changes in wrong:
            with self.subTest(changes):
                body = {"charging_profile": PROFILE | changes, "response_url": self.url}
                self.refused(2001, self.secret, "PUT", path, body)

    # We are the provider

    def wizard(self, session: Any, **values: Any) -> Any:
        return self.env["emobility.ocpi.limit"].create({"session_id": session.id, **values})

    def test_we_limit_our_drivers_session_and_hear_what_became_of_it(self) -> None:
        session = self.ours()
        self.assertTrue(session.can_send_limits)
        self.assertEqual(session.action_limit_power()["context"], {"default_session_id": session.id})
        lines = [(0, 0, {"minute": 0, "limit": 11000}), (0, 0, {"minute": 15, "limit": 6000})]
        with self.partner_answers(ok({"result": "ACCEPTED", "timeout": 30})) as asked:
            self.wizard(session, line_ids=lines, minutes=60).action_send()
        [call] = asked
        self.assertEqual((call["method"], call["url"].split("/")[-1]), ("PUT", "Their-1"))
        profile = call["body"]["charging_profile"]
        self.assertEqual((profile["duration"], profile["charging_rate_unit"]), (3600, "W"))
        self.assertEqual([each["start_period"] for each in profile["charging_profile_period"]], [0, 900])
        path = call["body"]["response_url"].removeprefix("https://us.example.com/ocpi")
        self.assertFalse(session.roaming_limits, "nobody has said yes")
        self.data(self.secret, "POST", path, {"result": "ACCEPTED"})
        self.data(self.secret, "POST", path, {"result": "REJECTED"})
        command = self.env["emobility.ocpi.command"].search([("direction", "=", "out")])
        self.assertEqual((command.state, command.kind), ("done", "SET_PROFILE"))
        self.assertEqual(session.roaming_limits_text, "11000 W, after 15 min 6000 W")
        _stranger, secret = self._connect("FRAAA")
        self.refused(2001, secret, "POST", path, {"result": "ACCEPTED"}, status=404)

    def test_we_ask_what_is_planned_and_end_the_limit(self) -> None:
        session = self.ours()
        active = {"start_date_time": AT, "charging_profile": PROFILE}
        for action, method, body, text in (
            ("action_ask", "GET", {"result": "ACCEPTED", "profile": active}, "11000 W, after 5 min 6000.5 W"),
            ("action_clear", "DELETE", {"result": "ACCEPTED"}, ""),
        ):
            with self.partner_answers(ok({"result": "ACCEPTED", "timeout": 30})) as asked:
                getattr(self.wizard(session), action)()
            [call] = asked
            self.assertEqual(call["method"], method)
            path = call["params"]["response_url"].removeprefix("https://us.example.com/ocpi")
            self.data(self.secret, "POST", path, body)
            self.assertEqual(session.roaming_limits_text or "", text)

    def test_the_operator_tells_of_another_limit_by_itself(self) -> None:
        session = self.ours()
        active = {"start_date_time": AT, "charging_profile": PROFILE | {"charging_rate_unit": "A"}}
        path = f"/{self.version}/emsp/chargingprofiles"
        self.data(self.secret, "PUT", f"{path}/THEIR-1", active)
        self.assertIn("11000 A", session.roaming_limits_text)
        self.refused(2001, self.secret, "PUT", f"{path}/nobody", active, status=404)

    def test_a_refusal_is_shown(self) -> None:
        session = self.ours()
        with self.partner_answers(ok({"result": "NOT_SUPPORTED"})), self.assertRaisesRegex(UserError, "NOT_SUPPORTED"):
            self.wizard(session).action_send()
        with self.assertRaisesRegex(UserError, "minute 0"):
            self.wizard(session, line_ids=[(0, 0, {"minute": 5, "limit": 1})]).action_send()
        session.sudo()._as_system().state = "ended"
        with self.assertRaisesRegex(UserError, "live sessions"):
            self.wizard(session).action_clear()


@tagged("post_install", "-at_install")
class TestProfiles230(ProfileCase):
    version = "2.3.0"

    def test_2_3_0_does_the_same(self) -> None:
        self.theirs()
        self.assertEqual(self.ask("PUT", {"charging_profile": PROFILE, "response_url": self.url}), "ACCEPTED")
        self.assertEqual(self.answer("ACCEPTED")[0]["body"], {"result": "ACCEPTED"})
