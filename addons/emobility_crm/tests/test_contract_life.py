from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from .common import crons_without_commit, give_prices, new_charging_contract


@tagged("post_install", "-at_install")
class TestContractLife(BaseCommon):
    """Suspension, notice and change of the plan, with their reasons and days."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        give_prices(cls.env)
        cls.env["account.journal"].search([("type", "=", "sale")], limit=1) or cls.env[
            "account.journal"
        ].create({"name": "Sales", "code": "SALE", "type": "sale"})
        cls.basic = cls._make_plan("Basic", plan_base_fee=31.0, plan_min_months=3, plan_notice_days=30)
        cls.large = cls._make_plan("Large", plan_base_fee=62.0, plan_included_kwh=310.0)

    @classmethod
    def _make_plan(cls, name: str, **values: object) -> models.BaseModel:
        return cls.env["product.template"].create(
            {"name": name, "type": "service", "is_charging_plan": True, "taxes_id": False, **values}
        )

    def _active(self, **values: object) -> models.BaseModel:
        contract = new_charging_contract(self.env, self.partner, **{"plan_id": self.basic.id, **values})
        contract.action_activate()
        return contract

    def _run_cron(self) -> None:
        with crons_without_commit(self.env):
            self.env["contract.contract"]._cron_due_changes()

    def _invoice(self, contract: models.BaseModel) -> models.BaseModel:
        return contract._recurring_create_invoice(fields.Date.today())

    def _change(self, contract: models.BaseModel, **values: object) -> None:
        self.env["emobility.contract.change"].create({"contract_id": contract.id, **values}).action_apply()

    # --- Suspension ---

    def test_suspension_has_a_reason_and_a_moment_and_blocks_the_tokens_at_once(self) -> None:
        contract = self._active()
        token = self.env["emobility.token"].create(
            {"uid": "04AA", "contract_id": contract.id, "state": "active"}
        )
        self._change(contract, kind="suspend", suspension_reason="fraud", note="Seen at two places")
        self.assertEqual(contract.suspension_reason, "fraud")
        self.assertTrue(contract.suspended_on)
        self.assertEqual(token._authorization_status(), "Blocked")
        self.assertIn("Seen at two places", contract.message_ids[0].body)
        contract.action_resume()
        self.assertEqual(token._authorization_status(), "Accepted")
        self.assertFalse(contract.suspension_reason or contract.suspended_on)

    def test_suspension_by_payment_is_lifted_only_for_its_own_reason(self) -> None:
        contract = self._active()
        contract._suspend("fraud")
        contract._resume_from("dunning")
        self.assertEqual(contract.charging_state, "suspended")
        contract._resume_from("fraud")
        self.assertEqual(contract.charging_state, "active")

    def test_plain_write_of_the_state_has_a_reason_too(self) -> None:
        contract = self._active()
        contract.charging_state = "suspended"
        self.assertEqual(contract.suspension_reason, "clerk")

    def test_draft_cannot_be_suspended(self) -> None:
        contract = new_charging_contract(self.env, self.partner)
        with self.assertRaisesRegex(UserError, "is Draft and cannot become Suspended"):
            contract._suspend("clerk")

    # --- Notice ---

    @freeze_time("2026-03-10")
    def test_notice_keeps_minimum_term_and_notice_period(self) -> None:
        contract = self._active()
        self.assertEqual(contract.min_term_end, date(2026, 6, 9))
        self.assertEqual(contract.earliest_end, date(2026, 6, 9))
        with self.assertRaisesRegex(UserError, "can end on 2026-06-09 at the earliest"):
            self._change(contract, kind="terminate", day="2026-05-31")
        self.assertFalse(contract.terminates_on)
        with freeze_time("2026-06-01"):
            contract.invalidate_recordset()
            self.assertEqual(contract.earliest_end, date(2026, 7, 1))

    @freeze_time("2026-03-10")
    def test_contract_under_notice_charges_until_the_end_of_its_last_day(self) -> None:
        contract = self._active()
        self._change(contract, kind="terminate", termination_reason="moved", day="2026-06-30")
        self.assertEqual((contract.charging_state, contract.termination_reason), ("active", "moved"))
        for today, state in (("2026-06-30", "active"), ("2026-07-01", "terminated")):
            with self.subTest(today=today), freeze_time(today):
                self._run_cron()
                self.assertEqual(contract.charging_state, state)
        self.assertEqual(contract.terminates_on, date(2026, 6, 30))
        self.assertEqual(contract.phase_ids.date_end, date(2026, 6, 30))
        self.assertEqual(contract.contract_line_ids.filtered("is_base_fee").date_end, date(2026, 6, 30))

    @freeze_time("2026-03-10")
    def test_goodwill_ends_a_contract_today(self) -> None:
        contract = self._active()
        self._change(contract, kind="terminate", day="2026-03-10", force=True)
        self.assertEqual(contract.charging_state, "terminated")

    @freeze_time("2026-03-10")
    def test_notice_can_be_withdrawn_until_the_end(self) -> None:
        contract = self._active()
        with self.assertRaisesRegex(UserError, "No notice was given"):
            contract.action_withdraw_notice()
        self._change(contract, kind="terminate", day="2026-06-30")
        contract.action_withdraw_notice()
        with freeze_time("2026-07-01"):
            self._run_cron()
        self.assertEqual(contract.charging_state, "active")

    def test_contract_cannot_end_in_the_past(self) -> None:
        contract = self._active()
        with self.assertRaisesRegex(UserError, "cannot end in the past"):
            self._change(contract, kind="terminate", day="2020-01-01", force=True)

    # --- Plan ---

    @freeze_time("2026-03-01")
    def test_f38_plan_of_a_day_is_known_after_a_change_in_the_middle_of_a_month(self) -> None:
        contract = self._active()
        self._change(contract, kind="plan", plan_id=self.large.id, day="2026-03-16")
        self.assertEqual((contract.plan_id, contract.next_plan_id), (self.basic, self.large))
        with freeze_time("2026-03-16"):
            self._run_cron()
        self.assertEqual((contract.plan_id, contract.next_plan_id.id), (self.large, False))
        self.assertEqual(contract._plan_on(date(2026, 3, 15)), self.basic)
        self.assertEqual(contract._plan_on(date(2026, 3, 16)), self.large)
        kwh, sessions = contract._included_in_month(date(2026, 3, 1))
        self.assertEqual((kwh, sessions), (160.0, 0), "310 kWh for 16 of 31 days")

    @freeze_time("2026-03-01")
    def test_fees_of_a_month_with_a_change_are_for_the_days_of_each_plan(self) -> None:
        contract = self._active()
        with freeze_time("2026-03-16"):
            contract._change_plan(self.large, date(2026, 3, 16))
        with freeze_time("2026-04-01"):
            invoice = self._invoice(contract)
        lines = {line.product_id.product_tmpl_id: line.price_subtotal for line in invoice.invoice_line_ids}
        self.assertEqual(lines, {self.basic: 15.0, self.large: 32.0})

    @freeze_time("2026-03-16")
    def test_first_period_is_prorated_and_later_ones_are_calendar_months(self) -> None:
        contract = self._active()
        amounts = []
        for today in ("2026-04-01", "2026-05-01"):
            with freeze_time(today):
                invoice = self._invoice(contract)
                amounts.append(round(invoice.amount_untaxed, 2))
        self.assertEqual(amounts, [16.0, 31.0], "16 of 31 days, then all of April")

    @freeze_time("2026-03-01")
    def test_fee_paid_in_advance_is_credited_for_the_days_after_the_change(self) -> None:
        self.basic.plan_invoicing_type = "pre-paid"
        self.large.plan_invoicing_type = "pre-paid"
        contract = self._active()
        first = self._invoice(contract)
        self.assertAlmostEqual(first.amount_untaxed, 31.0)
        with freeze_time("2026-03-16"):
            contract._change_plan(self.large, date(2026, 3, 16))
            second = self._invoice(contract)
        amounts = sorted(round(line.price_subtotal, 2) for line in second.invoice_line_ids)
        self.assertEqual(amounts, [-16.0, 32.0])

    @freeze_time("2026-03-01")
    def test_yearly_fee_is_prorated_over_its_twelve_months(self) -> None:
        self.basic.write({"plan_period": "yearly", "plan_base_fee": 365.0})
        contract = self._active()
        with freeze_time("2026-03-10"):
            contract._give_notice(date(2026, 3, 10), "other", force=True)
            invoice = self._invoice(contract)
        self.assertAlmostEqual(invoice.amount_untaxed, 10.0)

    @freeze_time("2026-03-01")
    def test_illegal_changes_of_the_plan_are_refused_and_nothing_is_saved(self) -> None:
        contract = self._active()
        ordinary = self.env["product.template"].create({"name": "Cable", "type": "consu"})
        for plan, day, problem in (
            (self.basic, "2026-04-01", "it has the plan Basic already"),
            (ordinary, "2026-04-01", "is not a charging plan"),
            (self.large, "2026-02-01", "cannot begin in the past"),
            (self.large, "2026-03-01", "begins on 2026-03-01 too"),
        ):
            with self.subTest(problem=problem), self.assertRaisesRegex(UserError, problem):
                self._change(contract, kind="plan", plan_id=plan.id, day=day)
        draft = new_charging_contract(self.env, self.partner)
        with self.assertRaisesRegex(UserError, "only a contract in use"):
            self._change(draft, kind="plan", plan_id=self.large.id, day="2026-04-01")
        self.assertFalse(contract.next_plan_id)
        self.assertEqual(len(contract.phase_ids), 1)

    def test_f57_fees_in_another_currency_than_the_contract_are_refused(self) -> None:
        franc = self.env.ref("base.CHF")
        contract = new_charging_contract(self.env, self.partner, plan_id=self.basic.id, currency_id=franc.id)
        with self.assertRaisesRegex(UserError, "fees of the plan Basic are in .* is invoiced in CHF"):
            contract.action_activate()
        free = self._make_plan("Free")
        contract = self._active(plan_id=free.id, currency_id=franc.id)
        with self.assertRaisesRegex(UserError, "fees of the plan Large"):
            contract._change_plan(self.large, fields.Date.today() + timedelta(days=1))
        self.assertFalse(contract.next_plan_id)

    def test_plan_of_a_contract_in_use_cannot_be_overwritten(self) -> None:
        contract = self._active()
        with self.assertRaisesRegex(UserError, "change its plan with the button"):
            contract.plan_id = self.large

    @freeze_time("2026-03-01")
    def test_contract_in_use_that_gets_its_first_plan_has_it_from_that_day(self) -> None:
        contract = self._active(plan_id=False)
        with freeze_time("2026-03-05"):
            contract.plan_id = self.large
        self.assertEqual(contract.phase_ids.date_start, date(2026, 3, 5))

    def test_two_plans_on_one_day_are_refused(self) -> None:
        contract = self._active()
        phase = contract.phase_ids
        with self.assertRaisesRegex(ValidationError, "would have two plans on"):
            self.env["emobility.contract.phase"].create(
                {
                    "contract_id": contract.id,
                    "plan_id": self.large.id,
                    "date_start": fields.Date.add(phase.date_start, days=10),
                }
            )

    # --- Billing ---

    def test_threshold_trigger_needs_a_threshold(self) -> None:
        contract = self._active()
        with self.assertRaisesRegex(ValidationError, "the threshold is missing"):
            contract.billing_trigger = "threshold"
        contract.write({"billing_trigger": "threshold", "billing_threshold": 50.0})

    @mute_logger("odoo.sql_db")
    def test_negative_limits_are_refused(self) -> None:
        contract = self._active()
        for field in ("billing_threshold", "credit_limit"):
            with (
                self.subTest(field=field),
                self.assertRaisesRegex(Exception, "contract_contract_amounts_not_negative"),
                self.env.cr.savepoint(),
            ):
                contract[field] = -1
                contract.flush_recordset()
        contract.invalidate_recordset()

    def test_activation_fee_is_invoiced_once(self) -> None:
        plan = self._make_plan("With fee", plan_activation_fee=9.9)
        with freeze_time("2026-03-05"):
            contract = self._active(plan_id=plan.id)
            invoice = self._invoice(contract)
        self.assertAlmostEqual(invoice.invoice_line_ids.price_unit, 9.9)
        with freeze_time("2026-05-01"):
            self.assertFalse(self._invoice(contract))

    def test_payer_can_be_somebody_who_is_no_relative_of_the_customer(self) -> None:
        employer = self.env["res.partner"].create({"name": "Employer"})
        contract = self._active(invoice_partner_id=employer.id)
        self.assertEqual((contract.partner_id, contract.invoice_partner_id), (self.partner, employer))
