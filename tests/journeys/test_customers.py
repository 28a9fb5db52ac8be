"""A sign-up becomes a customer with a contract, a card and a price that is explained; a driver on a phone."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Locator, Page, expect

from runner.stack import Stack

# Where the driver charges: no other journey uses this bay.
BAY, EVSE = 5, "DE*LIN*E0205"
PROPAGATION = 5  # seconds until the stations know what a clerk decided


def call(page: Page, product: Stack, model: str, method: str, *args: Any) -> Any:
    """What the web client calls, as the user who is logged in on the page."""
    body = {"jsonrpc": "2.0", "params": {"model": model, "method": method, "args": list(args), "kwargs": {}}}
    answer = page.request.post(f"{product.odoo_url}/web/dataset/call_kw/{model}/{method}", data=body).json()
    assert "error" not in answer, answer
    return answer["result"]


def choose(page: Page, field: str, text: str) -> None:
    """Pick a record in a field as people do: type a part of its name, and click."""
    page.locator(f".o_field_widget[name={field}] input").fill(text)
    page.locator(".o-autocomplete--dropdown-item", has_text=text).first.click()


def until(page: Page, url: str, shown: Locator, without: Locator | None = None) -> None:
    """Load the page again until it shows something, and something else no more."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page.goto(url)
        if shown.count() and not (without and without.count()):
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"waited in vain on {url}")


def offer_plans(product: Stack) -> None:
    """The plan of the seed and a larger one are offered in the portal."""
    with page_for(product, "manager", DESKTOP) as page:
        plans = call(page, product, "product.template", "search", [["is_charging_plan", "=", True]])
        call(page, product, "product.template", "write", plans, {"plan_is_offered": True})
        if not call(page, product, "product.template", "search", [["name", "=", "Lindenstrom Vielfahrer"]]):
            values = {"name": "Lindenstrom Vielfahrer", "type": "service", "is_charging_plan": True,
                      "plan_is_offered": True, "plan_base_fee": 9.9, "plan_included_kwh": 50, "plan_overage": "price",
                      "plan_overage_price": 0.44, "plan_notice_days": 30}
            call(page, product, "product.template", "create", values)


def test_a_clerk_makes_a_customer_of_a_sign_up_and_explains_a_price(product: Stack) -> None:
    offer_plans(product)
    with page_for(product, "clerk", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/charging/join")
        page.get_by_label("Lindenstrom Vielfahrer").check()
        for field, value in {"name": "Lena Lead", "email": "lena.lead@example.com", "street": "Weg 1", "zip": "10115",
                             "city": "Berlin"}.items():
            page.fill(f"#join_{field}", value)
        page.check("#join_consent")
        picture(page, "customers-join", full_page=True)
        page.click("#join_form button[type=submit]")
        expect(page.locator("#join_thanks")).to_be_visible()

        page.goto(f"{product.odoo_url}/odoo/action-emobility_crm_lead.action_charging_lead")
        page.locator(".o_data_row", has_text="Lena Lead").first.locator("td.o_data_cell").nth(1).click()
        page.locator("button[name=action_make_charging_contract]").click()
        picture(page, "customers-lead-dialogue")
        page.locator(".modal button[name=action_make]").click()
        page.wait_for_selector(".o_field_widget[name=emaid]")
        expect(page.locator(".o_arrow_button_current[data-value=active]")).to_be_visible()
        expect(page.locator("button[name=action_view_tokens]")).to_contain_text("1")
        picture(page, "customers-new-contract")

        page.goto(f"{product.odoo_url}/odoo/action-emobility_billing.action_price_explanation")
        choose(page, "contract_id", "Lena Lead")
        choose(page, "evse_id", "E0101")
        page.locator("button[name=action_explain]").click()
        expect(page.locator(".o_field_widget[name=answer]:visible")).to_contain_text("Stadtladen")
        picture(page, "customers-explain-price")


def test_a_plan_says_what_is_beyond_the_included_charging(product: Stack) -> None:
    offer_plans(product)
    with page_for(product, "manager", DESKTOP) as page:
        [plan] = call(page, product, "product.template", "search", [["name", "=", "Lindenstrom Vielfahrer"]])
        page.goto(f"{product.odoo_url}/odoo/action-emobility_crm.action_charging_plan/{plan}")
        page.get_by_role("tab", name="Charging Plan").click()
        expect(page.locator(".o_field_widget[name=plan_overage_price] input")).to_have_value("0.440000")
        picture(page, "customers-plan")


def test_a_driver_starts_and_stops_a_session_on_a_phone(product: Stack) -> None:
    station = product.seed["stations"][1]
    service = product.waiting_station(station, BAY).start()
    try:
        with page_for(product, "driver Jonas", PHONE) as page:
            start = page.locator(f"xpath=//span[contains(., '{EVSE}')]/following-sibling::form//button")
            until(page, f"{product.odoo_url}/my/charging/prices?q=Rathausplatz", start)
            assert_fits_the_width(page)
            picture(page, "customers-portal-start", full_page=True)
            start.click()
            expect(page.locator("#charging_done")).to_contain_text("was asked to start")
            live = page.locator("#charging_cards a", has_text="Charging")
            until(page, f"{product.odoo_url}/my/charging", live)
            live.first.click()
            stop = page.locator("#charging_stop button")
            expect(stop).to_be_visible()
            assert_fits_the_width(page)
            picture(page, "customers-portal-live", full_page=True)
            session = page.url
            stop.click()
            expect(page.get_by_role("status")).to_contain_text("was asked to stop")
            until(page, session, page.locator("#charging_session"), without=stop)
    finally:
        service.stop()
    assert not product.clerk("emobility.session", "search", [("evse_id.evse_id", "=", EVSE), ("state", "=", "live")])


def test_a_card_of_a_suspended_contract_is_refused_at_the_station_at_once(product: Stack) -> None:
    station = product.seed["stations"][1]
    contracts = product.clerk("contract.contract", "search", [("token_ids.uid", "=", station["token"])])
    sessions = [("token_uid", "=", station["token"])]
    before = product.clerk("emobility.session", "search_count", sessions)
    product.clerk("contract.contract", "write", contracts, {"charging_state": "suspended"})
    try:
        # The bridge asks for what has changed every two seconds.
        time.sleep(PROPAGATION)
        command = product.station_command(station, "--minutes", "1", "--energy-kwh", "1", "--evse", str(BAY))
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        product.clerk("contract.contract", "write", contracts, {"charging_state": "active"})
    assert f"the token {station['token']} is refused" in done.stderr
    assert product.clerk("emobility.session", "search_count", sessions) == before


def test_a_driver_finds_a_published_place_and_a_clerk_all_places_on_a_map(product: Stack) -> None:
    with page_for(product, "clerk", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/odoo/charging-map")
        dot = page.locator(".o_field_widget[name=picture] svg a").first
        expect(dot).to_be_visible()
        picture(page, "customers-map")
        with page.expect_popup() as opened:
            dot.click()
        expect(opened.value.locator(".o_form_view .o_field_widget[name=name] input")).to_have_value("Rathausplatz")
        page.goto(f"{product.odoo_url}/charging/location/LIN-0001")
        expect(page.locator("h1")).to_have_text("Rathausplatz")
    with page_for(product, "clerk", PHONE) as page:
        page.goto(f"{product.odoo_url}/odoo/charging-map")
        expect(page.locator(".o_field_widget[name=picture] svg a").first).to_be_visible()
        picture(page, "customers-map-phone")
    with page_for(product, "driver Jonas", PHONE) as page:
        page.goto(f"{product.odoo_url}/charging/location/LIN-0001")
        expect(page.locator("#location_evses")).to_contain_text("150 kW")
        assert_fits_the_width(page)
        picture(page, "customers-location", full_page=True)


def test_a_driver_orders_a_card_blocks_it_and_changes_the_plan_on_a_phone(product: Stack) -> None:
    offer_plans(product)
    with page_for(product, "driver Anna", PHONE) as page:
        page.goto(f"{product.odoo_url}/my/charging/tokens")
        assert_fits_the_width(page)
        page.fill("#order_label", "Caravan")
        page.click("#charging_order button[type=submit]")
        expect(page.locator("#charging_done")).to_contain_text("was ordered")
        card = page.locator("#charging_tokens section", has_text="Caravan").first
        card.locator("summary", has_text="Block as lost").click()
        picture(page, "customers-portal-block", full_page=True)
        card.get_by_role("button", name="Block this card now").click()
        expect(page.locator("#charging_done")).to_contain_text("is blocked")

        page.goto(f"{product.odoo_url}/my/charging/contracts")
        page.locator("#charging_contracts a").first.click()
        assert_fits_the_width(page)
        page.get_by_label("Lindenstrom Vielfahrer").check()
        picture(page, "customers-portal-plan", full_page=True)
        page.get_by_role("button", name="Change plan").click()
        expect(page.locator("#charging_next_plan")).to_contain_text("Lindenstrom Vielfahrer")

        page.goto(f"{product.odoo_url}/my/charging/prices?q=Berlin")
        assert_fits_the_width(page)
        expect(page.locator("main")).to_contain_text("kWh")
