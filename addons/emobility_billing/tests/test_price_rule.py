from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ChargingCommon

AT = datetime(2026, 5, 10, 12)


@tagged("post_install", "-at_install")
class TestPriceRule(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.special = cls._make_tariff("SPECIAL", {"ENERGY": 0.39})
        cls.group = cls.env["emobility.customer.group"].create(
            {"name": "Utility customers", "code": "UTIL", "company_id": cls.company.id}
        )
        cls.places = cls.env["emobility.location.group"].create(
            {"name": "Motorway", "code": "MW", "company_id": cls.company.id}
        )

    def select(self, **changes: Any) -> Any:
        values = {
            "company": self.company,
            "contract": self.contract,
            "evse": self.evse,
            "connector": self.connector,
            "at": AT,
            **changes,
        }
        return self.env["emobility.price.rule"]._select_version(**values)

    def assert_special(self, **changes: Any) -> None:
        self.assertEqual(self.select(**changes).tariff_id, self.special)

    def assert_standard(self, **changes: Any) -> None:
        self.assertEqual(self.select(**changes).tariff_id, self.tariff)

    def test_f36_no_rule_means_no_price_and_not_a_price_of_zero(self) -> None:
        self.rule.active = False
        self.assertEqual(self.select(), self.env["emobility.tariff.version"])

    def test_f36_a_rule_whose_tariff_is_not_valid_is_not_replaced_by_another_rule(self) -> None:
        self._make_rule(self.special, plan_id=self.plan.id)
        self.special.version_ids.valid_from = "2026-06-01 00:00:00"
        self.assertFalse(self.select())

    def test_f36_a_version_without_prices_is_no_price(self) -> None:
        self.tariff.version_ids.element_ids.component_ids.unlink()
        self.assertFalse(self.select())

    def test_an_empty_rule_matches_everybody(self) -> None:
        self.assertEqual(self.select(), self.tariff.version_ids)
        self.assert_standard(
            contract=self.env["contract.contract"], connector=self.env["emobility.connector"]
        )

    def test_f38_the_price_is_that_of_the_start_of_the_session(self) -> None:
        newer = self.tariff.version_ids.copy({"valid_from": "2026-05-10 12:00:00"})
        older = self.tariff.version_ids - newer
        self.assertEqual(self.select(at=datetime(2026, 5, 10, 11, 59, 59)), older)
        self.assertEqual(self.select(at=AT), newer)
        self.assertEqual(self.select(at=AT.replace(tzinfo=UTC)), newer)

    def test_a_plan_has_its_price(self) -> None:
        other_plan = self.plan.copy()
        rule = self._make_rule(self.special, plan_id=other_plan.id)
        self.assert_standard()
        rule.plan_id = self.plan
        self.assert_special()
        self.assert_standard(contract=self.env["contract.contract"])

    def test_a_customer_group_has_its_price(self) -> None:
        self._make_rule(self.special, customer_group_id=self.group.id)
        self.assert_standard()
        self.driver.customer_group_id = self.group
        self.assert_special()

    def test_people_of_a_company_have_the_price_of_the_company(self) -> None:
        fleet = self.env["res.partner"].create(
            {"name": "Fleet", "is_company": True, "customer_group_id": self.group.id}
        )
        employee = self.env["res.partner"].create({"name": "Employee", "parent_id": fleet.id})
        contract = self._make_contract(employee, "FLEET1")
        group_rule = self._make_rule(self.special, customer_group_id=self.group.id)
        self.assert_special(contract=contract)
        group_rule.write({"customer_group_id": False, "partner_id": fleet.id})
        self.assert_special(contract=contract)
        self.assert_standard()

    def test_the_payer_of_the_contract_decides(self) -> None:
        payer = self.driver.copy({"name": "Payer"})
        self._make_rule(self.special, partner_id=payer.id)
        self.assert_standard()
        self.contract.invoice_partner_id = payer
        self.assert_special()

    def test_a_location_group_has_its_price(self) -> None:
        self._make_rule(self.special, location_group_id=self.places.id)
        self.assert_standard()
        self.location.group_ids = [Command.link(self.places.id)]
        self.assert_special()

    def test_a_power_class_has_its_price(self) -> None:
        rule = self._make_rule(self.special, power_class="AC")
        self.assert_special()
        for kilowatts, power_class in ((50, "DC_LT150"), (149.9, "DC_LT150"), (150, "HPC"), (400, "HPC")):
            with self.subTest(kilowatts):
                self.connector.write({"power_type": "DC", "max_power_kw": kilowatts})
                rule.power_class = "AC"
                self.assert_standard()
                rule.power_class = power_class
                self.assert_special()

    def test_own_bounds_of_power_have_their_price(self) -> None:
        self.connector.write({"power_type": "DC", "max_power_kw": 180})
        self._make_rule(
            self.special, power_class="OWN", power_current="DC", power_from_kw=150, power_below_kw=200
        )
        self._make_rule(self._make_tariff("HPC", {"ENERGY": 1}), power_class="HPC")
        self.assert_special()
        self.connector.max_power_kw = 200
        self.assertEqual(self.select().tariff_id.code, "HPC")

    def test_own_bounds_that_bound_nothing_are_refused(self) -> None:
        with self.assertRaisesRegex(ValidationError, "enter the current"):
            self._make_rule(self.special, power_class="OWN")
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            self._make_rule(self.special, power_class="OWN", power_from_kw=200, power_below_kw=100)

    def test_criteria_are_shown_in_words(self) -> None:
        rule = self._make_rule(
            self.special,
            plan_id=self.plan.id,
            power_class="OWN",
            power_current="DC",
            power_from_kw=150,
            date_from="2026-05-01",
        )
        self.assertEqual(rule.criteria, "Home plan, DC ≥ 150 kW, from 2026-05-01")
        self.assertEqual(self.rule.criteria, "everybody, everywhere")

    def test_without_a_connector_the_connectors_of_the_evse_have_to_agree(self) -> None:
        self._make_rule(self.special, power_class="AC")
        unknown = self.env["emobility.connector"]
        self.assert_special(connector=unknown)
        self.connector.copy({"code": "2", "power_type": "DC", "max_power_kw": 50})
        self.assert_standard(connector=unknown)
        self.assert_special()

    def test_a_relation_has_its_own_prices(self) -> None:
        roaming = self.driver.copy({"name": "Roaming partner"})
        self._make_rule(self.special, relation="wholesale", partner_id=roaming.id)
        self.assert_standard()
        self.assertFalse(self.select(relation="wholesale"))
        self.assert_special(relation="wholesale", partner=roaming, contract=self.env["contract.contract"])
        self.assertFalse(self.select(relation="adhoc"))

    def test_days_are_those_of_the_location(self) -> None:
        self._make_rule(self.special, date_from="2026-05-11", date_to="2026-05-11")
        self.assert_standard(at=datetime(2026, 5, 10, 21, 59))
        self.assert_special(at=datetime(2026, 5, 10, 22, 0))
        self.assert_special(at=datetime(2026, 5, 11, 21, 59))
        self.assert_standard(at=datetime(2026, 5, 11, 22, 0))

    def test_the_most_specific_rule_counts(self) -> None:
        self.driver.customer_group_id = self.group
        self.location.group_ids = [Command.link(self.places.id)]
        criteria = (
            {"power_class": "AC"},
            {"location_group_id": self.places.id},
            {"customer_group_id": self.group.id},
            {"plan_id": self.plan.id},
            {"partner_id": self.driver.id},
        )
        for criterion in criteria:
            with self.subTest(criterion):
                tariff = self._make_tariff(next(iter(criterion)), {"ENERGY": 1})
                self._make_rule(tariff, **criterion)
                self.assertEqual(self.select().tariff_id, tariff)

    def test_two_criteria_are_more_specific_than_one_of_them(self) -> None:
        self._make_rule(self.special, plan_id=self.plan.id)
        both = self._make_tariff("BOTH", {"ENERGY": 1})
        self._make_rule(both, plan_id=self.plan.id, power_class="AC")
        self.assertEqual(self.select().tariff_id, both)

    def test_a_lower_sequence_counts_before_a_more_specific_rule(self) -> None:
        self._make_rule(self.special, sequence=1)
        self._make_rule(self._make_tariff("PLAN", {"ENERGY": 1}), plan_id=self.plan.id)
        self.assert_special()

    def test_the_older_of_two_equal_rules_counts(self) -> None:
        self._make_rule(self.special)
        self.assert_standard()

    def test_the_prices_of_another_company_do_not_count(self) -> None:
        other = self.env["res.company"].create({"name": "Other operator"})
        self.assertFalse(self.select(company=other))

    def test_a_clerk_finds_the_price_with_the_rights_of_a_clerk(self) -> None:
        clerk = self._make_user("rule_clerk", "emobility_crm.group_user")
        found = (
            self.env["emobility.price.rule"]
            .with_user(clerk)
            ._select_version(self.company, self.contract, self.evse, self.connector, AT)
        )
        self.assertEqual(found, self.tariff.version_ids)
        self.assertEqual((found.env.user, found.env.su), (clerk, False))

    def test_a_rule_cannot_end_before_it_begins(self) -> None:
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            self.rule.write({"date_from": "2026-05-02", "date_to": "2026-05-01"})
            self.rule.flush_recordset()

    def test_finding_a_price_takes_few_queries_however_many_rules_there_are(self) -> None:
        for number in range(20):
            self._make_rule(self.special, plan_id=self.plan.copy().id, sequence=number)
        self.select()
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(14):
            self.assertTrue(self.select())
