from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
class TestTaxDecision(ChargedCommon):
    """F76: taxes by role and place of charging, decided in one place, with the reason on the line."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.germany, cls.france = cls.env.ref("base.de"), cls.env.ref("base.fr")
        cls.tax.write({"country_id": cls.germany.id, "tax_group_id": cls._make_group(cls.germany).id})
        # The chart of the tests has a position that fits every country.
        cls.env["account.fiscal.position"].search([("company_id", "=", cls.company.id)]).active = False
        cls.company.write({"country_id": cls.germany.id, "account_fiscal_country_id": cls.germany.id})
        cls.french_place, cls.french_evse = cls._make_place(cls.france, "FR-1")
        cls.french_tax = cls._make_tax("20% FR", 20)
        cls.french_position = cls._make_position("Registered in France", cls.french_tax, country_id=cls.france.id)

    @classmethod
    def _make_place(cls, country: Any, uid: str) -> tuple[Any, Any]:
        place = cls.location.copy({"country_id": country.id, "code": uid, "name": uid})
        evse = cls.env["emobility.evse"].create({"uid": uid, "location_id": place.id})
        cls.env["emobility.connector"].create(
            {"evse_id": evse.id, "code": "1", "power_type": "DC", "max_power_kw": 50}
        )
        return place, evse

    @classmethod
    def _make_group(cls, country: Any) -> Any:
        return cls.env["account.tax.group"].create(
            {"name": f"VAT {country.code}", "country_id": country.id, "company_id": cls.company.id}
        )

    @classmethod
    def _make_tax(cls, name: str, amount: float, **values: Any) -> Any:
        return cls.tax.copy({"name": name, "amount": amount, **values})

    @classmethod
    def _make_position(cls, name: str, tax: Any, **values: Any) -> Any:
        position = cls.env["account.fiscal.position"].create(
            {"name": name, "auto_apply": True, "company_id": cls.company.id, "sequence": 5, **values}
        )
        tax.write(
            {
                "fiscal_position_ids": [Command.link(position.id)],
                "original_tax_ids": [Command.set(cls.tax.ids)],
            }
        )
        return position

    def _lines(self, evse: Any = None, day: int = 1) -> Any:
        evse = evse or self.evse
        events = self.events(
            f"T{day}-{evse.uid}",
            datetime(2026, 2, day, 10, tzinfo=UTC),
            minutes=30,
            kwh="5",
            evse_id=evse.id,
            connector_id=evse.connector_ids.id,
        )
        return self._invoice(self.ingest(events)).invoice_line_ids

    def _check(self, lines: Any, amount: float, *words: str) -> None:
        self.assertEqual(set(lines.tax_ids.mapped("amount")), {amount})
        for line in lines:
            for word in words:
                self.assertIn(word, line.emobility_tax_reason)

    def test_f76_at_home_the_taxes_are_those_of_the_product(self) -> None:
        lines = self._lines()
        self._check(lines, 19, "Charged in DE.")
        self.assertFalse(lines.move_id.fiscal_position_id)

    def test_f76_place_of_charging_decides_and_not_where_the_driver_lives(self) -> None:
        self.driver.country_id = self.france
        self._check(self._lines(), 19, "Charged in DE.")
        lines = self._lines(self.french_evse, 2)
        self._check(lines, 20, "Registered in France", "charged in FR")
        self.assertEqual(lines.move_id.fiscal_position_id, self.french_position)
        self.assertEqual(lines.emobility_country_id, self.france)

    def test_f76_one_invoice_has_the_taxes_of_each_country(self) -> None:
        sessions = self.env["emobility.session"]
        for day, evse in ((1, self.evse), (2, self.french_evse)):
            sessions |= self.ingest(
                self.events(
                    f"M{day}",
                    datetime(2026, 2, day, 10, tzinfo=UTC),
                    minutes=30,
                    kwh="5",
                    evse_id=evse.id,
                    connector_id=evse.connector_ids.id,
                )
            )
        move = self._invoice(sessions)
        self.assertEqual(sorted(set(move.invoice_line_ids.tax_ids.mapped("amount"))), [19, 20])
        self.assertAlmostEqual(move.amount_total, sum(move.rating_ids.mapped("amount_total")))
        self.assertFalse(move.fiscal_position_id, "none of them is that of the whole invoice")

    def test_f76_a_registration_abroad_has_invoices_of_its_own_with_its_number(self) -> None:
        self.french_tax.write(
            {"country_id": self.france.id, "tax_group_id": self._make_group(self.france).id}
        )
        self.french_position.foreign_vat = "FR23334175221"
        ratings = self.env["emobility.rating"]
        for day, evse in ((1, self.evse), (2, self.french_evse)):
            start = datetime(2026, 2, day, 10, tzinfo=UTC)
            values = {"evse_id": evse.id, "connector_id": evse.connector_ids.id}
            sessions = self.ingest(self.events(f"R{day}", start, minutes=30, kwh="5", **values))
            ratings |= sessions.cdr_ids.rating_ids
        moves = self.env["emobility.invoicing"]._invoice(ratings)
        self.assertEqual(sorted(moves.mapped("invoice_line_ids.tax_ids.amount")), [19, 20])
        self.assertEqual(len(moves), 2)
        abroad = moves.filtered("fiscal_position_id")
        self.assertEqual(abroad.fiscal_position_id.foreign_vat, "FR23334175221")

    def test_f76_reverse_charge_for_a_company_registered_where_it_charges(self) -> None:
        nothing = self._make_tax("0% reverse charge FR", 0)
        self._make_position("Reverse charge", nothing, country_id=self.france.id, vat_required=True, sequence=1)
        self.driver.write({"is_company": True, "vat": "FR23334175221", "country_id": self.france.id})
        self._check(self._lines(self.french_evse), 0, "Reverse charge", "VAT ID FR23334175221")

    def test_f76_a_registration_elsewhere_does_not_shift_the_tax(self) -> None:
        nothing = self._make_tax("0% reverse charge FR", 0)
        self._make_position("Reverse charge", nothing, country_id=self.france.id, vat_required=True, sequence=1)
        self.driver.write({"is_company": True, "vat": "DE136695976", "country_id": self.germany.id})
        self._check(self._lines(self.french_evse), 20, "Registered in France")

    def test_f76_one_stop_shop_of_odoo_is_used_for_countries_without_registration(self) -> None:
        belgium = self.env.ref("base.be")
        oss = self._make_tax("21.0% BE 21.0%", 21)
        self._make_position("OSS B2C Belgium", oss, country_id=belgium.id, sequence=10)
        _place, evse = self._make_place(belgium, "BE-1")
        self._check(self._lines(evse), 21, "OSS B2C Belgium", "charged in BE")

    def test_f76_taxes_that_odoos_one_stop_shop_makes_are_used_for_what_was_charged_abroad(self) -> None:
        if "l10n_eu_oss" not in self.env["ir.module.module"]._installed():
            self.skipTest("l10n_eu_oss is not installed")
        self.french_position.unlink()
        self.company._map_eu_taxes()
        _place, evse = self._make_place(self.env.ref("base.be"), "BE-1")
        rates = {self.evse: 19, self.french_evse: 20, evse: 21}
        moves = self.env["account.move"]
        for day, (one, rate) in enumerate(rates.items(), start=1):
            lines = self._lines(one, day)
            self.assertEqual(set(lines.tax_ids.mapped("amount")), {rate})
            moves |= lines.move_id
        for move in moves[1:]:
            self.assertIn("OSS B2C", move.invoice_line_ids[0].emobility_tax_reason)
            self.assertAlmostEqual(move.amount_total, sum(move.rating_ids.mapped("amount_total")), 2)
            tags = move.line_ids.filtered("tax_line_id").tax_tag_ids
            self.assertIn(self.env.ref("l10n_eu_oss.tag_oss"), tags, "it is found by the return of the shop")
        self.assertFalse(moves[0].line_ids.filtered("tax_line_id").tax_tag_ids)

    def test_f76_without_a_rule_for_the_country_nothing_is_guessed(self) -> None:
        _place, evse = self._make_place(self.env.ref("base.nl"), "NL-1")
        with self.assertRaisesRegex(UserError, "Netherlands"):
            self._lines(evse)

    def test_f76_fiscal_position_of_the_contract_wins_then_that_of_the_customer(self) -> None:
        embassy = self._make_position("Embassy", self._make_tax("0% embassy", 0), auto_apply=False)
        reduced = self._make_position("Reduced", self._make_tax("7% reduced", 7), auto_apply=False)
        self.driver.with_company(self.company).property_account_position_id = reduced
        self._check(self._lines(), 7, "Reduced", "of the customer")
        self.contract.fiscal_position_id = embassy
        self._check(self._lines(self.french_evse, 2), 0, "Embassy", "of the contract")

    def test_f76_reseller_is_taxed_at_its_seat_wherever_was_charged(self) -> None:
        nothing = self._make_tax("0% resale", 0)
        self._make_position("Resale abroad", nothing, country_id=self.france.id, vat_required=True, sequence=1)
        self.driver.write({"is_company": True, "vat": "FR23334175221", "country_id": self.france.id})
        rating = self._charge("R", self.contract, datetime(2026, 2, 1, 10, tzinfo=UTC), 30, "5").cdr_ids.rating_ids
        rating.sudo()._as_system().write({"relation": "wholesale"})
        lines = self._invoice(rating.session_id).invoice_line_ids
        self._check(lines, 0, "Resale abroad", "reseller is taxed at its seat (FR)")

    def test_f76_home_charging_is_out_of_scope_and_the_service_is_taxed(self) -> None:
        """The energy that a host gets back is passed on without tax; what the provider keeps is its service."""
        nothing = self._make_tax("Not taxable", 0)
        passed_on = self.env["product.product"].create(
            {"name": "Home charging, passed on", "type": "service", "taxes_id": [Command.set(nothing.ids)]}
        )
        tariff = self._make_tariff("home", {"ENERGY": 0.3, "FLAT": 0.5}, mode="net", valid_from="2010-01-01 00:00:00")
        tariff.version_ids.element_ids.component_ids.filtered(
            lambda component: component.dimension == "ENERGY"
        ).product_id = passed_on
        self.price_rule.tariff_id = tariff
        move = self._lines().move_id
        taxes = {line.product_id: line.tax_ids.amount for line in move.invoice_line_ids}
        self.assertEqual(taxes, {passed_on: 0, self.env.ref("emobility_billing.product_flat"): 19})
        self.assertAlmostEqual(move.amount_untaxed, 2.0)
        self.assertAlmostEqual(move.amount_tax, 0.1)

    def test_reason_is_on_the_rating_too(self) -> None:
        line = self._lines()[:1]
        self.assertEqual(set(line.move_id.rating_ids.line_ids.mapped("tax_reason")), {"Charged in DE."})
