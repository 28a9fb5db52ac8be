from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ChargingCommon

DAY = datetime(2026, 5, 10, 10, tzinfo=UTC)


class ReductionCommon(ChargingCommon):
    """Sessions of 10 kWh at 0.50 each, as the tests of all that is taken off need them."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.tariff.version_ids.element_ids.component_ids.price = 0.5

    def charge(self, number: int = 1, kwh: str = "10", day: datetime = DAY, **started: Any) -> Any:
        start = day + timedelta(hours=2 * number)
        started = {
            "evse_id": self.evse.id,
            "connector_id": self.connector.id,
            "contract_id": self.contract.id,
            **started,
        }
        end = start + timedelta(minutes=60)
        events = [
            self.event(f"R{day:%m%d}-{number}", kind, at, payload, source="import")
            for kind, at, payload in (("started", start, started), ("ended", end, {"energy_kwh": kwh}))
        ]
        session = self.ingest(events)
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        return session.cdr_ids.rating_ids

    def amounts(self, rating: Any) -> list[float]:
        return rating.line_ids.sorted("sequence").mapped("amount")


@tagged("post_install", "-at_install")
class TestDiscount(ReductionCommon):
    def discount(self, **values: Any) -> Any:
        return self.env["emobility.discount"].create(
            {
                "name": "Spring",
                "value": 10,
                "company_id": self.company.id,
                "currency_id": self.euro.id,
                **values,
            }
        )

    def test_f57_amount_in_another_currency_is_not_taken_off(self) -> None:
        self.discount(kind="amount", value=1, currency_id=self.env.ref("base.CHF").id)
        self.assertEqual(self.charge().amount_total, 5.0)

    def test_percent_is_a_line_of_the_session(self) -> None:
        self.discount()
        rating = self.charge()
        self.assertEqual((self.amounts(rating), rating.amount_total), ([5.0, -0.5], 4.5))
        line = rating.line_ids.filtered("discount_id")
        self.assertEqual(line.description, "Spring (10 %)")
        self.assertEqual(rating.cdr_id.retail_amount, 4.5)

    def test_f70_invoice_total_is_the_sum_of_the_sessions_after_the_discount(self) -> None:
        self.discount()
        ratings = self.charge(1) | self.charge(2, kwh="3.33")
        move = self.env["emobility.invoicing"]._invoice(ratings)
        self.assertAlmostEqual(move.amount_total, sum(ratings.mapped("amount_total")))
        products = move.invoice_line_ids.product_id
        self.assertIn(self.env.ref("emobility_billing.product_discount"), products)
        self.assertEqual(
            len({tuple(line.tax_ids.ids) for line in move.invoice_line_ids}), 1, "taxes of the energy"
        )

    def test_amount_off_is_never_more_than_the_session(self) -> None:
        self.discount(kind="amount", value=8)
        rating = self.charge()
        self.assertEqual(rating.amount_total, 0.0)

    def test_voucher_and_free_energy_are_used_up(self) -> None:
        voucher = self.discount(kind="voucher", value=7)
        self.assertEqual([self.charge(n).amount_total for n in (1, 2, 3)], [0.0, 3.0, 5.0])
        self.assertEqual((voucher.amount_used, voucher.session_count), (7.0, 2))
        voucher.active = False
        energy = self.discount(kind="energy", value=12)
        self.assertEqual([self.charge(n).amount_total for n in (4, 5, 6)], [0.0, 4.0, 5.0])
        self.assertEqual(energy.use_ids.energy_kwh, 12.0)

    def test_limits_of_session_contract_and_budget(self) -> None:
        for number, (limits, expected) in enumerate(
            (
                ({"max_amount_per_session": 0.2}, [4.8, 4.8, 4.8]),
                ({"max_sessions": 2}, [4.5, 4.5, 5.0]),
                ({"max_amount": 0.7}, [4.5, 4.8, 5.0]),
                ({"budget": 0.6}, [4.5, 4.9, 5.0]),
            )
        ):
            with self.subTest(limits=limits):
                discount = self.discount(**limits)
                found = [self.charge(n, day=DAY + timedelta(days=number + 1)).amount_total for n in (1, 2, 3)]
                self.assertEqual(found, expected)
                discount.active = False

    def test_number_of_contracts_is_limited(self) -> None:
        self.discount(max_contracts=1)
        other = self._make_contract(self.driver.copy({"name": "Other"}), "04FFFF")
        self.assertEqual(self.charge(1).amount_total, 4.5)
        self.assertEqual(self.charge(2, contract_id=other.id).amount_total, 5.0)
        self.assertEqual(self.charge(3).amount_total, 4.5)

    def test_only_contracts_places_and_days_that_fit(self) -> None:
        group = self.env["emobility.customer.group"].create(
            {"name": "Staff", "code": "STAFF", "company_id": self.company.id}
        )
        places = self.env["emobility.location.group"].create(
            {"name": "Motorway", "code": "MW", "company_id": self.company.id}
        )
        discount = self.discount()
        for number, values in enumerate(
            (
                {"plan_ids": [Command.set(self.plan.copy().ids)]},
                {"plan_ids": [Command.clear()], "customer_group_ids": [Command.set(group.ids)]},
                {"customer_group_ids": [Command.clear()], "location_group_ids": [Command.set(places.ids)]},
                {"location_group_ids": [Command.clear()], "date_from": "2026-05-11"},
                {"date_from": False, "date_to": "2026-05-09"},
            ),
            1,
        ):
            with self.subTest(values=values):
                discount.write(values)
                self.assertEqual(self.charge(number).amount_total, 5.0)
        discount.date_to = False
        self.assertEqual(self.charge(6).amount_total, 4.5)

    def test_only_combinable_discounts_are_taken_off_together(self) -> None:
        first, second = self.discount(sequence=1), self.discount(sequence=2, name="Second", value=50)
        self.assertEqual(self.charge(1).amount_total, 4.5)
        (first | second).is_combinable = True
        self.assertEqual(self.charge(2).amount_total, 2.25)
        second.is_combinable = False
        self.assertEqual(self.charge(3).amount_total, 4.5)

    def test_coupon_counts_from_its_redemption_whatever_the_case_of_its_code(self) -> None:
        self.discount(code="HELLO_10")
        self.assertEqual(self.charge(1).amount_total, 5.0)
        wizard = self.env["emobility.discount.redeem"].create(
            {"contract_id": self.contract.id, "code": " hello_10 "}
        )
        wizard.action_redeem()
        self.assertEqual(self.charge(2).amount_total, 4.5)

    def test_coupon_that_cannot_be_redeemed_says_why(self) -> None:
        coupon = self.discount(code="SPRING", max_contracts=1)
        Discount = self.env["emobility.discount"]

        def redeem(code: str, contract: Any = None) -> None:
            wizard = self.env["emobility.discount.redeem"].create(
                {"contract_id": (contract or self.contract).id, "code": code}
            )
            wizard.action_redeem()

        with self.assertRaisesRegex(UserError, "There is no coupon SPR_NG"):
            redeem("SPR_NG")
        redeem("spring")
        with self.assertRaisesRegex(UserError, "has redeemed the coupon SPRING already"):
            redeem("SPRING")
        other = self._make_contract(self.driver.copy({"name": "Other"}), "04FFFF")
        with self.assertRaisesRegex(UserError, "as often as it may be"):
            redeem("SPRING", other)
        coupon.write({"max_contracts": 0, "plan_ids": [Command.set(self.plan.copy().ids)]})
        with self.assertRaisesRegex(UserError, "limited to certain plans"):
            redeem("SPRING", other)
        coupon.write({"plan_ids": [Command.clear()], "date_to": "2020-01-01"})
        with self.assertRaisesRegex(UserError, "has expired"):
            redeem("SPRING", other)
        self.assertFalse(Discount._find_coupon("  ", self.company))

    @mute_logger("odoo.sql_db")
    def test_illegal_discounts_are_refused(self) -> None:
        self.discount(code="TWICE")
        for values in (
            {"value": 0},
            {"value": 101},
            {"budget": -1},
            {"date_from": "2026-02-01", "date_to": "2026-01-01"},
            {"code": "twice"},
            {"code": "A B"},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(Exception),  # noqa: B017  (of the database or of the ORM)
                self.env.cr.savepoint(),
            ):
                self.discount(**values).flush_recordset()

    def test_f44_session_that_is_taken_back_gives_the_discount_back(self) -> None:
        voucher = self.discount(kind="voucher", value=7, budget=100)
        rating = self.charge(1)
        with self.running_jobs():
            rating.cdr_id.action_credit()
        self.assertEqual(
            (voucher.use_ids.amount, voucher.use_ids.session_count, voucher.budget_used), (0.0, 0, 0.0)
        )
        self.assertEqual(self.charge(2).amount_total, 0.0)


@tagged("post_install", "-at_install")
class TestAllowance(ReductionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.contract.sudo().phase_ids.date_start = "2026-01-01"
        # Prices of plans are in the currency of the company.
        cls.tariff.currency_id = cls.company.currency_id

    def test_included_energy_costs_nothing_until_it_is_used_up(self) -> None:
        self.plan.plan_included_kwh = 15
        self.assertEqual([self.charge(n).amount_total for n in (1, 2, 3)], [0.0, 2.5, 5.0])
        allowance = self.env["emobility.allowance"].search([("contract_id", "=", self.contract.id)])
        self.assertEqual((allowance.used_kwh, allowance.included_kwh), (15.0, 15.0))

    def test_next_month_begins_anew_at_local_midnight(self) -> None:
        self.plan.plan_included_kwh = 10
        # 31 May 22:45 UTC is 1 June in Berlin.
        last = self.charge(0, day=datetime(2026, 5, 31, 21, 30, tzinfo=UTC))
        first = self.charge(1, day=datetime(2026, 5, 31, 20, 45, tzinfo=UTC))
        self.assertEqual((last.amount_total, first.amount_total), (0.0, 0.0))
        months = self.env["emobility.allowance"].search([("contract_id", "=", self.contract.id)])
        self.assertEqual(sorted(str(one.month) for one in months), ["2026-05-01", "2026-06-01"])

    def test_included_sessions_count_before_energy(self) -> None:
        self.plan.write({"plan_included_sessions": 1, "plan_included_kwh": 5})
        ratings = [self.charge(n) for n in (1, 2, 3)]
        self.assertEqual([rating.amount_total for rating in ratings], [0.0, 2.5, 5.0])
        self.assertIn("1 of 1", ratings[0].line_ids.filtered("allowance_id").description)

    def test_plan_that_began_in_the_month_includes_its_part(self) -> None:
        self.plan.plan_included_kwh = 31
        self.contract.sudo().phase_ids.date_start = "2026-05-09"
        self.assertEqual(self.contract._included_in_month(DAY.date().replace(day=1)), (23.0, 0))

    def test_f70_invoice_with_included_energy_adds_up(self) -> None:
        self.plan.plan_included_kwh = 15
        ratings = self.charge(1) | self.charge(2) | self.charge(3)
        move = self.env["emobility.invoicing"]._invoice(ratings)
        self.assertAlmostEqual(move.amount_total, 7.5)
        line = move.invoice_line_ids.filtered(
            lambda one: one.product_id == self.env.ref("emobility_billing.product_allowance")
        )
        self.assertEqual((line.quantity, line.price_total), (15.0, -7.5))

    def test_f44_session_that_is_taken_back_gives_the_energy_back(self) -> None:
        self.plan.plan_included_kwh = 15
        rating = self.charge(1)
        with self.running_jobs():
            rating.cdr_id.action_credit()
        self.assertEqual(self.charge(2).amount_total, 0.0)

    def test_discount_comes_after_what_is_included(self) -> None:
        self.plan.plan_included_kwh = 5
        self.env["emobility.discount"].create(
            {"name": "Spring", "value": 10, "company_id": self.company.id}
        )
        self.assertEqual(self.amounts(self.charge()), [5.0, -2.5, -0.25])

    def test_session_that_crosses_the_quota_pays_the_price_of_the_plan_for_the_rest(self) -> None:
        self.plan.write({"plan_included_kwh": 15, "plan_overage": "price", "plan_overage_price": 0.333})
        first, second, third = (self.charge(n) for n in (1, 2, 3))
        self.assertEqual(self.amounts(first), [5.0, -5.0])
        # 5 of 10 kWh are beyond: 5 x 0.333 = 1.665, and a half goes up.
        self.assertEqual((self.amounts(second), second.amount_total), ([5.0, -2.5, -2.5, 1.67], 1.67))
        self.assertEqual((self.amounts(third), third.amount_total), ([5.0, -5.0, 3.33], 3.33))
        beyond = second.line_ids.sorted("sequence")[-1]
        self.assertEqual((beyond.dimension, beyond.quantity, beyond.unit_price), ("OVERAGE", 5.0, 0.334))
        self.assertIn(f"5 kWh at 0.333 {self.company.currency_id.name} per kWh", beyond.description)
        self.assertEqual(
            [(each["dimension"], each["amount"]) for each in second.trace["reductions"]],
            [("ALLOWANCE", "-2.50"), ("OVERAGE", "-2.50"), ("OVERAGE", "1.67")],
        )

    def test_f70_invoice_with_energy_beyond_the_plan_adds_up(self) -> None:
        self.plan.write({"plan_included_kwh": 15, "plan_overage": "price", "plan_overage_price": 0.333})
        move = self.env["emobility.invoicing"]._invoice(self.charge(1) | self.charge(2) | self.charge(3))
        self.assertAlmostEqual(move.amount_total, 5.0)
        by_product = {line.product_id.name: line for line in move.invoice_line_ids}
        energy, beyond = by_product["Charging energy"], by_product["Charging energy beyond the plan"]
        self.assertEqual((energy.quantity, energy.price_total), (15.0, 7.5))
        self.assertEqual((beyond.quantity, beyond.price_total), (15.0, 5.0))
        self.assertEqual(beyond.tax_ids, energy.tax_ids)

    def test_plan_that_includes_nothing_has_no_price_for_what_is_beyond(self) -> None:
        self.plan.write({"plan_included_kwh": 0, "plan_overage": "price", "plan_overage_price": 0.1})
        self.assertEqual(self.charge(1).amount_total, 5.0)

    def test_f57_price_of_the_plan_does_not_count_in_another_currency(self) -> None:
        self.plan.write({"plan_included_kwh": 5, "plan_overage": "price", "plan_overage_price": 0.1})
        self.tariff.currency_id = self.env.ref("base.CHF")
        self.assertEqual(self.charge(1).amount_total, 2.5)
        self.assertNotIn("Energy beyond", self.contract._included_text(DAY.date(), self.tariff.currency_id))

    def test_f57_price_of_the_plan_counts_in_its_own_currency(self) -> None:
        self.tariff.currency_id = self.env.ref("base.CHF")
        self.plan.write(
            {
                "plan_included_kwh": 5,
                "plan_overage": "price",
                "plan_overage_price": 0.1,
                "plan_overage_currency_id": self.tariff.currency_id.id,
            }
        )
        rating = self.charge(1)
        self.assertEqual((rating.amount_total, rating.currency_id), (0.5, self.tariff.currency_id))
        self.assertIn("5 kWh at 0.1 CHF per kWh", rating.line_ids.sorted("sequence")[-1].description)

    @contextmanager
    def refused(self, message: str) -> Iterator[None]:
        with self.assertRaisesRegex(ValidationError, message), self.env.cr.savepoint():
            yield

    def test_f57_plan_and_tariff_in_different_currencies_are_refused_on_each_side(self) -> None:
        self.plan.write({"plan_included_sessions": 1, "plan_session_overage": "price"})
        self.rule.plan_id = self.plan
        with self.refused("Home plan has a price in .* but its tariff Standard is in CHF: choose the same currency"):
            self.tariff.currency_id = self.env.ref("base.CHF")
        with self.refused("price in CHF .* Standard"):
            self.plan.plan_overage_currency_id = self.env.ref("base.CHF")
        self.rule.plan_id = False
        self.tariff.currency_id = self.env.ref("base.CHF")
        with self.refused("Standard is in CHF"):
            self.rule.plan_id = self.plan
        with self.refused("Standard is in CHF"):
            self.plan.plan_included_sessions = 2

    def test_session_beyond_those_that_are_included_has_the_price_of_the_plan(self) -> None:
        self.plan.write(
            {"plan_included_sessions": 1, "plan_session_overage": "price", "plan_session_overage_price": 3.9}
        )
        first, second = self.charge(1), self.charge(2)
        self.assertEqual((self.amounts(first), first.amount_total), ([5.0, -5.0], 0.0))
        self.assertEqual((self.amounts(second), second.amount_total), ([5.0, -5.0, 3.9], 3.9))
        beyond = second.line_ids.sorted("sequence")[-1]
        self.assertEqual((beyond.dimension, beyond.quantity, beyond.unit), ("OVERAGE", 1.0, "session"))
        currency = self.company.currency_id.name
        self.assertEqual(beyond.description, f"Session beyond what the plan includes: 3.90 {currency}")
        self.assertEqual(second.trace["reductions"][-1]["reason"], beyond.description)
        self.assertEqual(
            self.contract._included_text(DAY.date()),
            f"1 of 1 sessions of the month that are included are used. Each session beyond them costs 3.90 {currency}.",
        )

    def test_f70_invoice_with_sessions_beyond_the_plan_adds_up(self) -> None:
        self.plan.write(
            {"plan_included_sessions": 1, "plan_session_overage": "price", "plan_session_overage_price": 3.9}
        )
        move = self.env["emobility.invoicing"]._invoice(self.charge(1) | self.charge(2) | self.charge(3))
        self.assertAlmostEqual(move.amount_total, 7.8)
        by_product = {line.product_id.name: line for line in move.invoice_line_ids}
        beyond = by_product["Charging session beyond the plan"]
        self.assertEqual((beyond.quantity, beyond.price_total), (2.0, 7.8))
        replaced = by_product["Charging at the price of the plan instead of the tariff"]
        self.assertEqual(replaced.price_total, -10.0)
        energy = by_product["Charging energy"]
        self.assertEqual((beyond.tax_ids, replaced.tax_ids), (energy.tax_ids, energy.tax_ids))

    def test_f44_session_beyond_the_plan_that_is_taken_back(self) -> None:
        self.plan.write(
            {"plan_included_sessions": 1, "plan_session_overage": "price", "plan_session_overage_price": 3.9}
        )
        self.charge(1)
        rating = self.charge(2)
        with self.running_jobs():
            rating.cdr_id.action_credit()
        self.assertEqual(sorted(self.amounts(rating.cdr_id.credit_cdr_ids.rating_ids)), [-5.0, -3.9, 5.0])
        self.assertEqual(self.charge(3).amount_total, 3.9)

    def test_percent_is_off_the_price_of_a_session_beyond_the_plan(self) -> None:
        self.plan.write(
            {"plan_included_sessions": 1, "plan_session_overage": "price", "plan_session_overage_price": 4}
        )
        self.charge(1)
        self.env["emobility.discount"].create({"name": "Spring", "value": 10, "company_id": self.company.id})
        self.assertEqual(self.charge(2).amount_total, 3.6)

    def test_plan_with_a_price_per_session_cannot_include_energy(self) -> None:
        self.plan.write({"plan_included_sessions": 1, "plan_session_overage": "price"})
        with self.assertRaisesRegex(ValidationError, "Home plan has a price for each session .* include 5 kWh too"):
            self.plan.plan_included_kwh = 5

    def test_discounts_count_for_energy_at_the_price_of_the_plan(self) -> None:
        self.plan.write({"plan_included_kwh": 5, "plan_overage": "price", "plan_overage_price": 0.2})
        self.env["emobility.discount"].create(
            {"name": "Free", "kind": "energy", "value": 3, "company_id": self.company.id}
        )
        self.assertEqual(self.amounts(self.charge()), [5.0, -2.5, -2.5, 1.0, -0.6])

    def test_f44_correction_of_energy_beyond_the_plan_takes_all_of_it_back(self) -> None:
        self.plan.write({"plan_included_kwh": 4, "plan_overage": "price", "plan_overage_price": 0.4})
        rating = self.charge(1)
        with self.running_jobs():
            rating.cdr_id.action_credit()
        credit = rating.cdr_id.credit_cdr_ids.rating_ids
        self.assertEqual(sorted(self.amounts(credit)), [-5.0, -2.4, 2.0, 3.0])
        self.assertEqual(self.charge(2).amount_total, 2.4)

    def live(self, kwh: str) -> Any:
        """A session that goes on, and has used so much so far."""
        readings = [{"at": (DAY + timedelta(minutes=30)).isoformat().replace("+00:00", "Z"), "energy_kwh": kwh}]
        started = {"evse_id": self.evse.id, "connector_id": self.connector.id, "contract_id": self.contract.id,
                   "meter_kwh": "0"}  # fmt: skip
        return self.ingest(
            [
                self.event("live", "started", DAY, started),
                self.event("live", "meter", DAY + timedelta(minutes=30), {"readings": readings}),
            ]
        )

    def test_cost_so_far_is_what_the_rating_will_say_and_uses_nothing_up(self) -> None:
        self.plan.write({"plan_included_kwh": 4, "plan_overage": "price", "plan_overage_price": 0.4})
        discount = self.env["emobility.discount"].create(
            {"name": "Spring", "value": 10, "budget": 1, "company_id": self.company.id}
        )
        session = self.live("10")
        self.assertEqual((session.state, session.amount_estimated), ("live", 2.16))
        self.assertFalse(self.env["emobility.allowance"].search([("contract_id", "=", self.contract.id)]))
        self.assertEqual((discount.budget_used, discount.contract_count), (0.0, 0))
        self.assertEqual(self.charge(1).amount_total, 2.16)
        self.assertEqual(discount.budget_used, 0.24)

    def ends(self, session: Any) -> str:
        """What the picture of the cost over time says that the session costs in the end."""
        return session.cost_picture.split('aria-label="Over time, ')[1].split(" in the end")[0]

    def test_cost_over_time_has_all_off_that_the_rating_has_off(self) -> None:
        self.plan.write({"plan_included_kwh": 14, "plan_overage": "price", "plan_overage_price": 0.4})
        discount = self.env["emobility.discount"].create(
            {"name": "Spring", "value": 10, "budget": 1, "company_id": self.company.id}
        )
        currency = self.company.currency_id.name
        self.assertEqual(self.ends(self.live("10")), f"0.00 {currency}")
        sessions = [self.charge(number).session_id for number in (1, 2, 3)]
        # A discount that came later has nothing to do with what was paid.
        discount.active = False
        self.env["emobility.discount"].create({"name": "Summer", "value": 50, "company_id": self.company.id})
        for session, paid in zip(sessions, ("0.00", "2.16", "3.60"), strict=True):
            self.assertEqual(f"{session.cdr_ids.retail_amount:.2f}", paid)
            self.assertEqual(self.ends(session), f"{paid} {currency}")

    def test_cost_over_time_of_included_sessions_and_those_beyond(self) -> None:
        self.plan.write(
            {"plan_included_sessions": 1, "plan_session_overage": "price", "plan_session_overage_price": 3.9}
        )
        included, beyond = (self.charge(number).session_id for number in (1, 2))
        currency = self.company.currency_id.name
        self.assertEqual((self.ends(included), self.ends(beyond)), (f"0.00 {currency}", f"3.90 {currency}"))

    def test_f57_cost_over_time_of_a_month_with_a_cap(self) -> None:
        self.tariff.version_ids.month_cap = 8
        sessions = [self.charge(number).session_id for number in (1, 2)]
        self.assertEqual([session.cdr_ids.retail_amount for session in sessions], [5.0, 3.0])
        currency = self.company.currency_id.name
        self.assertEqual([self.ends(session) for session in sessions], [f"5.00 {currency}", f"3.00 {currency}"])

    def test_cost_over_time_asks_the_database_once_and_not_for_each_point(self) -> None:
        self.plan.plan_included_kwh = 5
        self.env["emobility.discount"].create({"name": "Spring", "value": 10, "company_id": self.company.id})
        session = self.charge(1).session_id
        self.env.invalidate_all()
        with self.assertQueryCount(60):
            session.read(["cost_picture"])

    def test_what_is_included_is_told_with_what_is_used(self) -> None:
        self.plan.write({"plan_included_kwh": 15, "plan_overage": "price", "plan_overage_price": 0.39})
        self.charge(1)
        self.assertEqual(
            self.contract._included_text(DAY.date()),
            "10 of 15 kWh of the month that are included are used. Energy beyond them costs 0.39 "
            f"{self.company.currency_id.name} per kWh.",
        )
