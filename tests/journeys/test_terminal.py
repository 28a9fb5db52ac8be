"""At a card terminal: choose a charging point, see the price, show a card, charge, stop, take the receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from waiting import wait_until

from runner.services import free_port
from runner.stack import Stack

sys.path.append(str(Path(__file__).resolve().parents[1] / "terminal"))

from local_terminal import LocalTerminal  # noqa: E402

BAY, EVSE = 2, "DE*LIN*E0102"


@pytest.fixture(scope="module")
def terminal(product: Stack) -> Iterator[LocalTerminal]:
    """A terminal for the points of one place, with its key, beside a station that waits."""
    # What is charged in a journey of seconds is not to be held as a session that is too short.
    rules = product.call("admin", "emobility.gate.rule", "search", [("reason_code", "=", "micro_session")])
    product.call("admin", "emobility.gate.rule", "write", rules, {"limit_minutes": 0})
    service = product.waiting_station(product.seed["stations"][0], BAY, energy_kwh=21).start()
    try:
        yield LocalTerminal(product.odoo_url, product.seed["terminal"])
    finally:
        service.stop()


def test_pays_at_the_terminal_charges_and_gets_the_receipt(product: Stack, terminal: LocalTerminal) -> None:
    assert terminal.do_heartbeat()[0] == 200

    def point() -> Any:
        points = terminal.do_evses()[1]["evses"]
        return next((one for one in points if one["evse_id"] == EVSE and one["available"]), None)

    chosen = wait_until("charging point that is free", point)
    assert chosen["prices"][0]["text"] == "0.59 EUR/kWh"
    status, told = terminal.do_authorise(chosen["evse_uid"])
    assert status == 200, told
    reference = told["authorization_reference"]

    def now() -> dict[str, Any]:
        return dict(terminal.do_status(reference)[1])

    wait_until("energy", lambda: float(now()["energy_kwh"]) > 0.01)
    terminal.do_stop(reference)

    def settled() -> Any:
        # There may be orders to hold more before the one to capture.
        terminal.do_poll()
        told = now()
        return told if told["state"] == "settled" else None

    over = wait_until("end", settled)
    assert over["captured"] == over["amount"] == str(terminal.captures[reference])
    assert not terminal.holds
    assert f"Charged {over['amount']} EUR" in over["receipt"]
    assert "AID: A0000000031010" in over["receipt"]
    [adhoc] = product.clerk("emobility.adhoc.session", "search_read", [("terminal_reference", "=", reference)],
                            fields=["attention", "move_id"])  # fmt: skip
    assert not adhoc["attention"]

    def is_paid() -> bool:
        [move] = product.clerk("account.move", "read", [adhoc["move_id"][0]], ["payment_state"])
        return bool(move["payment_state"] == "paid")

    wait_until("payment in the books, which follows in a job of its own", is_paid)
    with page_for(product, "admin", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/odoo/action-emobility_terminal.action_terminal")
        page.wait_for_selector(".o_data_row")
        picture(page, "terminals-list")
        page.click(".o_data_row .o_data_cell[name=name]")
        page.wait_for_selector(".o_form_view .o_field_widget[name=evse_ids] .o_data_row")
        page.mouse.move(640, 790)
        page.wait_for_selector(".o-tooltip", state="detached")
        picture(page, "terminals-form")
        page.goto(f"{product.odoo_url}/odoo/action-emobility_terminal.action_terminal_confirmation")
        page.click(".o_data_row .o_data_cell[name=terminal_id]")
        page.wait_for_selector(".o_form_view .o_field_widget[name=eft_data]")
        picture(page, "terminals-confirmation")


def test_the_terminal_of_the_demonstration_step_by_step(product: Stack, terminal: LocalTerminal) -> None:
    """The same on the display of the terminal, as a customer sees it."""
    port = free_port(8050)
    service = product.card_terminal(port).start()
    try:
        wait_until("display", lambda: _answers(port))
        with page_for(product, None, PHONE) as page:
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(f"article:has-text('bay {BAY}') button")
            picture(page, "terminals-display-price")
            assert_fits_the_width(page)
            page.click(f"article:has-text('bay {BAY}') button")
            page.wait_for_selector("h2:has-text('Charging')")
            page.wait_for_function("parseFloat(document.querySelector('article p').textContent) > 0.01")
            picture(page, "terminals-display-charging")
            page.click("button:has-text('Stop')")
            page.wait_for_selector("h2:has-text('Thank you')")
            assert "AID: A0000000031010" in page.inner_text("pre")
            picture(page, "terminals-display-receipt", full_page=True)
    finally:
        service.stop()
    _block_the_card(product)


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _block_the_card(product: Stack) -> None:
    """A clerk blocks the card of the session; the list shows why."""
    [adhoc] = product.clerk(
        "emobility.adhoc.session", "search_read", [("terminal_id", "!=", False), ("state", "=", "settled")],
        fields=["has_card"], limit=1,
    )  # fmt: skip
    assert adhoc["has_card"]
    product.clerk("emobility.adhoc.session", "action_block_card", [adhoc["id"]])
    with page_for(product, "clerk", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/odoo/action-emobility_adhoc.action_adhoc_block")
        page.click(".o_data_row .o_data_cell[name=label]")
        page.wait_for_selector(".o_form_view .o_field_widget[name=reason]")
        picture(page, "adhoc-blocked-card")
        page.click("button[name=action_lift]")
        page.wait_for_selector("button[name=action_lift]", state="hidden")
