"""Without a contract at the station of somebody else: a phone pays at the provider, the operator's station charges."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import expect
from roaming_world import Side, eventually
from test_roaming import event, heard, push, register, sides, station_does  # noqa: F401 (a fixture)

SLOW = 120_000
PRICE = """
version = {"valid_from": "2020-01-01", "element_ids": [(0, 0, {"component_ids": [
    (0, 0, {"dimension": "ENERGY", "price": 0.59})]})]}
tariff = env["emobility.tariff"].create({"name": "Walk-up", "code": "WALKUP", "price_mode": "gross",
    "currency_id": env.ref("base.EUR").id, "version_ids": [(0, 0, version)]})
env["emobility.price.rule"].create({"tariff_id": tariff.id, "relation": "adhoc"})
journal = env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", 1)], limit=1)
env.ref("payment.payment_provider_demo").write({"state": "test", "is_published": True, "capture_manually": True,
    "journal_id": journal.id})
env.ref("payment_demo.payment_method_demo").write({"active": True})
"""


def sell_at_its_stations(provider: Side) -> None:
    """What the provider does once: a price for walk-ups, a way to pay, and the switch of the partner."""
    provider.act(PRICE)
    [operator] = provider.search("emobility.roaming.partner", [("party_id", "=", "CPO"), ("role", "=", "CPO")], "id")
    provider.rpc("emobility.roaming.partner", "write", [operator["id"]], {"name": "Stadtwerk"})
    provider.rpc("res.company", "write", [1], {"name": "Blitzladen"})
    product: Any = SimpleNamespace(
        odoo_url=provider.url, seed={"users": {"admin": {"login": "admin", "password": "admin"}}}
    )
    with page_for(product, "admin", DESKTOP) as page:
        page.goto(f"{provider.url}/odoo/action-emobility_roaming.roaming_partner_action/{operator['id']}")
        page.get_by_label("Ad-hoc Charging at Its Stations").check()
        page.locator(".o_form_button_save").click()
        expect(page.locator(".o_form_button_save")).to_be_hidden()
        picture(page, "roaming-adhoc-switch")


def newest(provider: Side, *fields: str) -> dict[str, Any]:
    return provider.search("emobility.adhoc.session", [], "state", *fields)[-1]


def test_a_walk_up_pays_the_provider_for_a_session_at_the_operator(sides: tuple[Side, Side]) -> None:  # noqa: F811
    operator, provider = sides
    register(operator, provider, "2.2.1")
    [evse] = eventually("the location arrives", lambda: provider.search(
        "emobility.evse", [("ocpi_uid", "=", "YARD-1")], "adhoc_code"))  # fmt: skip
    push(operator, event("here", "station.connected", datetime.now(UTC), ocpp="1.6", remote_address="127.0.0.1"))
    sell_at_its_stations(provider)
    phone: Any = SimpleNamespace(odoo_url=provider.url)
    with page_for(phone, None, PHONE) as page:
        page.goto(f"{provider.url}/charge/{evse['adhoc_code']}")
        expect(page.locator("table.prices")).to_contain_text("0.59 EUR/kWh")
        expect(page.locator("main")).to_contain_text("Operated by Stadtwerk")
        assert_fits_the_width(page)
        picture(page, "roaming-adhoc-price", full_page=True)
        page.click("text=Pay and charge")
        page.locator("input[name=o_payment_radio][data-provider-code=demo]").check(force=True)
        expect(page.locator("button[name=o_payment_submit_button]")).to_be_enabled()
        page.click("button[name=o_payment_submit_button]")
        page.wait_for_url(re.compile(r"/charge/session/[^/]+$"))

        reference = station_does(operator, "remote_start")
        heard(provider, "START_SESSION", "2.2.1")
        [asked] = operator.search("emobility.command", [("uid", "=", reference)], "token_id")
        [token] = operator.search("emobility.token", [("id", "=", asked["token_id"][0])], "uid", "token_type")
        assert (token["uid"][:2], token["token_type"]) == ("AH", "AD_HOC_USER")
        # Forty minutes ago by the clock of the station, so that there is something to pay for.
        uid, start = "walk-up", datetime.now(UTC) - timedelta(minutes=40)
        push(operator, event(uid, "session.started", start, session_uid=uid, transaction_id=uid, evse=1, connector=1,
                             token_uid=token["uid"], token_type="AD_HOC_USER", meter_kwh="0", authorization="Accepted",
                             remote_ref=reference))  # fmt: skip
        at = datetime.now(UTC)
        reading = {"at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "energy_kwh": "9.9"}
        push(operator, event(uid, "session.meter", at, session_uid=uid, readings=[reading]))
        expect(page.locator("h1")).to_have_text("Charging", timeout=3 * SLOW)
        expect(page.locator("[data-figure=energy]")).to_have_text("9.900", timeout=SLOW)
        picture(page, "roaming-adhoc-charging", full_page=True)

        page.click("text=Stop charging")
        station_does(operator, "remote_stop")
        heard(provider, "STOP_SESSION", "2.2.1")
        end = datetime.now(UTC)
        push(operator, event(uid, "session.ended", end, session_uid=uid, meter_kwh="10", reason="Remote"),
             event(uid, "session.unplugged", end, session_uid=uid))  # fmt: skip
        expect(page.locator("h1")).to_have_text("Thank you", timeout=3 * SLOW)
        assert_fits_the_width(page)
        picture(page, "roaming-adhoc-receipt", full_page=True)
    adhoc = newest(provider, "amount_captured", "amount_due", "attention", "operator_id", "session_id")
    assert (adhoc["state"], adhoc["amount_captured"], adhoc["amount_due"]) == ("settled", 5.9, 5.9)
    assert adhoc["attention"] is False and adhoc["operator_id"]
    session = [("session_id", "=", adhoc["session_id"][0])]
    [bought] = provider.search("emobility.roaming.cdr", session, "total_net", "energy_kwh", "direction")
    assert (bought["total_net"], bought["energy_kwh"], bought["direction"]) == (5.0, 10.0, "in")
    [margin] = eventually("the margin is known", lambda: provider.search(
        "emobility.roaming.margin", session, "margin"))  # fmt: skip
    assert margin["margin"] > -0.5
    told = provider.search("emobility.ocpi.message", [("module", "=", "tokens"), ("direction", "=", "out"),
                                                      ("path", "like", token["uid"])], "path")  # fmt: skip
    assert not told, "nobody is told of a token for one session"
