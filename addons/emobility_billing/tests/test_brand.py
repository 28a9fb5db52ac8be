from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from .charging_common import ChargedCommon

# One red pixel.
LOGO = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
)


@tagged("post_install", "-at_install")
class TestBrand(ChargedCommon):
    """One company, several names: each with its look, sender, texts, mails and numbers."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.brands = cls.env["emobility.brand"]
        cls.city = cls._make_brand("City Power", primary_color="#aa2200")

    @classmethod
    def _make_brand(cls, name: str, **values: Any) -> Any:
        return cls.brands.create({"name": name, "company_id": cls.company.id, **values})

    def _move(self, name: str = "B1", day: int = 1, contract: Any = None) -> Any:
        contract = contract or self.contract
        return self._invoice(self._charge(name, contract, datetime(2026, 1, day, 10, tzinfo=UTC), 30, "5"))

    def _html(self, move: Any, lang: str = "en_US") -> str:
        report = self.env["ir.actions.report"].with_context(lang=lang)
        return report._render_qweb_html("account.account_invoices", move.ids)[0].decode()

    def test_contract_then_plan_then_place_then_payer_then_company_say_which_brand(self) -> None:
        group = self.env["emobility.location.group"].create(
            {"name": "Malls", "code": "MALL", "company_id": self.company.id}
        )
        self.location.group_ids = group
        steps = (
            self.company,
            self.driver.with_company(self.company),
            group,
            self.plan.with_company(self.company),
            self.contract,
        )
        for number, owner in enumerate(steps):
            brand = self._make_brand(f"Brand {number}")
            owner.emobility_brand_id = brand
            with self.subTest(owner=owner._name):
                self.assertEqual(self.brands._brand_for(self.company, self.contract, self.location), brand)

    def test_brand_of_a_customer_is_that_of_the_company_that_invoices(self) -> None:
        other = self.env["res.company"].create({"name": "Other company"})
        self.driver.with_company(self.company).emobility_brand_id = self.city
        self.assertEqual(self.brands._brand_for(self.company, self.contract), self.city)
        self.assertFalse(self.brands._brand_for(other, self.contract))

    def test_invoice_shows_the_brand_and_who_legally_invoices(self) -> None:
        sender = self.env["res.partner"].create(
            {"name": "City Power", "street": "Ring 7", "zip": "12345", "city": "Town"}
        )
        self.company.vat = "BE0477472701"
        self.city.write(
            {
                "partner_id": sender.id,
                "logo": LOGO,
                "text_intro": "<p>Thank you for charging.</p>",
                "text_closing": "<p>Until next time.</p>",
                "footer": "<p>City Power is a brand.</p>",
                "support_phone": "+49 30 555",
            }
        )
        self.contract.emobility_brand_id = self.city
        move = self._move()
        html = self._html(move)
        for text in (
            "--brand: #aa2200",
            "City Power · Ring 7 · 12345 Town",
            "Thank you for charging.",
            "Until next time.",
            "City Power is a brand.",
            "+49 30 555",
            "data:image/png;base64,",
            self.company.name,
            "BE0477472701",
        ):
            self.assertIn(text, html)

    def test_texts_are_in_the_language_of_the_payer(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        self.city.text_intro = "<p>Thank you for charging.</p>"
        self.city.with_context(lang="de_DE").text_intro = "<p>Danke fürs Laden.</p>"
        self.contract.emobility_brand_id = self.city
        self.driver.lang = "de_DE"
        self.assertIn("Danke fürs Laden.", self._html(self._move()))

    def test_without_a_brand_the_invoice_is_that_of_the_company(self) -> None:
        self.company.partner_id.street = "Main road 1"
        move = self._move()
        self.assertFalse(move.emobility_brand_id)
        self.assertIn(f"{self.company.name} · Main road 1", self._html(move))

    def test_brand_has_a_number_range_of_its_own(self) -> None:
        journal = self.env["account.journal"].create(
            {"name": "City Power", "code": "CITY", "type": "sale", "company_id": self.company.id}
        )
        self.city.journal_id = journal
        self.contract.emobility_brand_id = self.city
        move = self._move()
        self.assertEqual(move.journal_id, journal)
        self.assertTrue(move.name.startswith("CITY/"), move.name)

    def test_mail_comes_from_the_brand_with_its_template(self) -> None:
        template = self.env.ref("account.email_template_edi_invoice").copy({"subject": "Your charging at City Power"})
        self.city.write({"mail_template_id": template.id, "email_from": '"City Power" <bills@city.example.com>'})
        self.contract.emobility_brand_id = self.city
        move = self._move()
        move._emobility_send()
        message = move.message_ids.filtered(lambda one: one.subject == "Your charging at City Power")
        self.assertEqual(message.email_from, '"City Power" <bills@city.example.com>')

    def test_sessions_of_two_brands_get_an_invoice_each_that_is_their_sum(self) -> None:
        mall = self.location.copy({"name": "Mall", "code": "MALL-1"})
        group = self.env["emobility.location.group"].create(
            {"name": "Malls", "code": "MALL", "company_id": self.company.id, "emobility_brand_id": self.city.id}
        )
        mall.group_ids = group
        evse = self.env["emobility.evse"].create({"uid": "MALL-1", "location_id": mall.id})
        connector = self.env["emobility.connector"].create(
            {"evse_id": evse.id, "code": "1", "power_type": "AC_3_PHASE", "max_power_kw": 22}
        )
        start = datetime(2026, 1, 3, 10, tzinfo=UTC)
        here = self._charge("HERE", self.contract, start, 30, "5")
        there = self.ingest(
            self.events("THERE", start, kwh="7", minutes=30, evse_id=evse.id, connector_id=connector.id)
        )
        moves = self.env["emobility.invoicing"]._invoice((here | there).cdr_ids.rating_ids)
        self.assertEqual(set(moves.mapped("emobility_brand_id.name")), {"City Power"})
        self.assertEqual(len(moves), 2)
        for move in moves:
            self.assertEqual(move.amount_total, move.rating_ids.amount_total)

    def test_credit_note_goes_out_under_the_name_of_the_invoice(self) -> None:
        self.contract.emobility_brand_id = self.city
        move = self._move()
        self.contract.emobility_brand_id = False
        move.rating_ids.cdr_id._take_back()
        credit = self.env["emobility.invoicing"]._invoice(
            self.env["emobility.rating"].search([("credited_rating_id", "in", move.rating_ids.ids)])
        )
        self.assertEqual((credit.move_type, credit.emobility_brand_id), ("out_refund", self.city))

    def test_colour_is_a_colour(self) -> None:
        with self.assertRaises(ValidationError):
            self.city.primary_color = "red; background: url(x)"

    def test_journal_of_another_company_is_refused(self) -> None:
        other = self.env["res.company"].create({"name": "Other company"})
        journal = self.env["account.journal"].create(
            {"name": "Other", "code": "OTH", "type": "sale", "company_id": other.id}
        )
        with self.assertRaises(UserError):
            self.city.write({"journal_id": journal.id})


@tagged("post_install", "-at_install")
class TestBrandInPortal(ChargedCommon, HttpCase):
    def test_portal_shows_the_brand_of_the_customer_and_only_of_that_one(self) -> None:
        user = new_test_user(self.env, "brand-anna", groups="base.group_portal")
        new_test_user(self.env, "brand-volker", groups="base.group_portal")
        contract = self._make_contract(user.partner_id, "04BBBB01")
        contract.emobility_brand_id = self.env["emobility.brand"].create(
            {
                "name": "City Power",
                "company_id": self.company.id,
                "primary_color": "#aa2200",
                "imprint_url": "https://city.example.com/imprint",
            }
        )
        self.authenticate("brand-anna", "brand-anna")
        page = self.url_open("/my").text
        for text in ("City Power", "#aa2200", "https://city.example.com/imprint"):
            self.assertIn(text, page)
        self.authenticate("brand-volker", "brand-volker")
        self.assertNotIn("City Power", self.url_open("/my").text)

    def test_buttons_links_and_footer_have_the_colours_of_the_brand_as_far_as_they_can_be_read(self) -> None:
        user = new_test_user(self.env, "brand-anna", groups="base.group_portal")
        contract = self._make_contract(user.partner_id, "04BBBB03")
        contract.emobility_brand_id = brand = self.env["emobility.brand"].create(
            {"name": "Sun Power", "company_id": self.company.id, "primary_color": "#ffdd00"}
        )
        self.authenticate("brand-anna", "brand-anna")
        page = " ".join(self.url_open("/my").text.split())
        for text in ("--charging-color: #ffdd00;", "--charging-on-color: #000000;", "--charging-text: #000000;"):
            self.assertIn(text, page)
        footer = page[page.index("o_charging_brand_footer") :]
        self.assertIn("Sun Power", footer)
        brand.primary_color = "#1b7f4b"
        page = " ".join(self.url_open("/my").text.split())
        self.assertIn("--charging-on-color: #ffffff; --charging-text: #1b7f4b;", page)

    def test_whoever_has_no_brand_sees_that_of_the_domain(self) -> None:
        brands = self.env["emobility.brand"]
        city = brands.create(
            {"name": "City Power", "company_id": self.company.id, "website_domain": "Charge.Example.com"}
        )
        public, volker = self.env.ref("base.public_user"), new_test_user(
            self.env, "brand-volker", groups="base.group_portal"
        )
        for user in (public, volker):
            self.assertEqual(brands._of_visitor(user, "charge.example.com:8443"), city)
            for host in ("charge.example.org", "%", "charge_example.com"):
                self.assertFalse(brands._of_visitor(user, host))
        own = brands.create({"name": "Town Power", "company_id": self.company.id})
        self._make_contract(volker.partner_id, "04BBBB02").emobility_brand_id = own
        self.assertEqual(brands._of_visitor(volker, "charge.example.com"), own, "the contract says more")
        self.assertFalse(brands._of_visitor(self.env.user, "charge.example.com"), "staff works for all brands")
        city.website_domain = "127.0.0.1"
        page = self.url_open("/web/login").text
        self.assertIn("o_charging_brand", page)
        self.assertIn("City Power", page)
