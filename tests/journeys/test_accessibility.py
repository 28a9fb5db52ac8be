"""axe-core on the pages of drivers, in the widths of a phone and of a desktop: WCAG 2.2, levels A and AA."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for
from playwright.sync_api import Page

from runner.demo import play
from runner.stack import Stack

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Odoo's own frame around our pages (menu, breadcrumbs, contact card, footer), which is not ours to change.
FRAME = ["header", "footer", ".o_portal_navbar", ".o_portal > .o_portal_submenu", "#sidebar_content", ".o_main_navbar"]
OPTIONS = {"runOnly": {"type": "tag", "values": STANDARD}, "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def charged(product: Stack) -> dict[str, Any]:
    """A session of driver Anna that has a page with its price."""
    return play(product, product.seed["stations"][0], minutes=5, evse=4)


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page outside Odoo's frame: a sentence for each element."""
    context = {"exclude": [[selector] for selector in FRAME if page.locator(selector).count()]}
    found = Axe().run(page, context, OPTIONS).response
    return [
        f"{page.url}: {rule['id']} ({rule['help']}): {node['html'][:300]} {node['any'] and node['any'][0]['message']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_of_a_driver_have_no_violation(
    product: Stack, charged: dict[str, Any], viewport: dict[str, int]
) -> None:
    assert charged["payment_state"] == "paid"
    problems = []
    with page_for(product, "driver Anna", viewport) as page:
        page.goto(f"{product.odoo_url}/my/charging")
        links = page.locator("#charging_cards a, main table a[href^='/my/charging/']")
        session = links.first.get_attribute("href")
        page.goto(f"{product.odoo_url}/my/charging/contracts")
        contract = page.locator("#charging_contracts a").first.get_attribute("href")
        for path in ("/my/charging", session, "/my/charging/contracts", contract, "/my/charging/tokens",
                     f"{session}/dispute", "/my/charging/disputes",
                     "/my/charging/prices", "/my/charging/prices?q=nowhere", "/charging/join",
                     "/my/charging/direct-debit", "/my/charging/balance"):
            page.goto(f"{product.odoo_url}{path}")
            for closed in page.locator("main details").all():
                closed.evaluate("element => element.open = true")
            problems += violations(page)
            assert_fits_the_width(page)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_of_a_place_and_the_sign_up_with_mistakes_have_no_violation(
    product: Stack, viewport: dict[str, int]
) -> None:
    with page_for(product, "driver Anna", viewport) as page:
        page.goto(f"{product.odoo_url}/charging/location/LIN-0001")
        assert page.locator("#location_evses li").count()
        problems = violations(page)
        assert_fits_the_width(page)
        page.goto(f"{product.odoo_url}/charging/join")
        if page.locator("#join_form").count():
            page.click("#join_form button[type=submit]")
            page.wait_for_selector("#join_problems")
            problems += violations(page)
            assert_fits_the_width(page)
    assert not problems, "\n".join(problems)
