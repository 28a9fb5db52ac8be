"""A sign-up becomes a customer with a contract, a card and a price that is explained; a driver on a phone."""

from __future__ import annotations

from typing import Any

from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Page, expect

from runner.stack import Stack


def call(page: Page, product: Stack, model: str, method: str, *args: Any) -> Any:
    """What the web client calls, as the user who is logged in on the page."""
    body = {"jsonrpc": "2.0", "params": {"model": model, "method": method, "args": list(args), "kwargs": {}}}
    answer = page.request.post(f"{product.odoo_url}/web/dataset/call_kw/{model}/{method}", data=body).json()
    assert "error" not in answer, answer
    return answer["result"]


def offer_plans(product: Stack) -> None:
    """The plan of the seed and a larger one are offered in the portal."""
    with page_for(product, "manager", DESKTOP) as page:
        plans = call(page, product, "product.template", "search", [["is_charging_plan", "=", True]])
        call(page, product, "product.template", "write", plans, {"plan_is_offered": True})
        if not call(page, product, "product.template", "search", [["name", "=", "Lindenstrom Vielfahrer"]]):
            values = {"name": "Lindenstrom Vielfahrer", "type": "service", "is_charging_plan": True,
                      "plan_is_offered": True, "plan_base_fee": 9.9, "plan_included_kwh": 50}
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

        evse = call(page, product, "emobility.evse", "search", [["evse_id", "!=", False]])[0]
        domain = [["partner_id.email", "=", "lena.lead@example.com"]]
        contract = call(page, product, "contract.contract", "search", domain)
        wizard = call(page, product, "emobility.price.explanation", "create",
                      {"evse_id": evse, "contract_id": contract[0]})
        call(page, product, "emobility.price.explanation", "action_explain", [wizard])
        [found] = call(page, product, "emobility.price.explanation", "read", [wizard], ["answer", "is_priced"])
        assert found["is_priced"], found
        assert "Stadtladen" in found["answer"]


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
