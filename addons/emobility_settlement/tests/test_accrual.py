from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.common import stamp

from .common import SettlementCommon
from .test_internal_roaming import TestInternalRoaming as InternalRoaming

ACCOUNTS = {
    "accrued": "asset_current",
    "deferred": "liability_current",
    "accrued_roaming": "liability_current",
}


class AccrualMixin:
    """A month that is over, and the accounts of its accruals. Mix into a class with `cls.company`."""

    @classmethod
    def set_up_accruals(cls) -> None:
        for number, (name, kind) in enumerate(ACCOUNTS.items()):
            account = cls.env["account.account"].create(
                {"name": name, "code": f"31888{number}", "account_type": kind, "company_ids": cls.company.ids}
            )
            cls.company[f"emobility_{name}_account_id"] = account
        cls.company.partner_id.tz = "Europe/Berlin"
        today = fields.Date.today()
        cls.month = fields.Date.subtract(today.replace(day=1), months=1)
        cls.last = today.replace(day=1) - timedelta(days=1)

    def on(self, day: int, hour: int = 12) -> datetime:
        return datetime(self.month.year, self.month.month, day, hour, tzinfo=UTC)

    def accrual(self, month: date | None = None, company: Any = None) -> Any:
        accrual = self.env["emobility.accrual"].create(
            {
                "company_id": (company or self.company).id,
                "month": month or self.month,
                "currency_id": self.euro.id,
            }
        )
        accrual.action_prepare()
        return accrual

    def of(self, accrual: Any, kind: str) -> Any:
        return accrual.line_ids.filtered(lambda line: line.kind == kind and line.source == "roaming")


@tagged("post_install", "-at_install")
class TestRoamingAccrual(AccrualMixin, SettlementCommon):
    """Revenue and cost with partners belong to the month of the charging, whenever the documents come."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.currency_id = cls.euro
        cls.set_up_accruals()

    def _bought(self, net: str = "4.00", day: int = 10, **changes: Any) -> Any:
        end = self.on(day)
        start, stop = stamp(end - timedelta(hours=1)), stamp(end)
        period = {
            "start_date_time": start,
            "dimensions": [{"type": "ENERGY", "volume": 10.0}],
            "tariff_id": "T1",
        }
        times = {"start_date_time": start, "end_date_time": stop, "charging_periods": [period]}
        return self.receive_cdr(net, **times, **changes)

    def _settlement(self, partner: Any, until: date | None = None) -> Any:
        settlement = self.env["emobility.roaming.settlement"].create(
            {
                "roaming_partner_id": partner.id,
                "currency_id": self.euro.id,
                "date_from": self.month,
                "date_to": until or self.last,
            }
        )
        settlement.action_collect()
        return settlement

    def _bill(self, settlement: Any, cdr: Any, day: date) -> Any:
        settlement._compare("THEIRS-1", {cdr.name: cdr.total_net})
        settlement.action_bill()
        bill = settlement.move_ids.filtered(lambda move: move.move_type == "in_invoice")
        bill.invoice_date = day
        bill.action_post()
        return bill

    # Sold

    def test_what_partners_will_be_invoiced_is_earned_in_its_month(self) -> None:
        self.charge_as_guest("G1", kwh="10", start=self.on(5))
        self.charge_as_guest("G2", kwh="10", start=datetime.now(UTC) - timedelta(hours=3))
        accrual = self.accrual()
        line = self.of(accrual, "accrued")
        self.assertEqual((line.amount, line.rating_count, accrual.accrued), (3.0, 1, 3.0))
        accrual.action_post()
        moves = accrual.move_id | accrual.reversal_move_id
        self.assertEqual(moves.mapped("date"), [self.last, self.last + timedelta(days=1)])
        for account in moves.line_ids.account_id:
            lines = moves.line_ids.filtered(lambda one, account=account: one.account_id == account)
            self.assertAlmostEqual(sum(lines.mapped("balance")), 0)

    def test_what_was_invoiced_in_the_month_is_not_accrued(self) -> None:
        self.charge_as_guest("G1", kwh="10", start=self.on(5))
        settlement = self._settlement(self.provider)
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        self.assertGreater(invoice.date, self.last, "made today, for the month before")
        self.assertEqual(self.of(self.accrual(), "accrued").amount, 3.0)
        self.env["emobility.accrual"].search([]).unlink()
        self.assertFalse(self.of(self.accrual(invoice.date), "accrued"))

    def test_fee_of_the_hub_that_the_partner_pays_is_earned_too(self) -> None:
        self.sell.write({"hub_fee_per_cdr": 0.25, "hub_fee_policy": "pass_on"})
        self.charge_as_guest("G1", kwh="10", start=self.on(5))
        settlement = self._settlement(self.provider)
        self.assertEqual(self.accrual().accrued, 3.25)
        with self.running_jobs():
            settlement.action_invoice()
        self.assertAlmostEqual(settlement.move_ids.amount_untaxed, 3.25)
        self.env["emobility.accrual"].search([]).unlink()
        self.assertEqual(self.accrual().accrued, 3.25, "of another month than its invoice")

    def test_nothing_is_earned_twice_when_the_run_posts_in_the_closed_month(self) -> None:
        session = self.charge_as_guest("G1", kwh="10", start=self.on(5))
        accrual = self.accrual()
        accrual.action_post()
        invoice = self.env["emobility.invoicing"]._invoice(session.cdr_ids.rating_ids, self.last)
        invoice.action_post()
        self.assertEqual((invoice.invoice_date, invoice.date), (self.last, self.last + timedelta(days=1)))
        self.assertIn("accrual", " ".join(invoice.message_ids.mapped("body")))
        revenue = invoice.invoice_line_ids.account_id
        lines = (invoice | accrual.move_id | accrual.reversal_move_id).line_ids.filtered(
            lambda line: line.account_id == revenue and not line.tax_line_id
        )
        self.assertAlmostEqual(sum(lines.filtered(lambda line: line.date <= self.last).mapped("balance")), -3.0)
        self.assertAlmostEqual(sum(lines.mapped("balance")), -3.0)

    # Bought

    def test_what_partners_will_invoice_costs_in_its_month(self) -> None:
        self._bought("4.00", day=10)
        self._bought("2.50", day=11, id="DOUBTED")
        refused = self._bought("7.00", day=12, id="REFUSED")
        self.assertEqual(refused.check_state, "to_check")
        refused.action_refuse()
        self.receive_cdr("4.00", id="LATER")
        accrual = self.accrual()
        line = self.of(accrual, "bought")
        self.assertEqual((accrual.bought, line.rating_count), (6.5, 2), "what is doubted may still be billed")
        expense = line.account_id
        accrual.action_post()
        balances = {one.account_id: one.balance for one in accrual.move_id.line_ids}
        self.assertEqual(balances[self.company.emobility_accrued_roaming_account_id], -6.5)
        self.assertEqual(balances[expense], 6.5)
        self.assertFalse(accrual.move_id.line_ids.tax_ids)

    def test_cdr_that_was_taken_back_costs_nothing(self) -> None:
        original = self._bought("4.00")
        self.receive_credit(original)
        self.assertFalse(self.of(self.accrual(), "bought"))

    def test_bill_of_the_month_is_not_accrued_and_a_later_one_is(self) -> None:
        first, second = self._bought("4.00"), self._bought("4.00", day=11)
        settlement = self._settlement(self.operator)
        self.assertEqual(settlement.roaming_cdr_ids, first | second, (first | second).mapped("findings"))
        self._bill(settlement, first, self.last)
        accrual = self.accrual()
        self.assertEqual(accrual.bought, 4.0)
        settlement._compare("THEIRS-2", {second.name: 4.0})
        settlement.action_bill()
        later = settlement.move_ids.filtered(lambda move: move.state == "draft")
        later.invoice_date = self.last + timedelta(days=1)
        later.action_post()
        accrual.action_prepare()
        self.assertEqual(accrual.bought, 4.0)
        self.assertFalse(self.of(self.accrual(self.last + timedelta(days=1)), "bought"))

    def test_nothing_costs_twice_when_a_bill_is_posted_in_the_closed_month(self) -> None:
        cdr = self._bought("4.00")
        settlement = self._settlement(self.operator)
        accrual = self.accrual()
        accrual.action_post()
        bill = self._bill(settlement, cdr, self.last)
        self.assertEqual((bill.invoice_date, bill.date), (self.last, self.last + timedelta(days=1)))
        expense = bill.invoice_line_ids.account_id
        lines = (bill | accrual.move_id | accrual.reversal_move_id).line_ids.filtered(
            lambda line: line.account_id == expense and not line.tax_line_id
        )
        self.assertAlmostEqual(sum(lines.filtered(lambda line: line.date <= self.last).mapped("balance")), 4.0)
        self.assertAlmostEqual(sum(lines.mapped("balance")), 4.0)

    def test_the_account_has_to_be_chosen(self) -> None:
        self._bought("4.00")
        self.company.emobility_accrued_roaming_account_id = False
        accrual = self.accrual()
        with self.assertRaisesRegex(UserError, "settings"):
            accrual.action_post()


@tagged("post_install", "-at_install")
class TestInternalAccrual(AccrualMixin, InternalRoaming):
    """Between companies of one database there is no CDR of a partner: the sale of the one is the cost of the other."""

    allow_inherited_tests_method = False

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        (cls.company | cls.sister).currency_id = cls.euro
        cls.set_up_accruals()

    def test_sale_of_one_company_is_the_cost_of_the_other(self) -> None:
        self.charge_as_sister(kwh="10", start=self.on(5))
        self.assertEqual(self.of(self.accrual(), "accrued").amount, 3.0)
        accruals = self.env["emobility.accrual"].with_company(self.sister)
        theirs = accruals.create({"company_id": self.sister.id, "month": self.month, "currency_id": self.euro.id})
        theirs.action_prepare()
        self.assertEqual(theirs.bought, 3.0)
        settlement = self.env["emobility.roaming.settlement"].create(
            {
                "roaming_partner_id": self.sister_partner.id,
                "currency_id": self.euro.id,
                "date_from": self.month,
                "date_to": self.last,
            }
        )
        settlement.action_collect()
        with self.running_jobs():
            settlement.action_invoice()
        bill = self.env["account.move"].search(
            [("company_id", "=", self.sister.id), ("ref", "=", settlement.move_ids.name)]
        )
        bill.invoice_date = self.last
        bill.action_post()
        theirs.action_prepare()
        self.assertEqual(theirs.bought, 0)
