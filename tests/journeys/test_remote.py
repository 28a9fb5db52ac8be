"""Remote start and stop: from a button in Odoo over the bridge to the station, and back as a paid session."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import DESKTOP, page_for, picture
from playwright.sync_api import Page, expect

from runner.stack import Stack

BAY = 3
EVSES = {"1.6": "DE*LIN*E0103", "2.0.1": "DE*LIN*E0203"}
DRIVERS = {"1.6": "LIN-D4E501", "2.0.1": "LIN-D4E502"}


@pytest.fixture(params=[0, 1], ids=["1.6", "2.0.1"])
def station(product: Stack, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A station that is connected and waits."""
    row: dict[str, Any] = product.seed["stations"][request.param]
    service = product.waiting_station(row, BAY).start()
    try:
        yield row
    finally:
        service.stop()


def wait_for(page: Page, what: str, condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := condition():
            return found
        page.wait_for_timeout(500)
    raise AssertionError(f"waited in vain: {what}")


def sessions(product: Stack, evse: str, *states: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = product.clerk(
        "emobility.session", "search_read", [("evse_id.evse_id", "=", evse), ("state", "in", states)],
        fields=["state", "energy_kwh", "remote_ref"], order="id desc",
    )  # fmt: skip
    return rows


def test_a_clerk_starts_and_stops_a_session_from_odoo(product: Stack, station: dict[str, Any]) -> None:
    evse = EVSES[station["ocpp"]]
    [evse_id] = product.clerk("emobility.evse", "search", [("evse_id", "=", evse)])
    with page_for(product, "clerk", DESKTOP) as page:
        wait_for(page, "the station is online", lambda: product.clerk(
            "emobility.station", "search_count",
            [("identity", "=", station["identity"]), ("connection_state", "=", "online")]))
        page.goto(f"{product.odoo_url}/odoo/action-emobility_crm.action_emobility_evse/{evse_id}")
        page.locator("button[name=action_remote_start]").click()
        dialog = page.locator(".modal")
        dialog.locator(".o_field_widget[name=token_id] input").fill(DRIVERS[station["ocpp"]])
        page.locator(".o-autocomplete--dropdown-item", has_text=DRIVERS[station["ocpp"]]).first.click()
        picture(page, f"remote-start-{station['ocpp']}")
        dialog.locator("button[name=action_start]").click()
        expect(page.locator(".o_form_view .o_field_widget[name=action]")).to_contain_text("Start a session")
        [live] = wait_for(page, "the session is live", lambda: sessions(product, evse, "live"))
        assert live["remote_ref"], "the session names the command that started it"
        page.goto(f"{product.odoo_url}/odoo/action-emobility_billing.action_session/{live['id']}")
        page.wait_for_selector(".o_form_view .o_field_widget[name=energy_kwh]")
        picture(page, f"live-session-{station['ocpp']}")
        page.locator("button[name=action_remote_stop]").click()
        page.locator(".modal .btn-primary").click()
        expect(page.locator(".o_form_view .o_field_widget[name=action]")).to_contain_text(re.compile("Stop"))
        wait_for(page, "the session has ended", lambda: live["id"] in [
            row["id"] for row in sessions(product, evse, "ended", "held", "done")])
    assert not sessions(product, evse, "live")
    commands = product.clerk("emobility.command", "search_read", [("evse_id", "=", evse_id)], fields=["state"])
    assert [command["state"] for command in commands] == ["accepted", "accepted"]
