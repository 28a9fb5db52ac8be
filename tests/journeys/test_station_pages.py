"""What a station says of its settings and what it knows of prices, on the pages of stations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Page, expect

from runner.services import Services
from runner.stack import Stack

INTERVAL = "SampledDataCtrlr.TxUpdatedInterval"
PATIENCE = 180.0


def until(what: Callable[[], Any]) -> Any:
    """Wait for what the station, the bridge and the jobs of Odoo do one after another."""
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def station(product: Stack) -> Iterator[int]:
    """The DC station, simulated as one of OCPP 2.1, which answers commands; its database id."""
    row = product.seed["stations"][1] | {"ocpp": "2.1"}
    with Services() as services:
        services.start(product.waiting_station(row, 1))
        yield until(
            lambda: product.clerk(
                "emobility.station", "search",
                [("identity", "=", row["identity"]), ("connection_state", "=", "online"), ("ocpp_version", "=", "2.1")],
            )
        )[0]  # fmt: skip


def command(product: Stack, station: int, action: str, **values: str) -> None:
    wizard = product.call(
        "manager", "emobility.station.command.wizard", "create", {"action": action, "station_ids": [station], **values}
    )
    product.call("manager", "emobility.station.command.wizard", "action_send", [wizard])


def settings(product: Stack, station: int) -> dict[str, dict[str, Any]]:
    rows = product.clerk(
        "emobility.station.setting", "search_read", [("station_id", "=", station)], ["key", "value", "previous_value"]
    )
    return {row["key"]: row for row in rows}


def open_station(page: Page, product: Stack, station: int, tab: str) -> None:
    page.goto(f"{product.odoo_url}/odoo/action-emobility_ocpp.emobility_station_action/{station}")
    page.get_by_role("tab", name=tab).click()


def test_settings_of_a_station_are_read_changed_and_compared(product: Stack, station: int) -> None:
    command(product, station, "get_configuration")
    until(lambda: INTERVAL in settings(product, station))
    command(product, station, "set_configuration", key=INTERVAL, value="60")
    until(
        lambda: product.clerk(
            "emobility.command", "search",
            [("station_id", "=", station), ("action", "=", "set_configuration"), ("state", "=", "accepted")],
        )
    )  # fmt: skip
    command(product, station, "get_configuration")
    until(lambda: settings(product, station)[INTERVAL]["value"] == "60")
    found = settings(product, station)
    assert {key for key, row in found.items() if row["previous_value"]} == {INTERVAL}
    for viewport, name in ((DESKTOP, "station_settings"), (PHONE, "station_settings_phone")):
        with page_for(product, "manager", viewport) as page:
            open_station(page, product, station, "Settings")
            shown = page.locator(".o_field_widget[name=setting_ids]")
            expect(shown).to_contain_text(INTERVAL)
            expect(shown).to_contain_text("300")
            shown.scroll_into_view_if_needed()
            picture(page, name)
            assert_fits_the_width(page)


def test_prices_of_drivers_with_and_without_contract_are_on_the_page_of_the_station(
    product: Stack, station: int
) -> None:
    product.call("manager", "emobility.station", "write", [station], {"tariff_policy": "always"})
    product.call("manager", "emobility.station", "action_send_tariffs", [station])
    domain = [("station_id", "=", station), ("ocpp_tariff_state", "=", "accepted")]
    [evse] = until(lambda: product.clerk("emobility.evse", "search", domain))[:1]
    for viewport, name in ((DESKTOP, "station_tariffs"), (PHONE, "station_tariffs_phone")):
        with page_for(product, "manager", viewport) as page:
            open_station(page, product, station, "EVSEs")
            expect(page.locator(".o_field_widget[name=driver_tariffs_text]")).to_contain_text("per kWh")
            picture(page, name)
            assert_fits_the_width(page)
            page.goto(f"{product.odoo_url}/odoo/emobility.evse/{evse}")
            state = page.locator(".o_field_widget[name=ocpp_tariff_state]")
            expect(state).to_contain_text("The station has it")
            state.scroll_into_view_if_needed()
            picture(page, f"{name}_evse")
            assert_fits_the_width(page)
