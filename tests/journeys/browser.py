"""A real browser on the product: Debian's Chromium, driven by Playwright; pictures land in `.runtime/screenshots/`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from runner.paths import RUNTIME
from runner.stack import Stack

SCREENSHOTS = RUNTIME / "screenshots"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE = 120_000  # ms that a page may take on a slow machine; the first one makes the asset bundles

expect.set_options(timeout=PATIENCE / 2)


@contextmanager
def page_for(product: Stack, role: str | None, viewport: dict[str, int]) -> Iterator[Page]:
    """A page on which one of the seeded users is logged in, or nobody. A script error on any page fails the journey."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        try:
            page = browser.new_page(viewport=viewport, locale="en-US")
            page.set_default_timeout(PATIENCE)
            page.on("pageerror", lambda error: errors.append(str(error)))
            if role:
                login(page, product, role)
            yield page
        finally:
            browser.close()
    assert not errors, errors


def login(page: Page, product: Stack, role: str) -> None:
    user = product.seed["users"][role]
    page.goto(f"{product.odoo_url}/web/login")
    page.fill("input[name=login]", user["login"])
    page.fill("input[name=password]", user["password"])
    page.click("form.oe_login_form button[type=submit]")
    page.wait_for_url(lambda url: "/web/login" not in url)


def picture(page: Page, name: str, *, full_page: bool = False) -> Path:
    """A screenshot for a person to look at; the pictures of the guide are made here."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    file = SCREENSHOTS / f"{name}.png"
    # Not "networkidle": the back office always keeps a connection open.
    page.wait_for_load_state("load")
    page.wait_for_function("document.fonts.ready.then(() => !document.querySelector('.o_loading_indicator'))")
    page.screenshot(path=file, full_page=full_page)
    return file


def assert_fits_the_width(page: Page) -> None:
    """On a phone nothing may stick out to the right."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"the page is {too_wide} pixels too wide"
