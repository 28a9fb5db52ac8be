from __future__ import annotations

from typing import Any

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import ChargingCommon

AT = "2026-05-10 12:00:00"


@tagged("post_install", "-at_install")
class TestPriceExplanation(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.special = cls._make_tariff("SPECIAL", {"ENERGY": 0.39})

    def explain(self, **values: Any) -> Any:
        wizard = self.env["emobility.price.explanation"].create(
            {
                "company_id": self.company.id,
                "contract_id": self.contract.id,
                "evse_id": self.evse.id,
                "at": AT,
                **values,
            }
        )
        wizard.action_explain()
        return wizard

    def reasons(self, wizard: Any) -> dict[str, str]:
        return {line.tariff_id.code: line.reason for line in wizard.line_ids}

    def test_answer_names_the_tariff_and_the_rule(self) -> None:
        rule = self._make_rule(self.special, plan_id=self.plan.id)
        wizard = self.explain()
        self.assertEqual((wizard.rule_id, wizard.tariff_version_id), (rule, self.special.version_ids))
        self.assertIn("Tariff Special, by the rule for Home plan (priority 10)", wizard.answer)
        self.assertIn("0.39", wizard.price_summary)

    def test_rules_that_do_not_count_are_explained_one_by_one(self) -> None:
        self._make_rule(self.special, plan_id=self.plan.id)
        other_plan = self.plan.copy({"name": "Other"})
        for code, values in {
            "LATER": {"sequence": 20, "plan_id": self.plan.id},
            "TWIN": {"plan_id": self.plan.id},
            "PLAN": {"plan_id": other_plan.id},
            "BOTH": {"plan_id": other_plan.id, "power_class": "HPC"},
            "ENDED": {"date_to": "2026-05-09"},
        }.items():
            self._make_rule(self._make_tariff(code, {"ENERGY": 1}), **values)
        reasons = self.reasons(self.explain())
        self.assertIn("less specific", reasons["STANDARD"])
        self.assertIn("priority 20 comes after 10", reasons["LATER"])
        self.assertIn("is newer", reasons["TWIN"])
        self.assertEqual(reasons["PLAN"], "Does not fit: charging plan.")
        self.assertEqual(reasons["BOTH"], "Does not fit: charging plan, power.")
        self.assertEqual(reasons["ENDED"], "Does not fit: days of validity.")

    def test_f36_a_hole_is_named_and_never_a_price_of_zero(self) -> None:
        self.rule.active = False
        wizard = self.explain()
        self.assertFalse(wizard.is_priced)
        self.assertIn("no rule fits", wizard.answer)

    def test_tariff_that_is_not_valid_or_has_no_prices_is_named(self) -> None:
        self.tariff.version_ids.valid_from = "2026-06-01 00:00:00"
        self.assertIn("Standard is not valid at that time", self.explain().answer)
        self.assertIn("Tariff Standard", self.explain(at="2026-06-02 12:00:00").answer)
        self.tariff.version_ids.element_ids.component_ids.unlink()
        self.assertIn("has no prices", self.explain(at="2026-06-02 12:00:00").answer)

    def test_f35_explanation_is_the_price_that_a_session_gets(self) -> None:
        self._make_rule(self.special, plan_id=self.plan.id, power_class="AC")
        session = self.ingest(self.events())
        wizard = self.explain(at=session.start_at, connector_id=self.connector.id)
        self.assertEqual(session.tariff_version_id, wizard.tariff_version_id)

    def test_token_in_any_spelling_finds_the_contract(self) -> None:
        form = Form(self.env["emobility.price.explanation"].with_company(self.company))
        form.token_uid = "04:a1:b2:c3"
        self.assertEqual(form.contract_id, self.contract)

    def test_unknown_token_and_foreign_connector_are_refused(self) -> None:
        with self.assertRaisesRegex(UserError, "No token FFFF"):
            self.explain(contract_id=False, token_uid=" FFFF ")
        other = self.evse.copy({"uid": "OTHER"})
        foreign = self.connector.copy({"evse_id": other.id})
        with self.assertRaisesRegex(UserError, "does not belong to the EVSE"):
            self.explain(connector_id=foreign.id)

    def test_clerk_and_auditor_can_ask_and_an_employee_cannot(self) -> None:
        values = {"company_id": self.company.id, "contract_id": self.contract.id, "evse_id": self.evse.id}
        for group in ("emobility_crm.group_user", "emobility_crm.group_auditor"):
            with self.subTest(group=group):
                user = self._make_user(f"ask-{group}", group)
                wizard = self.env["emobility.price.explanation"].with_user(user).create(values)
                wizard.action_explain()
                self.assertTrue(wizard.is_priced)
        employee = self._make_user("ask-nobody", "base.group_user")
        with self.assertRaises(AccessError):
            self.env["emobility.price.explanation"].with_user(employee).create(values)

    def test_queries_of_an_answer_do_not_grow_with_the_rules(self) -> None:
        arguments = (self.company, self.contract, self.evse, self.connector, self.cr.now())
        rules = self.env["emobility.price.rule"]

        def queries() -> int:
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            answer = rules._answer(*arguments)
            rules._explain_others(self.company, "retail", answer)
            return self.cr.sql_log_count - before

        self._make_rule(self.special, plan_id=self.plan.copy().id)
        queries()
        few = queries()
        for number in range(30):
            self._make_rule(self.special, plan_id=self.plan.copy().id, sequence=number)
        self.assertLessEqual(queries(), few)
