from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.emobility_billing.rating import to_ocpi

from ..price_sheet import price_sheet
from .test_pages import PagesCommon


@tagged("post_install", "-at_install")
class TestPrices(PagesCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        version = cls.adhoc_tariff.version_ids
        version.write({"idle_price": 6.0, "idle_grace": 30, "max_price": 60.0})
        version.element_ids.component_ids = [
            fields.Command.create({"dimension": "FLAT", "price": 0.35}),
            fields.Command.create({"dimension": "TIME", "price": 3.0}),
        ]

    def test_f67_page_sticker_display_sheet_and_ocpi_show_the_same_prices(self) -> None:
        sheet = self.evse._adhoc_sheet()
        texts = [sheet.price_text(line) for line in sheet.lines]
        self.assertEqual(texts, ["0.59 EUR/kWh", "0.05 EUR/min", "0.10 EUR/min", "0.35 EUR/session"])
        reports = self.env["ir.actions.report"]
        shown = {
            "page": self.url_open(self.page_path).text,
            "sticker": reports._render_qweb_html("emobility_adhoc.price_sheet_sticker", self.evse.ids)[0].decode(),
            "price sheet": reports._render_qweb_html("emobility_adhoc.price_sheet_evse", self.evse.ids)[0].decode(),
            "display": self.evse._adhoc_display_text(),
            "session": self.url_open(self.check_out()._session_path()).text,
        }
        for place, text in shown.items():
            for price in (*texts, *sheet.other):
                self.assertIn(price, text, place)
        ocpi, _lost = to_ocpi(self.evse._adhoc_version()._engine_tariff(), "2.3.0")
        self.assertEqual(ocpi["currency"], sheet.currency)
        components = [one for element in ocpi["elements"] for one in element["price_components"]]
        per_unit = {one["type"]: one["price"] / (60 if one["type"] == "TIME" else 1) for one in components}
        ours = {line.dimension: line.price for line in sheet.lines if line.dimension != "IDLE"}
        self.assertEqual(per_unit, ours)

    def test_f67_what_is_charged_is_what_was_shown(self) -> None:
        sheet = self.evse._adhoc_sheet()
        price = {line.dimension: line.price for line in sheet.lines}
        adhoc = self.paid()
        self.charge(adhoc, kwh="10", minutes=60)
        shown = 10 * price["ENERGY"] + 60 * price["TIME"] + price["FLAT"]
        self.assertEqual(shown, Decimal("9.25"))
        adhoc.session_id.action_process()
        self.assertEqual(adhoc.session_id.cdr_ids.rating_ids.amount_total, float(shown))

    def test_f37_price_that_changes_while_the_page_is_open_is_shown_before_anything_is_paid(self) -> None:
        page = self.url_open(self.page_path).text
        price = re.search(r'name="price" value="([0-9a-f]+)"', page)[1]
        version = self.adhoc_tariff.version_ids.copy({"valid_from": fields.Datetime.now() - timedelta(minutes=1)})
        version.element_ids.component_ids.filtered(lambda one: one.dimension == "ENERGY").price = 0.69
        answer = self.start(price=price)
        self.assertEqual(answer.status_code, 409)
        self.assertIn("0.69 EUR/kWh", answer.text)
        self.assertFalse(self.newest())
        price = re.search(r'name="price" value="([0-9a-f]+)"', answer.text)[1]
        self.assertEqual(self.start(price=price).status_code, 303)
        self.assertEqual(self.newest().tariff_version_id, version)

    def test_f43_fee_for_blocking_is_a_line_with_its_grace_before_the_start_and_a_line_of_the_receipt(self) -> None:
        page = self.url_open(self.page_path).text
        sheet = self.evse._adhoc_sheet()
        [idle] = [line for line in sheet.lines if line.dimension == "IDLE"]
        self.assertIn(sheet.price_text(idle), page)
        self.assertTrue(any("30 min" in sentence for sentence in sheet.other), sheet.other)
        for sentence in sheet.other:
            self.assertIn(sentence, page)

    def test_order_is_that_of_the_law_whatever_the_order_of_the_tariff(self) -> None:
        kinds = [line.kind for line in self.evse._adhoc_sheet().lines]
        self.assertEqual(kinds, ["energy", "time", "time", "session"])

    def test_notes_are_in_the_language_and_prices_are_the_same(self) -> None:
        tariff = self.evse._adhoc_version()._engine_tariff()
        german, english = price_sheet(tariff, "de"), price_sheet(tariff, "en")
        self.assertEqual([one.price for one in german.lines], [one.price for one in english.lines])
        self.assertEqual(german.price_text(german.lines[0], "de"), "0,59 EUR/kWh")
        self.assertIn("höchstens 60,00 EUR je Ladevorgang", german.other)

    def test_each_change_is_noted_once(self) -> None:
        publications = self.env["emobility.price.publication"]
        first = publications._publish(self.evse)
        self.assertIn("0.59 EUR/kWh", first.text)
        self.assertFalse(publications._publish(self.evse))
        version = self.adhoc_tariff.version_ids.copy({"valid_from": fields.Datetime.now() - timedelta(minutes=1)})
        version.element_ids.component_ids.filtered(lambda one: one.dimension == "ENERGY").price = 0.69
        second = publications._publish(self.evse)
        self.assertIn("0.69 EUR/kWh", second.text)
        self.assertNotEqual(first.fingerprint, second.fingerprint)
        self.adhoc_rule.unlink()
        self.assertFalse(publications._publish(self.evse).fingerprint, "no price any more")

    def test_prices_without_a_contract_include_tax(self) -> None:
        net = self._make_tariff("NET", {"ENERGY": 0.5}, mode="net")
        with self.assertRaises(ValidationError):
            self._make_rule(net, relation="adhoc", power_class="HPC")

    def test_f36_charging_point_without_a_price_cannot_be_used_and_is_not_free(self) -> None:
        self.adhoc_rule.unlink()
        self.assertIn("not possible here", self.url_open(self.page_path).text)
        self.assertEqual(self.start().status_code, 409)
