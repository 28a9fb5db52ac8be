"""The pages of stations: they follow what a station does without a reload, and they work on a desk and on a phone."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Page, expect

from runner.stack import Stack

SLOW = 180_000  # ms that a change may take from the station to the page on a busy machine
ACTIONS = {
    "station_list": "emobility_ocpp.emobility_station_action",
    "station_health": "emobility_ocpp.emobility_station_health_action",
    "station_messages": "emobility_ocpp.emobility_ocpp_message_action",
    "station_uptime": "emobility_ocpp.emobility_station_day_action",
    "station_outages": "emobility_ocpp.emobility_station_outage_action",
    "station_commands": "emobility_ocpp.emobility_command_action",
    "firmware_campaigns": "emobility_ocpp.emobility_firmware_campaign_action",
}


@pytest.fixture
def row(product: Stack) -> dict[str, Any]:
    found: dict[str, Any] = product.seed["stations"][0]
    return found


@contextmanager
def charging(product: Stack, station: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """A session that begins now, with a reading every few seconds; the station leaves when it is stopped."""
    command = product.station_command(station, "--evse", "1", "--energy-kwh", "12", "--minutes", "60", "--live")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def go(page: Page, product: Stack, action: str) -> None:
    page.goto(f"{product.odoo_url}/odoo/action-{action}")
    page.wait_for_selector(".o_action_manager .o_action")


def test_list_form_and_chart_follow_a_station_without_a_reload(product: Stack, row: dict[str, Any]) -> None:
    with page_for(product, "clerk", DESKTOP) as page:
        go(page, product, ACTIONS["station_list"])
        line = page.locator("tr.o_data_row", has_text=row["identity"])
        expect(line).not_to_contain_text("Online")
        page.evaluate("window.neverReloaded = true")
        with charging(product, row) as station:
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
            page.locator("tr.o_data_row").first.click()
            energy = page.locator(".o_form_view .o_field_widget[name=energy_kwh]")
            before = energy.inner_text()
            page.get_by_role("tab", name=re.compile("Pictures|Charts|Power", re.I)).click()
            chart = page.locator(".o_field_widget[name=power_picture] svg")
            expect(chart).to_be_visible(timeout=SLOW)
            drawn = chart.inner_html()
            expect(energy).not_to_have_text(before, timeout=SLOW)
            page.wait_for_function(
                "before => document.querySelector('[name=power_picture] svg')?.innerHTML !== before",
                arg=drawn, timeout=SLOW,
            )  # fmt: skip
            picture(page, "session_chart_live")
            live = product.clerk("emobility.session", "search", [("state", "=", "live")])
            product.clerk("emobility.session", "action_remote_stop", live)
            expect(page.locator(".o_statusbar_status .o_arrow_button_current")).to_have_text(
                re.compile("Ended|Done|Held", re.I), timeout=2 * SLOW
            )
            station.wait(120)
        page.locator(".o_breadcrumb a, .breadcrumb-item a").first.click()
        expect(page.locator("tr.o_data_row", has_text=row["identity"]).locator("td[name=connection_state]")).to_have_text(
            "Offline", timeout=SLOW
        )
        assert page.evaluate("window.neverReloaded"), "the page was never loaded anew"


def test_pages_of_stations_on_a_desk_and_on_a_phone(product: Stack, row: dict[str, Any]) -> None:
    [station] = product.call("manager", "emobility.station", "search", [("identity", "=", row["identity"])])
    stations = product.call("manager", "emobility.station", "search", [])
    waiting = product.waiting_station(row, 1).start()
    try:
        _read_settings_twice(product, station)
        campaign = product.call("manager", "emobility.firmware.campaign", "create", {
            "name": "Firmware 2.4", "url": "https://firmware.example.com/2.4.bin", "version": "2.4", "wave_size": 9,
            "line_ids": [(0, 0, {"station_id": one}) for one in stations],
        })  # fmt: skip
        [evse] = product.call("manager", "emobility.evse", "search", [("station_id", "=", station)], limit=1)
        [company] = product.call("admin", "res.company", "search", [("name", "ilike", "linden")], limit=1)
        records = {
            "station_form": f"action-emobility_ocpp.emobility_station_action/{station}",
            "firmware_campaign": f"action-emobility_ocpp.emobility_firmware_campaign_action/{campaign}",
            "station_evse": f"action-emobility_crm.action_emobility_evse/{evse}",
        }
        for suffix, viewport in (("", DESKTOP), ("_phone", PHONE)):
            with page_for(product, "manager", viewport) as page:
                if not suffix:
                    page.goto(f"{product.odoo_url}/odoo/{records['firmware_campaign']}")
                    page.locator("button[name=action_start]").click()
                    expect(page.locator(".o_field_widget[name=line_ids]")).to_contain_text("Installed", timeout=SLOW)
                for name, action in ACTIONS.items():
                    go(page, product, action)
                    page.wait_for_timeout(1000)
                    picture(page, f"{name}{suffix}")
                    assert_fits_the_width(page)
                for name, path in records.items():
                    page.goto(f"{product.odoo_url}/odoo/{path}")
                    page.wait_for_selector(".o_form_view .o_form_sheet")
                    picture(page, f"{name}{suffix}", full_page=True)
                    assert_fits_the_width(page)
                _settings_graph_and_wizard(page, product, station, suffix)
            with page_for(product, "admin", viewport) as page:
                page.goto(f"{product.odoo_url}/odoo/action-base.action_res_company_form/{company}")
                page.wait_for_selector(".o_form_view .o_form_sheet")
                tab = page.get_by_role("tab", name=re.compile("Mobility|Charging", re.I))
                if tab.count():
                    tab.first.click()
                picture(page, f"station_company{suffix}")
    finally:
        waiting.stop()


def _settings_graph_and_wizard(page: Page, product: Stack, station: int, suffix: str) -> None:
    page.goto(f"{product.odoo_url}/odoo/action-emobility_ocpp.emobility_station_action/{station}")
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator(".o_field_widget[name=setting_ids]")).to_contain_text("HeartbeatInterval")
    picture(page, f"station_settings{suffix}")
    assert_fits_the_width(page)
    if suffix:
        page.locator(".o_statusbar_buttons button, .o_cp_action_menus button").first.click()
    page.get_by_role("button", name="Commissioning").or_(page.get_by_text("Commissioning")).first.click()
    page.wait_for_selector(".modal .o_form_view")
    page.wait_for_timeout(1000)
    picture(page, f"station_commissioning{suffix}")
    page.keyboard.press("Escape")
    for kind in ("graph", "pivot"):
        page.goto(f"{product.odoo_url}/odoo/action-emobility_ocpp.emobility_station_action?view_type={kind}")
        page.wait_for_selector(f".o_{kind}_view")
        page.wait_for_timeout(1000)
        picture(page, f"station_{kind}{suffix}")


def _read_settings_twice(product: Stack, station: int) -> None:
    """So that there is a difference to show."""
    for key, value in (("HeartbeatInterval", "300"), ("HeartbeatInterval", "120")):
        for action, payload in (("set_configuration", {"key": key, "value": value}), ("get_configuration", {})):
            wizard = product.call("manager", "emobility.station.command.wizard", "create", {
                "station_ids": [(6, 0, [station])], "action": action, **payload,
            })  # fmt: skip
            product.call("manager", "emobility.station.command.wizard", "action_send", [wizard])
            _wait_until_answered(product)


def _wait_until_answered(product: Stack) -> None:
    until = time.monotonic() + SLOW / 1000
    while product.call("manager", "emobility.command", "search_count", [("state", "in", ("new", "sent"))]):
        assert time.monotonic() < until, "the station does not answer"
        time.sleep(0.5)
