from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_discount import ReductionCommon

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@tagged("post_install", "-at_install")
class TestLimits(ReductionCommon):
    """Threshold, credit limit of a contract, monthly limit of a token. A session costs 5.00."""

    def test_f35_threshold_bills_all_open_sessions_in_one_invoice(self) -> None:
        self.contract.write({"billing_trigger": "threshold", "billing_threshold": 10})
        first = self.charge(1)
        self.assertFalse(first.move_id)
        second = self.charge(2)
        self.assertTrue(first.move_id)
        self.assertEqual(first.move_id, second.move_id)
        third = self.charge(3)
        self.assertFalse(third.move_id)

    def test_contract_above_its_credit_limit_is_suspended_and_resumed_when_it_pays(self) -> None:
        self.contract.write({"credit_limit": 9})
        self.charge(1)
        self.assertEqual(self.contract.charging_state, "active")
        rating = self.charge(2)
        self.assertEqual(
            (self.contract.charging_state, self.contract.suspension_reason), ("suspended", "credit_limit")
        )
        self.assertEqual(self.token._authorization_status(), "Blocked")
        move = self.env["emobility.invoicing"]._invoice(rating)
        move.action_post()
        self.contract._cron_check_limits()
        self.assertEqual(self.contract.charging_state, "suspended")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({})._create_payments()
        self.contract.invalidate_recordset()
        self.contract._cron_check_limits()
        self.assertEqual(self.contract.charging_state, "active")

    def test_credit_limit_does_not_lift_another_suspension(self) -> None:
        self.contract._suspend("fraud")
        self.contract._cron_check_limits()
        self.assertEqual(self.contract.suspension_reason, "fraud")

    @freeze_time(NOW)
    def test_token_at_its_monthly_limit_is_blocked_until_the_next_month(self) -> None:
        self.token.monthly_limit = 10
        for number in (1, 2):
            self.assertEqual(self.token.state, "active")
            self.charge(number, day=NOW - timedelta(days=1), token_uid="04A1B2C3", contract_id=False)
        self.assertEqual((self.token.state, self.token.block_reason), ("blocked", "limit"))
        self.contract._cron_check_limits()
        self.assertEqual(self.token.state, "blocked")
        with freeze_time("2026-06-01 08:00:00"):
            self.contract._cron_check_limits()
        self.assertEqual(self.token.state, "active")

    @freeze_time(NOW)
    def test_late_session_of_last_month_does_not_block_the_token(self) -> None:
        self.token.monthly_limit = 5
        self.charge(1, day=NOW - timedelta(days=40), token_uid="04A1B2C3", contract_id=False)
        self.assertEqual(self.token.state, "active")

    def test_token_shows_who_used_it_last(self) -> None:
        rating = self.charge(1, token_uid="04A1B2C3", contract_id=False)
        self.assertEqual(self.token.emobility_session_count, 1)
        self.assertEqual(self.token.last_used_at, rating.session_id.start_at)
        found = self.env["emobility.session"].search(self.token.action_view_sessions()["domain"])
        self.assertEqual(found, rating.session_id)

    def test_contract_whose_plan_has_no_price_is_marked(self) -> None:
        self.assertFalse(self.contract.plan_without_price)
        self.rule.plan_id = self.plan.copy()
        self.contract.invalidate_recordset()
        self.assertTrue(self.contract.plan_without_price)
        self.assertFalse(self.plan.plan_tariff_ids)

    @contextmanager
    def refused(self, message: str) -> Iterator[None]:
        with self.assertRaisesRegex(UserError, message), self.env.cr.savepoint():
            yield

    def test_plan_without_a_price_is_neither_activated_nor_offered(self) -> None:
        self.rule.plan_id = self.plan.copy()
        contract = self.contract.copy()
        with self.refused("no retail price rule of .* fits its plan Home plan"):
            contract.action_activate()
        self.assertEqual(contract.charging_state, "draft")
        with self.refused("no retail price rule of .* fits its plan Home plan"):
            contract.charging_state = "active"
        self.assertEqual(contract.charging_state, "draft")
        with self.refused("cannot be activated"):
            self._make_contract(self.driver, "04FFFF", charging_state="active")
        with self.refused("cannot have the plan Home plan.*: no retail price rule"):
            self.contract.sudo()._change_plan(self.plan.copy(), fields.Date.today() + timedelta(days=1))
        with self.refused("Home plan cannot be offered in the portal"):
            self.plan.plan_is_offered = True
        self.rule.plan_id = False
        contract.invalidate_recordset()
        contract.action_activate()
        self.plan.plan_is_offered = True
        self.assertEqual(self.plan._with_price(self.company), self.plan)
        self.rule.active = False
        self.assertFalse(self.plan._with_price(self.company), "no longer shown, when its last price goes")

    def test_imported_contract_whose_plan_has_no_price_is_refused_with_its_row(self) -> None:
        self.rule.plan_id = self.plan.copy()
        columns = ["name", "partner_id/.id", "is_charging", "plan_id/.id", "charging_state"]
        rows = [
            ["Draft", str(self.driver.id), "1", str(self.plan.id), "draft"],
            ["In use", str(self.driver.id), "1", str(self.plan.id), "active"],
        ]
        result = self.env["contract.contract"].with_company(self.company).load(columns, rows)
        self.assertFalse(result["ids"])
        # What a batch failed for is said at its beginning too; then each row is tried.
        message = result["messages"][-1]
        self.assertEqual(message["rows"], {"from": 1, "to": 1})
        self.assertRegex(message["message"], "In use cannot be activated: no retail price rule .* plan Home plan")
        self.assertFalse(self.env["contract.contract"].search([("name", "in", ["Draft", "In use"])]))

    def test_contract_without_plan_does_not_get_one_without_price_while_in_use(self) -> None:
        contract = self._make_contract(self.driver, "04FFFF", plan_id=False)
        self.rule.plan_id = self.plan.copy()
        with self.refused("fits its plan Home plan"):
            contract.plan_id = self.plan
        self.assertFalse(contract.plan_id)

    def test_plan_shows_the_tariffs_that_it_opens(self) -> None:
        special = self._make_tariff("SPECIAL", {"ENERGY": 0.3})
        self._make_rule(special, plan_id=self.plan.id)
        self.assertEqual(self.plan.plan_tariff_ids, self.tariff | special)
        rules = self.env["emobility.price.rule"].search(self.plan.action_view_plan_rules()["domain"])
        self.assertEqual(len(rules), self.plan.plan_rule_count)
