from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.tests import tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestPriceCheck(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.special = cls._make_tariff("SPECIAL", {"ENERGY": 0.39})

    def check(self, **values: Any) -> Any:
        check = self.env["emobility.price.check"].create(
            {"company_id": self.company.id, "day": "2026-05-10", **values}
        )
        check.action_check()
        self.assertTrue(check.is_done)
        return check.line_ids

    def found(self, kind: str, **values: Any) -> Any:
        return self.check(**values).filtered(lambda line: line.kind == kind)

    def test_matrix_with_a_price_for_everybody_is_clean(self) -> None:
        self.assertFalse(self.check())

    def test_two_rules_that_say_the_same_are_a_conflict(self) -> None:
        twin = self._make_rule(self.special)
        line = self.found("conflict")
        self.assertEqual((line.rule_id, line.other_rule_id), (twin, self.rule))
        twin.date_from = "2026-01-01"
        self.assertFalse(self.found("conflict"), "a rule with dates counts before one without")

    def test_rules_of_two_relations_do_not_conflict(self) -> None:
        self._make_rule(self.special, relation="wholesale")
        self.assertFalse(self.found("conflict"))

    def test_rule_that_can_never_count_is_found(self) -> None:
        self.rule.sequence = 1
        hidden = self._make_rule(self.special, plan_id=self.plan.id, sequence=2)
        line = self.found("shadowed")
        self.assertEqual((line.rule_id, line.other_rule_id), (hidden, self.rule))

    def test_f36_contracts_without_a_price_are_a_hole(self) -> None:
        self.rule.plan_id = self.plan.copy({"name": "Other"})
        line = self.found("hole")
        self.assertEqual((line.plan_id, line.contract_count, line.relation), (self.plan, 1, "retail"))
        self.assertIn("22 kW", line.description)

    def test_f36_hole_at_one_power_class_only_is_found(self) -> None:
        self.rule.power_class = "AC"
        self.assertFalse(self.found("hole"))
        self.connector.copy({"code": "2", "power_type": "DC", "max_power_kw": 300})
        line = self.found("hole")
        self.assertEqual(line.connector_count, 1)
        self.assertIn("HPC, 300 kW", line.description)

    def test_hole_of_a_customer_group_and_a_location_group_names_both(self) -> None:
        group = self.env["emobility.customer.group"].create(
            {"name": "Staff", "code": "STAFF", "company_id": self.company.id}
        )
        places = self.env["emobility.location.group"].create(
            {"name": "Motorway", "code": "MW", "company_id": self.company.id}
        )
        self.location.group_ids = [Command.link(places.id)]
        self.driver.customer_group_id = group
        self.rule.customer_group_id = group.copy({"name": "Public", "code": "PUB"})
        line = self.found("hole")
        self.assertIn("customers of Staff", line.description)
        self.assertIn("Motorway", line.description)

    def test_a_rule_for_the_firm_fills_the_hole_of_its_people(self) -> None:
        firm = self.env["res.partner"].create({"name": "Fleet", "is_company": True})
        self.driver.parent_id = firm
        self.rule.partner_id = firm
        self.assertFalse(self.found("hole"))

    def test_ended_contracts_and_closed_places_need_no_price(self) -> None:
        self.rule.plan_id = self.plan.copy({"name": "Other"})
        self.contract.action_terminate()
        self.assertFalse(self.found("hole"))

    def test_ad_hoc_holes_count_once_there_is_an_ad_hoc_price(self) -> None:
        self.assertFalse(self.found("hole"))
        self._make_rule(self.special, relation="adhoc", power_class="HPC")
        self.assertEqual(self.found("hole").relation, "adhoc")

    def test_tariff_without_prices_on_that_day_is_found(self) -> None:
        self._make_rule(self.special, plan_id=self.plan.id)
        self.special.version_ids.valid_from = "2026-06-01 00:00:00"
        self.assertIn("has no prices on 2026-05-10", self.found("no_price").description)
        self.assertFalse(self.found("no_price", day="2026-06-02"))

    def test_f57_price_of_a_plan_in_another_currency_than_a_rule_for_all_is_found(self) -> None:
        self.plan.write({"plan_included_kwh": 5, "plan_overage": "price", "plan_overage_currency_id": self.euro.id})
        self.assertFalse(self.found("currency"))
        abroad = self._make_tariff("ABROAD", {"ENERGY": 0.5})
        abroad.currency_id = self.env.ref("base.CHF")
        rule = self._make_rule(abroad, power_class="HPC")
        finding = self.found("currency")
        self.assertEqual((finding.rule_id, finding.plan_id), (rule, self.plan))
        self.assertIn("price in EUR", finding.description)

    def test_finding_opens_its_rules(self) -> None:
        twin = self._make_rule(self.special)
        action = self.found("conflict").action_open_rules()
        self.assertEqual(
            self.env["emobility.price.rule"].search(action["domain"]), self.rule | twin
        )
