from __future__ import annotations

import json
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import AdhocCommon

OWN_FILES = Path(__file__).resolve().parent.parent / "static" / "src"


class PagesCommon(AdhocCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.evse.evse_id = "DE*ABC*E0001"
        cls.brand = cls.env["emobility.brand"].create(
            {
                "name": "Blitzladen",
                "company_id": cls.company.id,
                "primary_color": "#ffe14d",
                "secondary_color": "#0b5d3b",
                "legal_url": "https://blitz.example.com/terms",
                "privacy_url": "https://blitz.example.com/privacy",
                "imprint_url": "https://blitz.example.com/imprint",
            }
        )
        cls.company.emobility_brand_id = cls.brand
        cls.page_path = f"/charge/{cls.evse.adhoc_code}"

    def post(self, path: str, follow: bool = False, **data: Any) -> Any:
        """Send a form of ours: with the CSRF token of the page."""
        page = self.url_open(f"{self.page_path}/report").text
        data["csrf_token"] = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        return self.url_open(path, data=data, allow_redirects=follow)

    def start(self, **data: Any) -> Any:
        with trap_jobs():
            answer = self.post(f"{self.page_path}/start", **data)
        self.env.invalidate_all()
        return answer

    def newest(self) -> Any:
        return self.env["emobility.adhoc.session"].search([("evse_id", "=", self.evse.id)], limit=1)


@tagged("post_install", "-at_install")
class TestPages(PagesCommon):
    def test_price_and_legal_texts_are_there_without_script(self) -> None:
        page = self.url_open(self.page_path)
        self.assertEqual(page.status_code, 200)
        for text in ("0.59 EUR/kWh", "Prices include tax", "https://blitz.example.com/terms", "Blitzladen",
                     "DE*ABC*E0001", "Pay and charge"):  # fmt: skip
            self.assertIn(text, page.text)
        self.assertEqual(page.text[:15], "<!DOCTYPE html>")
        self.assertNotIn("web.assets", page.text)

    def test_brand_of_the_place_has_its_own_look_texts_domain_and_legal_pages(self) -> None:
        brand = self.brand.copy({
            "name": "Stadtwerk lädt", "primary_color": "#7a0019", "website_domain": "laden.stadtwerk.example",
            "imprint_url": "https://stadtwerk.example/imprint", "support_email": "help@stadtwerk.example",
            "adhoc_text": "<p>Parking is free for two hours.</p>",
        })  # fmt: skip
        group = self.env["emobility.location.group"].create(
            {"name": "Town", "code": "TOWN", "company_id": self.company.id, "emobility_brand_id": brand.id}
        )
        self.location.group_ids = group
        page = self.url_open(self.page_path).text
        for text in ("Stadtwerk lädt", "#7a0019", "Parking is free for two hours.", "help@stadtwerk.example",
                     "https://stadtwerk.example/imprint"):  # fmt: skip
            self.assertIn(text, page)
        self.assertNotIn("Blitzladen", page)
        self.assertTrue(self.evse.adhoc_url.startswith("https://laden.stadtwerk.example/charge/"))

    def test_first_view_is_small(self) -> None:
        page = self.url_open(self.page_path)
        files = sum((OWN_FILES / name).stat().st_size for name in ("adhoc.css", "adhoc.js"))
        self.assertLess(len(page.content) + files, 150_000)
        ours = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        self.assertTrue(all(path.startswith(("/charge", "/emobility_adhoc/static/")) for path in ours), ours)

    def test_prices_are_in_the_order_of_the_law(self) -> None:
        self.adhoc_tariff.version_ids.element_ids.component_ids = [
            fields.Command.create({"dimension": "FLAT", "price": 1.0}),
            fields.Command.create({"dimension": "TIME", "price": 6.0}),
        ]
        page = self.url_open(self.page_path).text
        places = [page.index(text) for text in ("0.59 EUR/kWh", "0.10 EUR/min", "1.00 EUR/session")]
        self.assertEqual(places, sorted(places))

    def test_change_of_the_price_is_announced(self) -> None:
        self.adhoc_tariff.version_ids.copy({"valid_from": fields.Datetime.now() + timedelta(days=3)}).element_ids[
            0
        ].component_ids.price = 0.79
        self.assertIn("0.79 EUR/kWh", self.url_open(self.page_path).text)

    def test_page_is_in_the_language_of_the_browser_or_as_chosen(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"].search([("name", "=", "emobility_adhoc")])._update_translations(["de_DE"])
        german = self.url_open(self.page_path, headers={"Accept-Language": "de-DE,de;q=0.9"}).text
        self.assertIn("0,59 EUR/kWh", german)
        self.assertIn("Bezahlen und laden", german)
        self.assertIn("Pay and charge", self.url_open(f"{self.page_path}?lang=en").text)

    def test_code_and_evse_id_lead_to_the_page(self) -> None:
        for code in (self.evse.adhoc_code.lower(), " ".join(self.evse.adhoc_code), "DE*ABC*E0001"):
            answer = self.url_open("/charge?" + "code=" + code.replace(" ", "+"), allow_redirects=False)
            self.assertEqual(answer.headers["Location"].removeprefix(self.base_url()), self.page_path)
        self.assertIn("no charging point", self.url_open("/charge?code=NOWHERE").text)

    def test_session_begins_with_the_payment_of_a_hold(self) -> None:
        answer = self.start(email="wanda@example.com")
        adhoc = self.newest()
        self.assertEqual((adhoc.state, adhoc.kind, adhoc.hold_amount), ("draft", "paid", 20.0))
        self.assertEqual(adhoc.email, "wanda@example.com")
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith(f"{adhoc._session_path()}/pay"))

    def test_payment_page_offers_only_what_can_capture_a_part(self) -> None:
        self.start()
        self.stripe.copy({"company_id": self.company.id, "name": "Takes all at once", "stripe_secret_key": "x",
                          "stripe_publishable_key": "y", "capture_manually": False}).state = "test"  # fmt: skip
        self.stripe.is_published = True
        page = self.url_open(f"{self.newest()._session_path()}/pay").text
        self.assertIn("o_payment_form", page)
        self.assertIn(f'data-provider-id="{self.stripe.id}"', page)
        self.assertEqual(len(set(re.findall(r'data-provider-id="(\d+)"', page))), 1)

    def test_amount_of_the_hold_is_ours(self) -> None:
        self.start()
        self.stripe.is_published = True
        adhoc = self.newest()
        values = {
            "provider_id": self.stripe.id,
            "payment_method_id": self.card.id,
            "flow": "direct",
            "amount": 0.01,
            "token_id": None,
            "tokenization_requested": True,
            "landing_route": "https://evil.example.com",
        }
        with trap_jobs():
            answer = self.make_jsonrpc_request(f"{adhoc._session_path()}/transaction", values)
        tx = adhoc.transaction_ids
        self.assertEqual((tx.amount, tx.tokenize, tx.landing_route), (20.0, False, adhoc._session_path()))
        self.assertTrue(tx.reference.startswith(adhoc.name))
        self.assertTrue(answer["client_secret"])
        self.assertEqual(self.intent(tx)["capture_method"], "manual")

    def test_live_page_receipt_and_invoice(self) -> None:
        adhoc = self.paid()
        path = adhoc._session_path()
        self.assertIn("plug in your car", self.url_open(path).text)
        self.charge(adhoc, end=False, kwh="2")
        page = self.url_open(path).text
        self.assertIn("Stop charging", page)
        status = self.url_open(f"{path}/status").json()
        self.assertEqual((status["state"], status["energy_kwh"], status["amount"]), ("charging", "2.000", "1.18"))
        self.charge(adhoc)
        self.assertIn("Thank you", self.url_open(path).text)
        receipt = self.url_open(f"{path}/receipt.pdf")
        self.assertEqual(receipt.headers["Content-Type"], "application/pdf")
        # Over HTTP a test gets the report as HTML.
        self.assertIn(adhoc.move_id.name, receipt.text)
        self.assertEqual(adhoc.with_context(force_report_rendering=True)._receipt_pdf()[:5], b"%PDF-")
        form = self.url_open(f"{path}/invoice").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', form)[1]
        data = {"csrf_token": token, "name": "Ampere GmbH", "street": "Stromweg 1", "zip": "10115", "city": "Berlin",
                "country_id": self.env.ref("base.de").id, "vat": "DE136695976"}  # fmt: skip
        wrong = self.url_open(f"{path}/invoice", data=data | {"name": ""})
        self.assertEqual(wrong.status_code, 422)
        with trap_jobs():
            self.url_open(f"{path}/invoice", data=data)
        self.env.invalidate_all()
        self.assertEqual(adhoc.move_id.partner_id.vat, "DE136695976")
        self.assertIn("Thank you", self.url_open(f"{path}/invoice").text, "once")

    def test_figures_have_the_decimal_point_of_the_language(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        adhoc = self.paid()
        self.charge(adhoc, end=False, kwh="2")
        german = self.url_open(f"{adhoc._session_path()}?lang=de").text
        self.assertIn('data-figure="energy">2,000<', german)
        self.assertIn('data-figure="amount">1,18<', german)

    def test_news_are_pushed_to_the_page(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc, end=False, kwh="2")
        self.env.cr.precommit.run()
        sent = self.env["bus.bus"].sudo().search([("channel", "ilike", adhoc.sudo().access_token)])
        messages = [json.loads(one.message) for one in sent]
        self.assertIn("2.000", [one["payload"]["energy_kwh"] for one in messages])

    def test_stickers_and_price_sheets_print_in_bulk(self) -> None:
        second = self.env["emobility.evse"].create({"uid": "MARKET-2", "location_id": self.location.id})
        reports = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        for name in ("price_sheet_sticker", "price_sheet_evse"):
            html = reports._render_qweb_html(f"emobility_adhoc.{name}", (self.evse | second).ids)[0].decode()
            self.assertEqual(html.count("0.59 EUR/kWh"), 2)
            pdf = reports._render_qweb_pdf(f"emobility_adhoc.{name}", (self.evse | second).ids)[0]
            self.assertEqual(len(re.findall(rb"/Type /Page\b", pdf)) or 2, 2)

    def test_phone_can_install_the_page(self) -> None:
        manifest = self.url_open(f"/charge/app.webmanifest?code={self.evse.adhoc_code}").json()
        self.assertEqual((manifest["name"], manifest["theme_color"]), ("Blitzladen", "#ffe14d"))
        self.assertEqual({one["sizes"] for one in manifest["icons"]}, {"192x192", "512x512"})
        for one in manifest["icons"]:
            with Image.open(BytesIO(self.url_open(one["src"]).content)) as picture:
                self.assertEqual(f"{picture.width}x{picture.height}", one["sizes"])
                self.assertEqual(picture.getpixel((0, 0)), (0xFF, 0xE1, 0x4D))
        self.assertEqual(self.url_open("/charge/icon/9999.png").status_code, 404)
        worker = self.url_open("/charge/sw.js").headers
        self.assertIn("text/javascript", worker["Content-Type"])
        self.assertEqual(worker["Service-Worker-Allowed"], "/charge", "else no browser registers it for this scope")


@tagged("post_install", "-at_install")
class TestAbuse(PagesCommon):
    def test_too_many_starts_from_one_address_are_refused(self) -> None:
        statuses = [self.start(email="no address").status_code for _time in range(9)]
        self.assertEqual(statuses, [422] * 8 + [429])
        self.assertFalse(self.newest())

    def test_many_addresses_cannot_try_one_charging_point(self) -> None:
        attempts = self.env["emobility.adhoc.attempt"]
        other = self.evse.copy({"uid": "OTHER", "evse_id": False, "station_id": False})
        allowed = [attempts._may("start", f"address {number}", self.evse) for number in range(21)]
        self.assertEqual(allowed, [True] * 20 + [False])
        self.assertTrue(attempts._may("start", "address 0", other), "another charging point is not concerned")

    def test_nothing_of_another_customer_is_seen(self) -> None:
        theirs = self.paid(email="somebody@example.com")
        self.charge(theirs, end=False, kwh="7.123")
        mine = self.check_out()
        secrets = ("somebody@example.com", theirs.name, theirs.sudo().access_token, "7.123")
        for path in ("/charge", self.page_path, f"{self.page_path}/report", f"/charge?code={self.evse.adhoc_code}",
                     mine._session_path(), f"{mine._session_path()}/pay", f"{mine._session_path()}/status"):
            text = self.url_open(path).text
            for secret in secrets:
                self.assertNotIn(secret, text, path)

    def test_codes_cannot_be_tried_out(self) -> None:
        for number in range(11):
            answer = self.url_open(f"/charge?code=TRY{number}")
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(self.url_open(f"/charge?code={self.evse.adhoc_code}").status_code, 429)

    def test_address_that_farms_holds_has_to_stop(self) -> None:
        client = self.env["emobility.adhoc.attempt"]._client("127.0.0.1")
        for _time in range(5):
            adhoc = self.check_out(client=client)
            self.pay(adhoc)
            self.answer_start(adhoc, "rejected")
        self.assertEqual(self.start().status_code, 429)

    def test_code_of_a_false_sticker_is_unknown(self) -> None:
        good = self.evse.adhoc_url.split("?s=")[1]
        self.assertEqual(self.url_open(f"{self.page_path}?s={good}").status_code, 200)
        self.assertEqual(self.url_open(f"{self.page_path}?s=000000000000").status_code, 404)

    def test_page_says_whose_it_is_and_takes_reports(self) -> None:
        page = self.url_open(self.page_path).text
        self.assertIn("127.0.0.1", page)
        self.post(f"{self.page_path}/report", reason="sticker", note="Somebody pasted a code over it.")
        self.env.invalidate_all()
        report = self.env["emobility.adhoc.report"].search([("evse_id", "=", self.evse.id)])
        self.assertEqual((report.reason, report.state), ("sticker", "open"))
        for _time in range(4):
            self.post(f"{self.page_path}/report", reason="other")
        self.assertLessEqual(self.env["emobility.adhoc.report"].search_count([("evse_id", "=", self.evse.id)]), 3)

    def test_pages_let_nothing_from_elsewhere_in(self) -> None:
        adhoc = self.check_out()
        for path in ("/charge", self.page_path, adhoc._session_path(), f"{self.page_path}/report"):
            headers = self.url_open(path).headers
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertIn("frame-ancestors 'none'",
                      self.url_open(f"{adhoc._session_path()}/pay").headers["Content-Security-Policy"])  # fmt: skip

    @mute_logger("odoo.http")
    def test_sessions_and_receipts_cannot_be_guessed(self) -> None:
        adhoc = self.check_out()
        token = adhoc.sudo().access_token
        self.assertGreaterEqual(len(token), 32)
        for wrong in (str(adhoc.id), adhoc.name, token[:-1], token[:-1] + "x", "%25"):
            for rest in ("", "/status", "/pay", "/receipt.pdf", "/invoice"):
                self.assertEqual(self.url_open(f"/charge/session/{wrong}{rest}").status_code, 404, f"{wrong}{rest}")
        self.assertEqual(self.url_open(f"{adhoc._session_path()}/receipt.pdf").status_code, 404, "none yet")

    def test_forms_of_other_sites_do_nothing(self) -> None:
        adhoc = self.check_out()
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(f"{self.page_path}/start", data={"email": ""}).status_code, 400)
            self.assertEqual(self.url_open(f"{adhoc._session_path()}/stop", data={"a": "b"}).status_code, 400)

    def test_place_that_is_not_public_has_no_page(self) -> None:
        self.location.is_public = False
        self.assertEqual(self.url_open(self.page_path).status_code, 404)

    def test_captcha_of_odoo_guards_the_start(self) -> None:
        rules = self.env["ir.http"].routing_map()._rules_by_endpoint
        [captcha] = {endpoint.routing["captcha"] for endpoint in rules if endpoint.routing.get("captcha") and any(
            "/charge/" in path for path in endpoint.routing["routes"])}  # fmt: skip
        self.assertEqual(captcha, "emobility_adhoc_start")

    def test_wrong_vouchers_cannot_be_tried_out(self) -> None:
        statuses = [self.start(voucher=f"GUESS{number}").status_code for number in range(6)]
        self.assertEqual(statuses, [422] * 5 + [429])

    def test_vouchers_and_sessions_of_another_company_do_not_count(self) -> None:
        other = self.env["res.company"].create({"name": "Somebody else"})
        voucher = self.env["emobility.adhoc.voucher"].sudo().create(
            {"amount": 10.0, "company_id": other.id, "currency_id": self.euro.id}
        )
        self.assertFalse(self.env["emobility.adhoc.voucher"]._find(voucher.code, self.company, self.euro))
