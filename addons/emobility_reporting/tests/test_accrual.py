from __future__ import annotations

from datetime import date, datetime
from typing import Any
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ReportingCommon

JUNE = date(2026, 6, 1)


@tagged("post_install", "-at_install")
class TestAccrual(ReportingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        accounts = cls.env["account.account"]
        cls.accrued = accounts.create({"name": "Accrued", "code": "119999", "account_type": "asset_current"})
        cls.deferred = accounts.create(
            {"name": "Deferred", "code": "219999", "account_type": "liability_current"}
        )
        cls.company.write(
            {"emobility_accrued_account_id": cls.accrued.id, "emobility_deferred_account_id": cls.deferred.id}
        )
        cls.revenue = cls.company_data["default_account_revenue"]

    def _accrual(self, **values: Any) -> Any:
        accrual = self.env["emobility.accrual"].create(
            {"company_id": self.company.id, "month": "2026-06-12", "currency_id": self.euro.id, **values}
        )
        accrual.action_prepare()
        return accrual

    def test_what_is_charged_but_not_invoiced_is_accrued_net_and_taken_back(self) -> None:
        self._session("A1", datetime(2026, 6, 3, 8), "17.345")
        later = self._session("A2", datetime(2026, 6, 30, 8), "10")
        self._invoice_on(later, "2026-07-02")
        self._session("A3", datetime(2026, 7, 1, 8))
        done = self._session("A4", datetime(2026, 6, 20, 8))
        self._invoice_on(done, "2026-06-30")
        accrual = self._accrual()
        self.assertEqual(accrual.month, JUNE)
        gross = 17.345 * 0.49
        gross = round(gross, 2) + 0.35 + 5.25
        self.assertAlmostEqual(accrual.accrued, gross / 1.19, 2)
        self.assertEqual(accrual.deferred, 0)
        self.assertEqual(sum(accrual.line_ids.mapped("rating_count")), 2)
        accrual.action_post()
        move, back = accrual.move_id, accrual.reversal_move_id
        self.assertEqual((move.date, back.date), (date(2026, 6, 30), date(2026, 7, 1)))
        self.assertEqual((move.state, back.state), ("posted", "posted"))
        balances = {line.account_id: line.balance for line in move.line_ids}
        self.assertAlmostEqual(balances[self.accrued], accrual.accrued, 2)
        for account in move.line_ids.account_id:
            both = (move | back).line_ids.filtered(lambda line, account=account: line.account_id == account)
            self.assertAlmostEqual(sum(both.mapped("balance")), 0, 2)
        self.assertFalse(move.line_ids.tax_ids)

    def test_what_is_invoiced_before_it_is_charged_is_deferred(self) -> None:
        session = self._session("A5", datetime(2026, 7, 1, 8))
        move = self._invoice_on(session, "2026-06-30")
        accrual = self._accrual()
        self.assertEqual((accrual.accrued, accrual.deferred), (0, move.amount_untaxed))
        accrual.action_post()
        line = accrual.move_id.line_ids.filtered(lambda one: one.account_id == self.deferred)
        self.assertEqual(line.balance, -move.amount_untaxed)

    def _fee(self, **values: Any) -> Any:
        """A fee of 120.00 a year in advance, of which June has 30 of 365 days."""
        product = self.env["product.product"].create(
            {"name": "Base fee", "type": "service", "taxes_id": [Command.set(self.tax.ids)]}
        )
        line = {
            "product_id": product.id,
            "name": "Base fee",
            "quantity": 1.0,
            "price_unit": 365.0,
            "specific_price": 365.0,
            "date_start": "2026-06-01",
            "recurring_next_date": "2026-06-01",
            "recurring_rule_type": "yearly",
            "recurring_interval": 1,
            "recurring_invoicing_type": "pre-paid",
            **values,
        }
        self.contract.write({"line_recurrence": True, "contract_line_ids": [Command.create(line)]})
        return self.contract.contract_line_ids

    def _invoice_fee(self, line: Any, day: str) -> Any:
        move = self.env["emobility.invoicing"]._invoice(
            self.env["emobility.rating"], fields.Date.to_date(day), {line.contract_id: line}
        )
        move.action_post()
        return move

    def test_a_fee_in_advance_is_deferred_for_the_days_after_the_month(self) -> None:
        move = self._invoice_fee(self._fee(), "2026-06-05")
        self.assertEqual(
            (move.invoice_line_ids.emobility_period_from, move.invoice_line_ids.emobility_period_to),
            (date(2026, 6, 1), date(2027, 5, 31)),
        )
        june = self._accrual()
        self.assertEqual((june.accrued, june.deferred), (0, 335.0))
        self.assertEqual((june.line_ids.source, june.line_ids.account_id), ("fees", self.revenue))
        june.action_post()
        line = june.move_id.line_ids.filtered(lambda one: one.account_id == self.deferred)
        self.assertEqual((line.balance, june.reversal_move_id.date), (-335.0, date(2026, 7, 1)))
        self.assertEqual(self._accrual(month="2026-07-01").deferred, 304.0, "and a month later 31 days less")
        self.assertEqual(self._accrual(month="2027-05-01").deferred, 0)

    def test_a_credit_note_of_a_fee_takes_its_deferral_back(self) -> None:
        move = self._invoice_fee(self._fee(), "2026-06-05")
        move._reverse_moves([{"invoice_date": "2026-06-20", "date": "2026-06-20"}]).action_post()
        self.assertFalse(self._accrual().line_ids)

    def test_a_fee_in_arrears_is_accrued_whether_it_has_an_invoice_yet_or_not(self) -> None:
        line = self._fee(
            recurring_rule_type="monthlylastday", recurring_invoicing_type="post-paid", specific_price=11.9
        )
        line.price_unit = 11.9
        self.assertEqual(self._accrual().accrued, 11.9)
        self.assertEqual(self._accrual(month="2026-07-01").accrued, 23.8, "two months that nobody invoiced")
        self.env["emobility.accrual"].search([]).unlink()
        move = self._invoice_fee(line, "2026-07-02")
        self.assertEqual((move.date, self._accrual().accrued), (date(2026, 7, 2), move.amount_untaxed))

    def test_fees_that_begin_within_the_month_count_by_the_day(self) -> None:
        self._fee(date_start="2026-06-16", recurring_next_date="2026-06-16")
        self.assertEqual(self._accrual().accrued, 15.0, "in advance, but not invoiced by anybody")

    def test_the_month_is_that_of_the_place(self) -> None:
        self._session("A6", datetime(2026, 6, 30, 21, 0), minutes=30)
        self._session("A7", datetime(2026, 6, 30, 22, 0), minutes=30)
        self.assertAlmostEqual(self._accrual().accrued, 5.25 / 1.19, 2)

    def test_what_was_taken_back_before_it_was_invoiced_is_nothing(self) -> None:
        session = self._session("A8", datetime(2026, 6, 3, 8))
        with self.running_jobs():
            session.cdr_ids.action_credit()
        self.assertFalse(self._accrual().line_ids)

    def test_a_month_is_accrued_once(self) -> None:
        self._session("A9", datetime(2026, 6, 3, 8))
        accrual = self._accrual()
        accrual.action_prepare()
        accrual.action_post()
        for step in (accrual.action_post, accrual.action_prepare, accrual.unlink):
            with self.assertRaises(UserError):
                step()
        with self.assertRaises(IntegrityError), self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
            self._accrual()

    def test_a_preview_comes_by_itself_and_posts_nothing(self) -> None:
        last_month = self.env["emobility.accrual"].default_get(["month"])["month"]
        self._session("A10", datetime(last_month.year, last_month.month, 3, 8))
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            for _day in range(2):
                self.env["emobility.accrual"]._cron_prepare()
        [accrual] = self.env["emobility.accrual"].search([("company_id", "=", self.company.id)])
        self.assertEqual((accrual.state, accrual.month), ("draft", last_month))
        self.assertTrue(accrual.accrued)
        self.assertFalse(accrual.move_id)

    def test_accounts_have_to_be_chosen_and_there_has_to_be_something(self) -> None:
        accrual = self._accrual()
        with self.assertRaises(UserError):
            accrual.action_post()
        self._session("A11", datetime(2026, 6, 3, 8))
        self.company.emobility_accrued_account_id = False
        with self.assertRaisesRegex(UserError, "settings"):
            accrual.action_post()

    def test_analytic_accounts_are_kept_apart(self) -> None:
        plan = self.env["account.analytic.plan"].create({"name": "Places"})
        analytic = self.env["account.analytic.account"].create({"name": "Market", "plan_id": plan.id})
        self.location.analytic_account_id = analytic
        self.company.emobility_analytic = "location"
        self._session("A12", datetime(2026, 6, 3, 8))
        accrual = self._accrual()
        self.assertEqual(accrual.line_ids.mapped("analytic_names"), ["Market"])
        accrual.action_post()
        revenue = accrual.move_id.line_ids.filtered(lambda line: line.account_id == self.revenue)
        self.assertEqual(revenue.analytic_distribution, {str(analytic.id): 100})

    def test_another_currency_balances_in_the_own_one(self) -> None:
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": dollar.id, "rate": 1.333, "name": "2026-01-01", "company_id": self.company.id}
        )
        tariff = self._make_tariff(
            "DOLLAR", {"ENERGY": 0.37, "FLAT": 0.11}, mode="net", valid_from="2010-01-01 00:00:00"
        )
        tariff.currency_id = dollar
        self.price_rule.unlink()
        self._make_rule(tariff)
        self._session("A13", datetime(2026, 6, 3, 8), "7.777")
        self.env.ref("emobility_billing.product_flat").property_account_income_id = self.revenue.copy().id
        accrual = self._accrual(currency_id=dollar.id)
        self.assertEqual(accrual.accrued, 2.99)
        self.assertFalse(self._accrual(month="2026-06-01").line_ids, "euros are another entry")
        accrual.action_post()
        self.assertEqual(accrual.move_id.state, "posted")
        self.assertAlmostEqual(sum(accrual.move_id.line_ids.mapped("amount_currency")), 0, 6)
        self.assertEqual(len(accrual.line_ids), 2)

    def test_lines_are_not_made_by_hand(self) -> None:
        accrual = self._accrual()
        with self.assertRaises(UserError):
            accrual.line_ids = [
                Command.create({"kind": "accrued", "account_id": self.revenue.id, "amount": 1})
            ]
