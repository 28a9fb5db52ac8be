from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import patch

from freezegun import freeze_time
from lxml import html

from odoo import http
from odoo.tests import HttpCase, new_test_user, tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
class TestChargingAccount(ChargedCommon, HttpCase):
    """Contracts, cards and prices in the portal: own ones only, and every mistake is explained."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, "anna", groups="base.group_portal", tz="Europe/Berlin", email="anna@example.com"
        )
        cls.other = new_test_user(cls.env, "volker", groups="base.group_portal")
        cls.contract = cls._make_contract(cls.user.partner_id, "04AAAA01", name="Anna's contract")
        cls.foreign_contract = cls._make_contract(cls.other.partner_id, "04AAAA02", name="Volker's contract")
        cls.token, cls.foreign_token = cls.contract.token_ids, cls.foreign_contract.token_ids
        cls.large = cls.env["product.template"].create(
            {
                "name": "Large plan",
                "type": "service",
                "is_charging_plan": True,
                "plan_is_offered": True,
                "plan_base_fee": 9.9,
                "plan_included_kwh": 50,
            }
        )

    def setUp(self) -> None:
        super().setUp()
        self.authenticate("anna", "anna")

    def _page(self, path: str) -> html.HtmlElement:
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        return html.fromstring(response.text)

    def _post(self, path: str, **data: Any) -> html.HtmlElement:
        response = self.url_open(path, data={"csrf_token": http.Request.csrf_token(self), **data})
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        self.env.invalidate_all()
        return html.fromstring(response.text)

    def _message(self, page: html.HtmlElement, kind: str) -> str:
        found = page.xpath(f"//*[@id='charging_{kind}']")
        return found[0].text_content().strip() if found else ""

    # --- Pages ---

    def test_pages_list_own_records_only(self) -> None:
        text = self._page("/my/charging/contracts").text_content()
        self.assertIn("Anna's contract", text)
        self.assertNotIn("Volker's contract", text)
        cards = self._page("/my/charging/tokens")
        self.assertEqual(len(cards.xpath("//*[@id='charging_tokens']//section")), 1)
        self.assertTrue(cards.xpath(f"//*[@id='token_{self.token.id}']"))

    def test_pages_of_charging_lead_to_the_payment_methods(self) -> None:
        token = self._make_payment_token(self.contract)
        for path in (
            "/my/charging",
            "/my/charging/contracts",
            f"/my/charging/contracts/{self.contract.id}",
            "/my/charging/tokens",
            "/my/charging/prices",
        ):
            with self.subTest(path=path):
                self.assertTrue(self._page(path).xpath("//main//a[@href='/my/payment_method']"))
        paid = self._page(f"/my/charging/contracts/{self.contract.id}").xpath("//*[@id='charging_payment']")[0]
        self.assertIn(token.display_name, paid.text_content())
        self._page("/my/payment_method")
        self.assertTrue(self.last_url.endswith("/my/payment_method"))

    def test_every_field_has_a_label_and_every_page_one_main_heading(self) -> None:
        for path in (
            "/my/charging/contracts",
            f"/my/charging/contracts/{self.contract.id}",
            "/my/charging/tokens",
            "/my/charging/prices",
        ):
            page = self._page(path)
            main = page.xpath("//main")[0]
            fields = main.xpath(".//input[not(@type='hidden')] | .//select | .//textarea")
            labelled = set(main.xpath(".//label/@for"))
            with self.subTest(path=path):
                self.assertEqual([f.get("name") for f in fields if f.get("id") not in labelled], [])
                self.assertEqual(len(main.xpath(".//h1")), 1)
                self.assertEqual(main.xpath(".//*[@id='charging_tabs']//a[@aria-current='page']/@href")[0], (
                    "/my/charging/contracts" if "contracts" in path else path
                ))  # fmt: skip

    def test_f52_contract_of_somebody_else_is_not_shown(self) -> None:
        page = self._page(f"/my/charging/contracts/{self.foreign_contract.id}")
        self.assertTrue(self.last_url.endswith("/my/charging/contracts"))
        self.assertNotIn("Volker", page.text_content())

    def test_without_login_nothing_is_shown(self) -> None:
        self.authenticate(None, None)
        for page in ("contracts", f"contracts/{self.contract.id}", "tokens", "prices", "sessions.csv"):
            with self.subTest(page=page):
                self.assertIn("/web/login", self.url_open(f"/my/charging/{page}").url)

    # --- Contracts ---

    @freeze_time("2026-05-10")
    def test_plan_changes_at_the_beginning_of_next_month(self) -> None:
        self.contract.activated_on = "2026-05-01"
        self.contract.sudo().phase_ids.date_start = "2026-05-01"
        page = self._post(
            f"/my/charging/contracts/{self.contract.id}/plan", plan_id=self.large.id, when="month"
        )
        self.assertIn("Your plan will change", self._message(page, "done"))
        self.assertEqual(
            (self.contract.next_plan_id, self.contract.next_plan_date), (self.large, date(2026, 6, 1))
        )
        self.assertIn("Large plan", page.xpath("//*[@id='charging_next_plan']")[0].text_content())

    @freeze_time("2026-05-10")
    def test_plan_can_change_tomorrow(self) -> None:
        self._post(f"/my/charging/contracts/{self.contract.id}/plan", plan_id=self.large.id, when="tomorrow")
        self.assertEqual(self.contract.next_plan_date, date(2026, 5, 11))

    def test_plan_that_is_not_offered_or_of_a_foreign_contract_cannot_be_chosen(self) -> None:
        hidden = self.large.copy({"plan_is_offered": False})
        page = self._post(f"/my/charging/contracts/{self.contract.id}/plan", plan_id=hidden.id)
        self.assertIn("Choose one of the plans", self._message(page, "error"))
        self._post(f"/my/charging/contracts/{self.foreign_contract.id}/plan", plan_id=self.large.id)
        self.assertFalse(self.contract.next_plan_id or self.foreign_contract.next_plan_id)

    def test_notice_is_given_for_the_first_possible_day_and_only_by_the_holder(self) -> None:
        self.plan.plan_notice_days = 30
        path = f"/my/charging/contracts/{self.contract.id}/notice"
        page = self._post(path)
        self.assertIn("Please confirm", self._message(page, "error"))
        self.foreign_contract.invoice_partner_id = self.user.partner_id
        page = self._post(f"/my/charging/contracts/{self.foreign_contract.id}/notice", confirm="1")
        self.assertIn("Only the holder", self._message(page, "error"))
        self.assertFalse(self.contract.terminates_on or self.foreign_contract.terminates_on)
        expected = self.contract.earliest_end
        page = self._post(path, confirm="1")
        self.assertIn("Your notice was received", self._message(page, "done"))
        self.assertEqual(
            (self.contract.terminates_on, self.contract.termination_reason), (expected, "customer")
        )

    def test_coupon_is_redeemed_once(self) -> None:
        self.env["emobility.discount"].create(
            {"name": "Welcome", "code": "HELLO", "value": 10, "company_id": self.company.id}
        )
        path = f"/my/charging/contracts/{self.contract.id}/coupon"
        self.assertIn("not known", self._message(self._post(path, code="NOPE"), "error"))
        page = self._post(path, code="hello")
        self.assertIn("was redeemed", self._message(page, "done"))
        self.assertIn("Welcome", page.xpath("//*[@id='charging_discounts']")[0].text_content())
        self.assertIn("already", self._message(self._post(path, code="hello"), "error"))

    def test_page_shows_what_is_included_and_used(self) -> None:
        self.plan.plan_included_kwh = 31
        page = self._page(f"/my/charging/contracts/{self.contract.id}")
        self.assertTrue(page.xpath("//*[@role='progressbar']"))

    def test_suspended_contract_says_what_to_do(self) -> None:
        self.contract._suspend("dunning")
        text = self._page(f"/my/charging/contracts/{self.contract.id}").text_content()
        self.assertIn("Please pay your open", text)

    # --- Cards ---

    def test_card_is_ordered_for_a_driver_of_the_customer(self) -> None:
        page = self._post(
            "/my/charging/tokens/order",
            contract_id=self.contract.id,
            label="Blue car",
            driver_name="Dora",
            driver_email="dora@example.com",
            cost_centre="KST 9",
            monthly_limit="120,50",
        )
        self.assertIn("was ordered", self._message(page, "done"))
        token = self.contract.token_ids - self.token
        self.assertEqual((token.state, token.uid_pending, token.label), ("ordered", True, "Blue car"))
        self.assertEqual((token.partner_id.name, token.partner_id.parent_id), ("Dora", self.user.partner_id))
        self.assertEqual((token.cost_centre, token.monthly_limit), ("KST 9", 120.5))

    def test_card_with_a_limit_that_is_no_amount_is_not_ordered(self) -> None:
        page = self._post("/my/charging/tokens/order", contract_id=self.contract.id, label="X", monthly_limit="much")
        self.assertIn("'much' is not an amount", self._message(page, "error"))
        self.assertEqual(self.contract.token_ids, self.token)

    def test_card_for_a_foreign_contract_cannot_be_ordered(self) -> None:
        page = self._post("/my/charging/tokens/order", contract_id=self.foreign_contract.id, label="X")
        self.assertIn("Choose the contract", self._message(page, "error"))
        self.assertEqual(len(self.foreign_contract.token_ids), 1)

    def test_lost_card_stops_at_once(self) -> None:
        page = self._post(f"/my/charging/tokens/{self.token.id}/lost")
        self.assertIn("is blocked", self._message(page, "done"))
        self.assertEqual((self.token.state, self.token._authorization_status()), ("lost", "Blocked"))

    def test_f52_card_of_somebody_else_cannot_be_blocked_or_named(self) -> None:
        for action in ("lost", "save"):
            page = self._post(f"/my/charging/tokens/{self.foreign_token.id}/{action}", label="Mine now")
            self.assertIn("This card is not known", self._message(page, "error"))
        self.assertEqual((self.foreign_token.state, self.foreign_token.label), ("active", False))

    def test_payer_sets_driver_cost_centre_and_limit(self) -> None:
        self._post(
            f"/my/charging/tokens/{self.token.id}/save",
            label="Van",
            driver_name="Dora",
            cost_centre="KST 7",
            monthly_limit="150,50",
        )
        self.assertEqual(
            (self.token.label, self.token.partner_id.name, self.token.cost_centre, self.token.monthly_limit),
            ("Van", "Dora", "KST 7", 150.5),
        )

    def test_driver_who_does_not_pay_can_only_name_and_block(self) -> None:
        self.foreign_token.partner_id = self.user.partner_id
        self._post(
            f"/my/charging/tokens/{self.foreign_token.id}/save", label="Mine", monthly_limit="9", cost_centre="X"
        )
        self.assertEqual(
            (self.foreign_token.label, self.foreign_token.monthly_limit, self.foreign_token.cost_centre),
            ("Mine", 0.0, False),
        )

    def test_bad_input_is_explained_and_nothing_is_saved(self) -> None:
        path = f"/my/charging/tokens/{self.token.id}/save"
        for data, problem in (
            ({"monthly_limit": "much"}, "'much' is not an amount"),
            ({"monthly_limit": "-1"}, "is not an amount"),
            ({"monthly_limit": "nan"}, "is not an amount"),
            ({"label": "x" * 61}, "is too long"),
            ({"driver_name": "Dora", "driver_email": "dora"}, "is not an e-mail address"),
        ):
            with self.subTest(data=data):
                page = self._post(path, **{"label": "Saved?", **data})
                self.assertIn(problem, self._message(page, "error"))
        self.assertFalse(self.token.label)

    # --- Prices ---

    def test_prices_near_a_place_are_those_of_the_rules_with_a_reason(self) -> None:
        special = self._make_tariff("plan-price", {"ENERGY": 0.33}, valid_from="2010-01-01 00:00:00")
        self._make_rule(special, plan_id=self.plan.id)
        text = self._page("/my/charging/prices?q=marktpl").text_content()
        self.assertIn("DE*ABC*E1", text)
        self.assertIn("0.33", text)
        self.assertIn("your plan Home plan", text)
        self.assertIn("No charging point", self._page("/my/charging/prices?q=nowhere").text_content())

    def test_group_of_the_customer_is_not_named(self) -> None:
        group = self.env["emobility.customer.group"].create(
            {"name": "Bad payers", "code": "BAD", "company_id": self.company.id}
        )
        self.user.partner_id.customer_group_id = group
        self._make_rule(self.gross_tariff, customer_group_id=group.id)
        text = self._page("/my/charging/prices").text_content()
        self.assertIn("Your own terms", text)
        self.assertNotIn("Bad payers", text)

    def test_f36_place_without_a_price_says_so(self) -> None:
        self.price_rule.active = False
        self.assertIn("no price for your contract", self._page("/my/charging/prices").text_content())

    # --- Start and stop ---

    def test_charging_points_without_a_connection_offer_no_start(self) -> None:
        page = self._page("/my/charging/prices")
        self.assertFalse(page.xpath("//form[@action='/my/charging/start']"))
        page = self._post("/my/charging/start", token_id=self.token.id, evse_id=self.evse.id)
        self.assertIn("cannot be started from here", self._message(page, "error"))

    def test_start_asks_the_charging_point_with_an_own_token_only(self) -> None:
        asked = []
        evses = self.env.registry["emobility.evse"]
        with (
            patch.object(evses, "_can_start_remotely", lambda evse: True),
            patch.object(evses, "_start_remotely", lambda evse, token: asked.append((evse.id, token.id))),
        ):
            self.assertTrue(self._page("/my/charging/prices").xpath("//form[@action='/my/charging/start']"))
            for token_id, evse_id in ((self.foreign_token.id, self.evse.id), ("x", "y"), (self.token.id, 0)):
                page = self._post("/my/charging/start", token_id=token_id, evse_id=evse_id)
                self.assertTrue(self._message(page, "error"))
            self.assertEqual(asked, [])
            page = self._post("/my/charging/start", token_id=self.token.id, evse_id=self.evse.id)
            self.assertIn("was asked to start", self._message(page, "done"))
        self.assertEqual(asked, [(self.evse.id, self.token.id)])

    def test_stop_asks_for_an_own_session_only(self) -> None:
        start = datetime(2026, 5, 10, 9, tzinfo=UTC)
        own = self._charge("own", self.contract, start, 40, "12.5")
        foreign = self._charge("foreign", self.foreign_contract, start, 40, "12.5")
        stopped = []
        sessions = self.env.registry["emobility.session"]
        with (
            patch.object(sessions, "_can_stop_remotely", lambda session: True),
            patch.object(sessions, "_stop_remotely", lambda session: stopped.append(session.id)),
        ):
            self._post(f"/my/charging/{foreign.id}/stop")
            self.assertEqual(stopped, [])
            page = self._post(f"/my/charging/{own.id}/stop")
            self.assertIn("was asked to stop", page.text_content())
        self.assertEqual(stopped, [own.id])

    # --- CSV ---

    def test_sessions_as_csv_are_own_ones_with_local_times_and_no_formulas(self) -> None:
        start = datetime(2026, 1, 10, 9, tzinfo=UTC)
        session = self._charge("own", self.contract, start, 40, "12.5")
        self._charge("foreign", self.foreign_contract, start, 40, "11")
        self.location.name = "=HYPERLINK(1)"
        response = self.url_open("/my/charging/sessions.csv?filterby=2026-01")
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn("charging-sessions-2026-01.csv", response.headers["Content-Disposition"])
        header, *rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
        self.assertEqual(len(rows), 1)
        row = dict(zip(header, rows[0], strict=True))
        self.assertEqual(
            (row["Start"], row["Place"], row["Energy (kWh)"]),
            ("2026-01-10 10:00:00", "'=HYPERLINK(1)", "12.500"),
        )
        self.assertEqual(row["Amount"], f"{session.cdr_ids.retail_amount:.2f}")

    # --- Drivers ---

    def _row(self, page: html.HtmlElement, driver: str) -> list[str]:
        row = page.xpath(f"//table[@id='charging_drivers']//tr[td[contains(., '{driver}')]]")[0]
        return [" ".join(cell.text_content().split()) for cell in row.xpath("td")]

    def _make_fleet(self) -> Any:
        """Two drivers of Anna's company, one with a limit, both with sessions in May 2026."""
        drivers = self.env["res.partner"].create(
            [{"name": name, "parent_id": self.user.partner_id.id} for name in ("Berta Bus", "Carl Caddy")]
        )
        tokens = self.env["emobility.token"].create(
            [
                {"uid": f"04FLEET{number}", "contract_id": self.contract.id, "partner_id": driver.id,
                 "state": "active", "company_id": self.company.id, "cost_centre": centre, "monthly_limit": limit}
                for number, (driver, centre, limit) in enumerate(zip(drivers, ("North", "South"), (10, 0), strict=True))
            ]
        )  # fmt: skip
        for number, token in enumerate(tokens + tokens[:1]):
            start = datetime(2026, 5, 10 + number, 10, tzinfo=UTC)
            payload = {"evse_id": self.evse.id, "connector_id": self.connector.id, "token_uid": token.uid}
            end = start.replace(hour=11)
            events = [
                self.event(f"F{number}", "started", start, payload, source="import"),
                self.event(f"F{number}", "ended", end, {"energy_kwh": "10"}, source="import"),
            ]
            session = self.ingest(events)
            self.assertEqual(session.state, "done", self.hold_reasons(session))
        return tokens

    @freeze_time("2026-05-20 10:00:00")
    def test_who_pays_sees_drivers_with_cost_limit_and_cost_centre(self) -> None:
        self._make_fleet()
        page = self._page("/my/charging/drivers")
        berta = self._row(page, "Berta Bus")
        self.assertEqual(berta[2:5], ["North", "2", "20.0 kWh"])
        self.assertIn("10.50", berta[5])
        self.assertNotIn("not billed yet", berta[5])
        self.assertIn("105 %", berta[6])
        self.assertIn("Monthly limit reached", berta[7])
        self.assertIn("no limit", self._row(page, "Carl Caddy")[6])
        live = {"evse_id": self.evse.id, "connector_id": self.connector.id, "token_uid": "04FLEET1", "meter_kwh": "0"}
        self.ingest([self.event("F-live", "started", datetime(2026, 5, 20, 9, tzinfo=UTC), live)])
        self.assertIn("1 not billed yet", self._row(self._page("/my/charging/drivers"), "Carl Caddy")[5])
        centres = page.xpath("//table[@id='charging_centres']//tbody/tr/td[1]")
        self.assertEqual([cell.text_content().strip() for cell in centres], ["none", "North", "South"])
        self.assertEqual(self._row(self._page("/my/charging/drivers?month=2026-04"), "Carl Caddy")[3], "0")
        self.assertEqual(self._row(self._page("/my/charging/drivers?month=1970-xx"), "Carl Caddy")[3], "2")

    @freeze_time("2026-05-20 10:00:00")
    def test_sessions_of_one_card_are_listed_and_downloaded_alone(self) -> None:
        berta, _carl = self._make_fleet()
        page = self._page(f"/my/charging?card={berta.id}")
        self.assertEqual(page.xpath("//*[@id='charging_total_count']")[0].text_content(), "2")
        self.assertIn("Berta Bus", page.xpath("//*[@id='charging_card_filter']")[0].text_content())
        [link] = page.xpath("//*[@id='charging_csv']/@href")
        rows = list(csv.reader(io.StringIO(self.url_open(link).content.decode("utf-8-sig"))))
        self.assertEqual([row[7] for row in rows[1:]], ["Berta Bus", "Berta Bus"])

    def test_f52_cards_of_others_filter_nothing_and_are_no_drivers(self) -> None:
        text = self._page("/my/charging/drivers").text_content()
        self.assertNotIn("volker", text.lower())
        page = self._page(f"/my/charging?card={self.foreign_token.id}")
        self.assertFalse(page.xpath("//*[@id='charging_card_filter']"))

    def test_who_drives_alone_has_no_tab_of_drivers(self) -> None:
        tab = "//*[@id='charging_tabs']//a[@href='/my/charging/drivers']"
        self.assertFalse(self._page("/my/charging").xpath(tab))
        self.token.partner_id = self.env["res.partner"].create({"name": "Son", "parent_id": self.user.partner_id.id})
        self.assertTrue(self._page("/my/charging").xpath(tab))
