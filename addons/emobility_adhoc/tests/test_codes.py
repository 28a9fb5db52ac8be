from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.tests import tagged

from ..models.adhoc_session_station import PAYING_SECONDS
from ..one_time_password import VALID_SECONDS, is_valid, one_time_password
from .test_pages import PagesCommon


@tagged("post_install", "-at_install")
class TestCodes(PagesCommon):
    """Where the operator wants it, only the code that the display shows now opens a charging point."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.station._apply_connection(fields.Datetime.now(), {"ocpp": "2.1"}, True)
        cls.station.shows_texts = "yes"
        cls.set_settings("DisplayMessageCtrlr.SupportedFormats", "ASCII,UTF8,URI,QRCODE")
        cls.env["res.lang"]._activate_lang("de_DE")

    @classmethod
    def set_settings(cls, key: str, value: str) -> None:
        item = {"key": key, "value": value, "readonly": False}
        cls.station._apply_configuration(fields.Datetime.now(), [item])

    def setUp(self) -> None:
        super().setUp()
        self.evse.adhoc_code_kind = "dynamic"

    def shown(self) -> Any:
        return self.env["emobility.adhoc.code"].sudo().search([("evse_id", "=", self.evse.id)], limit=1)

    def messages(self) -> list[dict[str, Any]]:
        return [one.payload for one in self.shown().command_ids.sorted("id")]

    def scan(self) -> Any:
        url = self.messages()[0]["text"]
        return self.url_open(re.sub(r"^https?://[^/]+", "", url))

    def ticket(self, page: Any) -> str:
        return re.search(r'name="ticket" value="([^"]+)"', page.text)[1]

    def test_display_shows_a_picture_and_a_code_to_type(self) -> None:
        picture, text = self.messages()
        code = self.shown().code
        self.assertEqual((picture["format"], picture["state"]), ("QRCODE", "Idle"))
        self.assertIn(f"/charge/{code}?s=", picture["text"])
        self.assertIn(code, text["text"])
        self.assertEqual(picture["until"], self.shown().expires_at.isoformat() + "Z")
        self.assertEqual({one.action for one in self.shown().command_ids}, {"display_message"})

    def test_station_without_pictures_gets_the_text_only(self) -> None:
        self.set_settings("DisplayMessageCtrlr.SupportedFormats", "ASCII,UTF8")
        self.evse._adhoc_show_code()
        self.assertEqual(["format" in one for one in self.messages()], [False])

    def test_price_is_there_for_everybody_but_the_start_only_for_who_has_the_code(self) -> None:
        page = self.url_open(self.evse.adhoc_url).text
        self.assertIn("0.59 EUR/kWh", page)
        self.assertNotIn("Pay and charge", page)
        self.assertIn("new code for each session", page)
        self.assertEqual(self.start().status_code, 403)
        scanned = self.scan()
        self.assertIn("Pay and charge", scanned.text)
        german = re.search(r'href="([^"]+lang=de[^"]*)"', scanned.text)[1].replace("&amp;", "&")
        self.assertEqual(self.ticket(self.url_open(german)), self.ticket(scanned))
        self.assertEqual(self.start(ticket=self.ticket(scanned)).status_code, 303)

    def test_code_can_be_typed(self) -> None:
        code = self.shown().code
        page = self.url_open(f"/charge?code={code[:4].lower()}+{code[4:]}")
        self.assertIn("Pay and charge", page.text)

    def test_code_is_good_once_and_the_display_shows_another_one(self) -> None:
        first = self.shown()
        ticket = self.ticket(self.scan())
        self.start(ticket=ticket)
        self.assertTrue(first.used_at)
        self.assertNotEqual(self.shown(), first)
        [told] = self.env["emobility.command"].sudo().search([("action", "=", "web_payment_started")])
        self.assertEqual(told.payload, {"evse": 1, "timeout": PAYING_SECONDS})
        self.assertEqual(self.start(ticket=ticket).status_code, 403)
        self.assertEqual(self.url_open(f"/charge/{first.code}?s={first._signature()}").status_code, 404)

    def test_whoever_is_slow_can_go_on_with_an_error_in_between(self) -> None:
        ticket = self.ticket(self.scan())
        wrong = self.start(ticket=ticket, email="no address")
        self.assertEqual(wrong.status_code, 422)
        self.assertEqual(self.ticket(wrong), ticket)
        self.assertEqual(self.start(ticket=ticket).status_code, 303)

    def test_code_and_ticket_end_after_some_minutes(self) -> None:
        ticket = self.ticket(self.scan())
        self.shown().sudo().expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertNotIn("Pay and charge", self.url_open(f"/charge?code={self.shown().code}").text)
        codes = self.env["emobility.adhoc.code"]
        old = str(int(time.time()) - 1)
        for wrong in ("", "x", ticket.replace(ticket[:10], old), f"{ticket}0", "..", ticket.swapcase()):
            self.assertIsNone(codes._read_ticket(self.evse, wrong), wrong)
        self.assertIsNotNone(codes._read_ticket(self.evse, ticket))

    def test_ticket_of_one_charging_point_does_not_open_another(self) -> None:
        ticket = self.ticket(self.scan())
        other = self.env["emobility.evse"].create(
            {"uid": "MARKET-2", "location_id": self.location.id, "adhoc_code_kind": "dynamic"}
        )
        self.assertIsNone(self.env["emobility.adhoc.code"]._read_ticket(other, ticket))

    def test_codes_are_replaced_every_few_minutes_at_free_points_only(self) -> None:
        first = self.shown()
        self.evse._cron_rotate_codes()
        self.assertEqual(self.shown(), first)
        self.env.cr.execute("UPDATE emobility_adhoc_code SET create_date = create_date - interval '6 minutes'")
        self.env.invalidate_all()
        self.connector.ocpp_status = "Faulted"
        self.evse._cron_rotate_codes()
        self.assertEqual(self.shown(), first)
        self.connector.ocpp_status = "Available"
        self.evse._cron_rotate_codes()
        self.assertNotEqual(self.shown(), first)
        self.assertIn("Pay and charge", self.url_open(f"/charge?code={first.code}").text, "for who has just scanned it")

    def test_back_to_the_sticker(self) -> None:
        self.evse.adhoc_code_kind = "static"
        numbers = {one["id"] for one in self.messages()}
        cleared = self.env["emobility.command"].sudo().search([("action", "=", "clear_display")])
        self.assertEqual({one.payload["id"] for one in cleared}, numbers)
        self.assertEqual(self.start().status_code, 303)

    def test_operator_sees_when_the_station_has_no_way_to_show_codes(self) -> None:
        self.assertFalse(self.evse.adhoc_code_problem)
        self.station._apply_connection(fields.Datetime.now(), {"ocpp": "1.6"}, True)
        self.assertTrue(self.evse.adhoc_code_problem)

    def test_old_codes_and_their_commands_go(self) -> None:
        codes = self.shown()
        commands = codes.command_ids
        self.env.cr.execute("UPDATE emobility_adhoc_code SET create_date = create_date - interval '3 days'")
        self.env.invalidate_all()
        codes._gc_codes()
        self.assertFalse(codes.exists() | self.env["emobility.adhoc.code"])
        self.assertFalse(commands.exists())


@tagged("post_install", "-at_install")
class TestOwnCodes(PagesCommon):
    """Stations that make the codes themselves (OCPP 2.1, C25)."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.station._apply_connection(fields.Datetime.now(), {"ocpp": "2.1"}, True)
        item = {"key": "WebPaymentsCtrlr#1.URLTemplate", "value": "", "readonly": False}
        cls.station._apply_configuration(fields.Datetime.now(), [item])

    def setUp(self) -> None:
        super().setUp()
        self.evse.adhoc_code_kind = "dynamic"

    def settings(self) -> dict[str, str]:
        commands = self.env["emobility.command"].sudo().search(
            [("station_id", "=", self.station.id), ("action", "=", "set_configuration")], order="id"
        )
        return {one.payload["key"]: one.payload["value"] for one in commands}

    def path(self, password: str, version: str = "v1") -> str:
        template = self.settings()["WebPaymentsCtrlr#1.URLTemplate"]
        filled = template.format(chargingStationId="ADHOC-1", evse=1, totp=password, version=version)
        return re.sub(r"^https?://[^/]+", "", filled)

    def password(self, shift: int = 0) -> str:
        secret = self.settings()["WebPaymentsCtrlr#1.SharedSecret"]
        return one_time_password(secret, time.time(), shift=shift)

    def test_station_is_set_up_and_nobody_reads_its_secret_afterwards(self) -> None:
        self.assertEqual(self.settings()["WebPaymentsCtrlr#1.Enabled"], "true")
        [secret] = self.env["emobility.command"].sudo().search([]).filtered(
            lambda one: one.action == "set_configuration" and one.payload["key"].endswith("SharedSecret"))
        self.assertGreater(len(secret.payload["value"]), 16)
        secret._apply_result("sent", None)
        self.assertEqual(secret.payload["value"], "***")
        self.evse.adhoc_code_kind = "static"
        self.assertEqual(self.settings()["WebPaymentsCtrlr#1.Enabled"], "false")

    def test_password_of_now_and_of_its_neighbours_opens_the_page_once(self) -> None:
        for shift in (-1, 0, 1):
            self.assertIn("Pay and charge", self.url_open(self.path(self.password(shift))).text)
        page = self.url_open(self.path(self.password())).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
        self.assertEqual(self.start(ticket=ticket).status_code, 303)
        self.assertEqual(self.start(ticket=ticket).status_code, 403)

    def test_wrong_and_old_passwords_show_the_price_and_no_more(self) -> None:
        for wrong in (self.password(-3), "0" * 20):
            page = self.url_open(self.path(wrong)).text
            self.assertIn("0.59 EUR/kWh", page)
            self.assertNotIn("Pay and charge", page)
        self.assertEqual(self.url_open(self.path(self.password(), "v9")).status_code, 404)
        self.assertEqual(self.url_open("/charge/display/NOBODY/1/x/v1").status_code, 404)

    def test_passwords_are_those_of_the_algorithm(self) -> None:
        secret, at = "a secret of more than 16 letters", 1_700_000_000.0
        first = one_time_password(secret, at)
        self.assertRegex(first, r"^[0-9a-zA-Z]{20}$")
        self.assertEqual(first, one_time_password(secret, at // VALID_SECONDS * VALID_SECONDS))
        self.assertEqual(one_time_password(secret, at, shift=1), one_time_password(secret, at + VALID_SECONDS))
        self.assertTrue(is_valid(secret, first, at + VALID_SECONDS))
        self.assertFalse(is_valid(secret, first, at + 2 * VALID_SECONDS))
        self.assertFalse(is_valid("another secret", first, at))
