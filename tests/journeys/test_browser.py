"""What people see: the clerk in the back office, the driver in the portal, each in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from browser import DESKTOP, PATIENCE, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Page, expect

from runner.demo import play
from runner.stack import Stack

BAY, EVSE = 3, "DE*LIN*E0103"


@pytest.fixture(scope="module")
def paid(product: Stack) -> dict[str, Any]:
    """A session that has become a paid invoice."""
    return play(product, product.seed["stations"][0], minutes=12, evse=BAY)


def open_row(page: Page, text: str) -> None:
    page.locator(".o_list_view .o_data_row", has_text=text).first.locator("td.o_data_cell").nth(1).click()
    page.wait_for_selector(".o_form_view")


def test_a_clerk_follows_a_session_from_the_list_to_the_payment_by_clicking(
    product: Stack, paid: dict[str, Any]
) -> None:
    with page_for(product, "clerk", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/odoo/action-emobility_billing.action_session")
        page.wait_for_selector(".o_list_view .o_data_row")
        picture(page, "clerk-sessions")
        open_row(page, EVSE)
        expect(page.locator(".o_field_widget[name=energy_kwh]")).to_contain_text(f"{float(paid['energy_kwh']):.3f}")
        picture(page, "clerk-session")
        page.locator("button[name=action_open_cdrs]").click()
        page.wait_for_selector(".o_form_view .o_field_widget[name=retail_amount]")
        expect(page.locator(".o_field_widget[name=retail_amount]")).to_contain_text(paid["total"])
        picture(page, "clerk-cdr")
        page.locator("button[name=action_open_moves]").click()
        page.wait_for_selector(".o_form_view .o_field_widget[name=payment_state], .o_form_view .ribbon")
        expect(page.locator(".o_form_view")).to_contain_text(paid["invoice"])
        expect(page.locator(".o_form_view .ribbon:visible")).to_contain_text("Paid")
        picture(page, "clerk-invoice")


def test_every_menu_entry_opens_without_an_error(product: Stack, paid: dict[str, Any]) -> None:
    with page_for(product, "clerk", DESKTOP) as page:
        menus = page.request.get(f"{product.odoo_url}/web/webclient/load_menus").json().values()
        entries = [menu for menu in menus if menu["xmlid"].startswith("emobility_") and menu["actionID"]]
        actions = {entry["name"]: entry["actionID"] for entry in entries}
        assert len(actions) >= 15
        for name, action in actions.items():
            page.goto(f"{product.odoo_url}/odoo/action-{action}")
            shown = page.locator(".o_action_manager .o_action, .o_dialog .o_form_view").first
            expect(shown, name).to_be_visible(timeout=PATIENCE)
            picture(page, f"menu-{name.lower().replace(' ', '-')}")
            expect(page.locator(".o_error_dialog"), name).to_have_count(0)


@pytest.mark.parametrize(("device", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_a_driver_sees_sessions_and_the_invoice_in_the_portal(
    product: Stack, paid: dict[str, Any], device: str, viewport: dict[str, int]
) -> None:
    with page_for(product, "driver Anna", viewport) as page:
        page.goto(f"{product.odoo_url}/my/charging")
        expect(page.locator("#wrap")).to_contain_text("Rathausplatz")
        assert_fits_the_width(page)
        picture(page, f"driver-sessions-{device}")
        [session] = product.clerk("emobility.session", "search", [
            ("cdr_ids.rating_ids.move_id.name", "=", paid["invoice"])])
        page.locator(f"a[href*='/my/charging/{session}']:visible").first.click()
        page.wait_for_selector("#charging_session")
        expect(page.locator("#charging_session")).to_contain_text(paid["total"])
        assert_fits_the_width(page)
        picture(page, f"driver-session-{device}", full_page=True)
        page.goto(f"{product.odoo_url}/my/invoices")
        expect(page.locator("#wrap")).to_contain_text(paid["invoice"])


def test_the_back_office_works_on_a_phone(product: Stack, paid: dict[str, Any]) -> None:
    with page_for(product, "clerk", PHONE) as page:
        page.goto(f"{product.odoo_url}/odoo/action-emobility_billing.action_session")
        page.wait_for_selector(".o_kanban_view .o_kanban_record, .o_list_view .o_data_row")
        picture(page, "clerk-sessions-phone")
