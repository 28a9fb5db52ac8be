"""Without a contract: a phone opens the code at a charging point, pays, charges, stops, and has receipt and invoice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PHONE, assert_fits_the_width, page_for, picture
from local_psp import Psp, serving
from playwright.sync_api import Page, Request, expect
from waiting import wait_until

from runner.stack import Stack

BAY = 4
EVSE = "DE*LIN*E0104"
STANDARD = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
CARD_WITH_3DS = "4000 0027 6000 3184"
SLOW = 120_000


@pytest.fixture(scope="module")
def psp(product: Stack) -> Iterator[Psp]:
    """The local payment provider behind a Stripe provider that holds."""
    with serving(Psp(webhook_url=f"{product.odoo_url}/payment/stripe/webhook"), 0) as running:
        product.call("admin", "ir.config_parameter", "set_param", "emobility_test_psp.url", running.base_url)
        [stripe] = product.call("admin", "payment.provider", "search", [("code", "=", "stripe")], limit=1)
        product.call("admin", "payment.provider", "write", [stripe], {
            "state": "test", "is_published": True, "capture_manually": True, "stripe_publishable_key": "pk_test_local",
            "stripe_secret_key": running.secret_key, "stripe_webhook_secret": running.webhook_secret,
        })  # fmt: skip
        # What is charged in a journey of seconds is not to be held as a session that is too short.
        rules = product.call("admin", "emobility.gate.rule", "search", [("reason_code", "=", "micro_session")])
        product.call("admin", "emobility.gate.rule", "write", rules, {"is_on": False})
        yield running


@pytest.fixture(scope="module")
def station(product: Stack) -> Iterator[None]:
    service = product.waiting_station(product.seed["stations"][0], BAY, energy_kwh=21).start()
    try:
        yield
    finally:
        service.stop()


def check(page: Page, name: str) -> None:
    """A picture, and the rules of accessibility."""
    picture(page, name, full_page=True)
    assert_fits_the_width(page)
    found = Axe().run(page, None, STANDARD | {"resultTypes": ["violations"]}).response["violations"]
    assert not found, [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


def evse_code(product: Stack, page: Page) -> str:
    """The address in the code on the sticker, once the station is connected."""
    for _time in range(60):
        [row] = product.clerk("emobility.evse", "search_read", [("evse_id", "=", EVSE)],
                              fields=["adhoc_code", "adhoc_url", "station_id"])  # fmt: skip
        online = product.clerk("emobility.station", "search_count",
                               [("id", "=", row["station_id"][0]), ("connection_state", "=", "online")])  # fmt: skip
        if online:
            path = re.sub(r"^https?://[^/]+", "", row["adhoc_url"])
            assert path.startswith(f"/charge/{row['adhoc_code']}?s=")
            return product.odoo_url + path
        page.wait_for_timeout(500)
    raise AssertionError("the station is not online")


@dataclass(frozen=True)
class Words:
    """What the pages say in a language."""

    charging: str
    stop: str
    thanks: str
    invoice: str
    make: str


ENGLISH = Words("Charging", "Stop charging", "Thank you", "I need an invoice", "Make the invoice")
GERMAN = Words("Lädt", "Laden beenden", "Vielen Dank", "Ich brauche eine Rechnung", "Rechnung erstellen")


def charge_and_stop(page: Page, name: str, words: Words) -> None:
    """Energy and state come by push: the page is never loaded again, and asks for nothing."""
    expect(page.locator("h1")).to_have_text(words.charging, timeout=SLOW)
    page.evaluate("window.loadedOnce = true")
    asked: list[str] = []
    page.on("request", lambda request: request.url.endswith("/status") and asked.append(request.url))
    energy = page.locator("[data-figure=energy]")
    before = energy.inner_text()
    expect(energy).not_to_have_text(before, timeout=SLOW)
    expect(energy).not_to_have_text(re.compile(r"^0[.,]000$"), timeout=SLOW)
    check(page, f"{name}-4-charging")
    page.click(f"text={words.stop}")
    expect(page.locator("h1")).to_have_text(words.thanks, timeout=SLOW)
    assert len(asked) <= 1, "the figures were pushed"
    check(page, f"{name}-5-receipt")


def ask_for_invoice(page: Page, name: str, words: Words) -> None:
    """The link of the session makes it, once."""
    page.click(f"text={words.invoice}")
    for field, value in {"name": "Ampere GmbH", "vat": "DE136695976", "street": "Stromweg 1", "zip": "10115",
                         "city": "Berlin"}.items():  # fmt: skip
        page.fill(f"#{field}", value)
    check(page, f"{name}-6-invoice")
    page.click(f"text={words.make}")
    expect(page.locator("h1")).to_have_text(words.thanks)


def receipt_of(page: Page, product: Stack) -> bytes:
    link = page.locator("a[href$='receipt.pdf']").get_attribute("href")
    return page.request.get(f"{product.odoo_url}{link}").body()


def mails_to(product: Stack, address: str) -> list[Message]:
    files = [file for file in product.mail_folder.rglob("*") if file.is_file()]
    mails = [message_from_bytes(file.read_bytes()) for file in files]
    return [mail for mail in mails if address in str(mail["To"])]


def newest(product: Stack) -> dict[str, Any]:
    [row] = product.clerk("emobility.adhoc.session", "search_read", [("evse_id.evse_id", "=", EVSE)],
                          fields=["state", "amount_due", "amount_captured", "move_id", "attention"],
                          limit=1)  # fmt: skip
    return dict(row)


def test_pays_with_3ds_charges_and_gets_receipt_and_invoice(product: Stack, psp: Psp, station: None) -> None:
    with page_for(product, None, PHONE) as page:
        page.route("https://js.stripe.com/**", lambda route: route.fulfill(
            body=page.request.get(f"{psp.base_url}/v3/").text(), content_type="text/javascript"))  # fmt: skip
        page.goto(evse_code(product, page))
        expect(page.locator("table.prices")).to_contain_text("0.59 EUR/kWh")
        check(page, "adhoc-a-1-price")
        page.fill("#email", "walk.up@example.com")
        page.click("text=Pay and charge")
        page.locator("input[name=o_payment_radio][data-payment-method-code=card]").check(force=True)
        page.fill("[name=psp_number]", CARD_WITH_3DS)
        picture(page, "adhoc-a-2-pay")
        page.click("button[name=o_payment_submit_button]")
        expect(page.locator("h1")).to_have_text("Your bank")
        picture(page, "adhoc-a-3-bank")
        page.click("text=Confirm")
        page.wait_for_url("**/charge/session/**")
        [intent] = psp.intents.values()
        assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 4000)
        charge_and_stop(page, "adhoc-a", ENGLISH)
        assert receipt_of(page, product)[:5] == b"%PDF-"
        ask_for_invoice(page, "adhoc-a", ENGLISH)
    adhoc = newest(product)
    assert (adhoc["state"], adhoc["attention"]) == ("settled", False)
    assert round(100 * adhoc["amount_captured"]) == psp.captured(intent["id"]) == round(100 * adhoc["amount_due"]) > 0
    assert psp.held(intent["id"]) == 0
    wait_until("the invoice is paid", lambda: product.clerk("account.move", "search_count", [
        ("id", "=", adhoc["move_id"][0]), ("partner_id.name", "=", "Ampere GmbH"), ("payment_state", "=", "paid")]))
    [mail, *_later] = wait_until("the receipt is mailed", lambda: mails_to(product, "walk.up@example.com"))
    attached = [part.get_content_type() for part in mail.walk()]
    assert "application/pdf" in attached, "the receipt was mailed at once"
    [evse] = product.clerk("emobility.evse", "search_read", [("evse_id", "=", EVSE)], fields=["adhoc_display_state"])
    assert evse["adhoc_display_state"] == "accepted", "the display of the station shows the price"


@pytest.fixture(scope="module")
def other_brand(product: Stack) -> Iterator[None]:
    """German, and another brand for the company; the pages before had the one that it comes with."""
    german = product.call("admin", "res.lang", "search", [("code", "=", "de_DE"), ("active", "in", (True, False))])
    [wizard] = product.call("admin", "base.language.install", "create", [{"lang_ids": [(6, 0, german)]}])
    product.call("admin", "base.language.install", "lang_install", [wizard])
    [company] = product.call("admin", "res.company", "search", [], limit=1)
    [brand] = product.call("manager", "emobility.brand", "create", [{
        "name": "Blitzladen", "company_id": company, "primary_color": "#ffd60a", "secondary_color": "#14213d",
        "legal_url": "https://blitz.example.com/terms", "imprint_url": "https://blitz.example.com/imprint",
        "support_phone": "+49 30 5550 2000",
    }])  # fmt: skip
    product.call("admin", "res.company", "write", [company], {"emobility_brand_id": brand})
    yield
    product.call("admin", "res.company", "write", [company], {"emobility_brand_id": False})


def test_in_another_brand_and_language_with_another_provider(
    product: Stack, psp: Psp, station: None, other_brand: None
) -> None:
    with page_for(product, None, PHONE) as page:
        page.goto(evse_code(product, page))
        expect(page.locator("header")).to_contain_text("Blitzladen")
        page.click("header nav a[lang=de]")
        expect(page.locator("table.prices")).to_contain_text("0,59 EUR/kWh")
        check(page, "adhoc-b-1-price")
        page.click("text=Problem melden")
        check(page, "adhoc-b-7-report")
        page.go_back()
        page.click("text=Bezahlen und laden")
        page.locator("input[name=o_payment_radio][data-provider-code=demo]").check(force=True)
        expect(page.locator("button[name=o_payment_submit_button]")).to_be_enabled()
        picture(page, "adhoc-b-2-pay")
        page.click("button[name=o_payment_submit_button]")
        page.wait_for_url("**/charge/session/**")
        charge_and_stop(page, "adhoc-b", GERMAN)
        ask_for_invoice(page, "adhoc-b", GERMAN)
        page.goto(f"{product.odoo_url}/charge")
        check(page, "adhoc-b-8-code")
        [evse] = product.clerk("emobility.evse", "search", [("evse_id", "=", EVSE)])
        product.call("manager", "emobility.evse", "write", [evse], {"adhoc_code_kind": "dynamic"})
        page.goto(evse_code(product, page))
        expect(page.locator("table.prices")).to_contain_text("0,59 EUR/kWh")
        expect(page.locator("text=Bezahlen und laden")).to_have_count(0)
        check(page, "adhoc-b-9-code-of-the-display")
        product.call("manager", "emobility.evse", "write", [evse], {"adhoc_code_kind": "static"})
    assert newest(product)["state"] == "settled"


def test_first_view_is_light_and_can_be_installed(product: Stack, psp: Psp, station: None) -> None:
    with page_for(product, None, PHONE) as page:
        requests: list[Request] = []
        page.on("requestfinished", lambda request: requests.append(request))
        page.goto(evse_code(product, page), wait_until="networkidle")
        sizes = {one.url: sum(one.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
                 for one in list(requests)}  # fmt: skip
        assert all(url.startswith(product.odoo_url) for url in sizes), sizes
        assert 0 < sum(sizes.values()) < 150_000, sizes
        page.wait_for_function("navigator.serviceWorker.getRegistration('/charge').then(one => one && one.active)")
        inspector = page.context.new_cdp_session(page)
        manifest = inspector.send("Page.getAppManifest")
        assert manifest["url"].startswith(f"{product.odoo_url}/charge/app.webmanifest") and not manifest["errors"]
        hindrances = inspector.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # The browser of the journeys is a private one, which installs nothing from anywhere.
        assert [one["errorId"] for one in hindrances if one["errorId"] != "in-incognito"] == []


def test_price_and_legal_texts_before_javascript(
    product: Stack, psp: Psp, station: None, other_brand: None
) -> None:
    with page_for(product, None, PHONE) as page:
        address = evse_code(product, page)
        quiet = page.context.browser.new_page(viewport=PHONE, java_script_enabled=False)
        quiet.goto(address)
        expect(quiet.locator("table.prices tr.energy")).to_contain_text("0.59 EUR/kWh")
        expect(quiet.locator("footer")).to_contain_text("Imprint")
        assert quiet.locator("footer >> text=Terms").get_attribute("href") == "https://blitz.example.com/terms"
        quiet.click("text=Pay and charge")
        expect(quiet.locator("h1")).to_be_visible()
        assert "/charge/session/" in quiet.url
