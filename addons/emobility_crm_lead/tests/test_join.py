from typing import Any

from lxml import html

from odoo import http
from odoo.tests import HttpCase, tagged

from odoo.addons.emobility_crm.tests.common import give_prices


@tagged("post_install", "-at_install")
class TestJoin(HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        give_prices(cls.env)
        cls.plan, cls.hidden = cls.env["product.template"].create(
            [
                {"name": "Join plan", "type": "service", "is_charging_plan": True, "plan_is_offered": offered}
                for offered in (True, False)
            ]
        )

    def _send(self, **data: Any) -> html.HtmlElement:
        self.authenticate(None, None)
        good = {
            "name": "Jo Join",
            "email": "jo@example.com",
            "street": "Weg 1",
            "zip": "10115",
            "city": "Berlin",
            "plan_id": self.plan.id,
            "cards": "2",
            "consent": "1",
        }
        response = self.url_open(
            "/charging/join/send", data={"csrf_token": http.Request.csrf_token(self), **good, **data}
        )
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        return html.fromstring(response.text)

    def _leads(self) -> Any:
        return self.env["crm.lead"].search([("email_from", "=", "jo@example.com")])

    def test_page_shows_the_plans_that_are_offered(self) -> None:
        page = html.fromstring(self.url_open("/charging/join").text)
        values = set(page.xpath("//input[@name='plan_id']/@value"))
        self.assertIn(str(self.plan.id), values)
        self.assertNotIn(str(self.hidden.id), values)

    def test_every_field_has_a_label(self) -> None:
        page = html.fromstring(self.url_open("/charging/join").text)
        form = page.xpath("//form[@id='join_form']")[0]
        labelled = set(form.xpath(".//label/@for"))
        fields = form.xpath(".//input[not(@type='hidden')] | .//textarea")
        self.assertEqual([f.get("name") for f in fields if f.get("id") not in labelled], [])

    def test_sign_up_becomes_a_lead_with_plan_and_cards(self) -> None:
        page = self._send(company="Fleet GmbH", message="Hello")
        self.assertTrue(page.xpath("//*[@id='join_thanks']"))
        lead = self._leads()
        self.assertEqual(
            (lead.contact_name, lead.partner_name, lead.city, lead.charging_plan_id, lead.charging_card_count),
            ("Jo Join", "Fleet GmbH", "Berlin", self.plan, 2),
        )

    def test_what_is_wrong_is_said_at_its_field_and_what_was_entered_stays(self) -> None:
        for data, field in (
            ({"name": " "}, "name"),
            ({"email": "jo"}, "email"),
            ({"city": "x" * 121}, "city"),
            ({"cards": "99"}, "cards"),
            ({"cards": "two"}, "cards"),
            ({"consent": ""}, "consent"),
        ):
            with self.subTest(data=data):
                page = self._send(**data)
                self.assertTrue(page.xpath("//*[@id='join_problems']"))
                self.assertTrue(page.xpath(f"//*[@id='join_{field}_problem']")[0].text_content().strip())
                self.assertEqual(page.xpath("//*[@id='join_street']/@value"), ["Weg 1"])
        for plan in (self.hidden.id, "", "1 OR 1=1"):
            with self.subTest(plan=plan):
                self.assertTrue(self._send(plan_id=plan).xpath("//*[@id='join_plan_problem']"))
        self.assertFalse(self._leads())

    def test_program_that_fills_the_hidden_field_makes_no_lead(self) -> None:
        self._send(homepage="https://spam.example.com")
        self.assertTrue(self.last_url.endswith("/charging/join/thanks"))
        self.assertFalse(self._leads())
