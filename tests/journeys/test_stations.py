"""The pages of stations follow what a station does without a reload."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from browser import DESKTOP, page_for, picture
from playwright.sync_api import Page, expect

from runner.stack import Stack

SLOW = 180_000  # ms that a change may take from the station to the page on a busy machine
STATIONS = "emobility_ocpp.emobility_station_action"


@pytest.fixture
def row(product: Stack) -> dict[str, Any]:
    found: dict[str, Any] = product.seed["stations"][0]
    return found


@contextmanager
def charging(product: Stack, station: dict[str, Any]) -> Iterator[None]:
    """A session that begins now, with a reading every few seconds, until the block is left."""
    command = product.station_command(station, "--evse", "1", "--energy-kwh", "12", "--minutes", "60", "--live")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def go(page: Page, product: Stack, action: str) -> None:
    page.goto(f"{product.odoo_url}/odoo/action-{action}")
    page.wait_for_selector(".o_action_manager .o_action")


def test_list_form_and_chart_follow_a_station_without_a_reload(product: Stack, row: dict[str, Any]) -> None:
    with page_for(product, "clerk", DESKTOP) as page:
        go(page, product, STATIONS)
        line = page.locator("tr.o_data_row", has_text=row["identity"])
        expect(line).not_to_contain_text("Online")
        page.evaluate("window.neverReloaded = true")
        with charging(product, row):
            expect(line.locator("td[name=connection_state]")).to_have_text("Online", timeout=SLOW)
            expect(line.locator("td[name=live_session_count]")).to_have_text("1", timeout=SLOW)
            picture(page, "station_list_live")

            line.locator("td[name=identity]").click()
            sessions = page.locator("button[name=action_open_live_sessions]")
            expect(sessions).to_contain_text("1")
            evses = page.locator(".o_field_widget[name=evse_ids]")
            expect(evses).to_contain_text("Charging", timeout=SLOW)
            picture(page, "station_form_live")

            sessions.click()
            expect(page.locator(".o_breadcrumb")).to_contain_text("Charging sessions", timeout=SLOW)
            expect(page.locator(".o_form_view")).to_have_count(0)
            page.locator(".o_list_view tr.o_data_row td.o_data_cell").first.click()
            energy = page.locator(".o_form_view .o_field_widget[name=energy_kwh]")
            before = energy.inner_text()
            page.get_by_role("tab", name="Over Time").click()
            chart = page.locator(".o_field_widget[name=power_picture] svg")
            expect(chart).to_be_visible(timeout=SLOW)
            drawn = chart.inner_html()
            expect(energy).not_to_have_text(before, timeout=SLOW)
            page.wait_for_function(
                "before => document.querySelector('[name=power_picture] svg')?.innerHTML !== before",
                arg=drawn, timeout=SLOW,
            )  # fmt: skip
            chart.scroll_into_view_if_needed()
            picture(page, "session_chart_live")
        assert page.evaluate("window.neverReloaded"), "the page was never loaded anew"
