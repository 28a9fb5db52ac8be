"""Who pays for a fleet sees who drives, what it costs and where the limits are; on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import expect
from test_accessibility import violations

from runner import odoo
from runner.paths import RUNTIME
from runner.stack import Stack

SEED = Path(__file__).with_name("fleet_seed.py")
DRIVERS = 12


@pytest.fixture(scope="module")
def fleet(product: Stack) -> Stack:
    """The product with a company of twelve drivers, whose login becomes the role "fleet"."""
    config = RUNTIME / f"{product.database}.conf"
    odoo.run_script(config, product.database, SEED.read_text(), {}, log=f"{product.database}-fleet")
    product.seed["users"]["fleet"] = {"login": "fleet@kurier-nord.example.com", "password": "fleet-of-twelve"}
    return product


def test_who_pays_for_a_fleet_sees_its_drivers_limits_and_cost_centres(fleet: Stack) -> None:
    with page_for(fleet, "fleet", DESKTOP) as page:
        page.goto(f"{fleet.odoo_url}/my/charging")
        page.locator("#charging_tabs a", has_text="Drivers").click()
        rows = page.locator("#charging_drivers tbody tr")
        expect(rows).to_have_count(DRIVERS)
        assert_fits_the_width(page)
        assert not violations(page)
        picture(page, "portal-drivers", full_page=True)
        rows.filter(has_text="Aylin Demir").locator("a", has_text="Edit").click()
        card = page.locator("#charging_tokens section", has_text="KN-101")
        card.locator("summary", has_text="Edit").click()
        card.get_by_label("Limit per month").fill("90")
        card.get_by_label("Cost centre").fill("Parcels")
        picture(page, "portal-fleet-cards")
        card.get_by_role("button", name="Save").click()
        expect(page.locator("#charging_done")).to_contain_text("Saved")
        page.goto(f"{fleet.odoo_url}/my/charging/drivers")
        row = page.locator("#charging_drivers tbody tr", has_text="Aylin Demir")
        expect(row).to_contain_text("90.00")
        expect(row).to_contain_text("Parcels")
        row.get_by_role("link", name="Aylin Demir", exact=True).click()
        expect(page.locator("#charging_card_filter")).to_contain_text("Aylin Demir")
        picture(page, "portal-fleet-sessions", full_page=True)


def test_a_fleet_on_a_phone(fleet: Stack) -> None:
    with page_for(fleet, "fleet", PHONE) as page:
        for path, name in (("drivers", "portal-drivers-phone"), ("tokens", "portal-fleet-cards-phone"),
                           ("", "portal-fleet-sessions-phone"), ("contracts", "portal-fleet-contracts-phone")):
            page.goto(f"{fleet.odoo_url}/my/charging/{path}".rstrip("/"))
            assert_fits_the_width(page)
            assert not violations(page)
            picture(page, name, full_page=True)
