from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestAnalytic(ReportingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        plans = cls.env["account.analytic.plan"].create([{"name": "Places"}, {"name": "Customers"}])
        cls.place, cls.other_place, cls.customers = cls.env["account.analytic.account"].create(
            [
                {"name": "Market", "plan_id": plans[0].id},
                {"name": "Station", "plan_id": plans[0].id},
                {"name": "Fleets", "plan_id": plans[1].id},
            ]
        )
        cls.location.analytic_account_id = cls.place
        cls.group.analytic_account_id = cls.customers
        cls.other_location = cls.location.copy({"name": "Station", "analytic_account_id": cls.other_place.id})
        cls.other_evse = cls.evse.copy({"location_id": cls.other_location.id, "uid": "STATION-1"})
        cls.env["emobility.connector"].create(
            {"evse_id": cls.other_evse.id, "code": "1", "power_type": "DC", "max_power_kw": 50}
        )

    def _move(self, mode: str, day: int = 3) -> Any:
        self.company.emobility_analytic = mode
        here = self._session(f"{mode}1", datetime(2026, 6, day, 8), "30")
        home, self.evse, self.connector = (
            (self.evse, self.connector),
            self.other_evse,
            self.other_evse.connector_ids,
        )
        there = self._session(f"{mode}2", datetime(2026, 6, day, 12), "10")
        self.evse, self.connector = home
        return self._invoice_on(here | there, "2026-06-30")

    def _energy(self, move: Any) -> Any:
        product = self.env.ref("emobility_billing.product_energy")
        return move.invoice_line_ids.filtered(lambda line: line.product_id == product)

    def test_the_places_share_a_line_in_proportion_to_the_amounts(self) -> None:
        line = self._energy(self._move("location"))
        self.assertEqual(
            line.analytic_distribution, {str(self.place.id): 75.0, str(self.other_place.id): 25.0}
        )
        analytic = line.analytic_line_ids
        self.assertAlmostEqual(sum(analytic.mapped("amount")), line.price_subtotal, 2)

    def test_group_and_place_are_two_dimensions(self) -> None:
        line = self._energy(self._move("both"))
        self.assertEqual(
            line.analytic_distribution,
            {
                f"{self.place.id},{self.customers.id}": 75.0,
                f"{self.other_place.id},{self.customers.id}": 25.0,
            },
        )
        by_group = self._energy(self._move("group", day=5))
        self.assertEqual(by_group.analytic_distribution, {str(self.customers.id): 100.0})

    def test_without_the_option_there_is_none(self) -> None:
        self.assertFalse(self._energy(self._move("none")).analytic_distribution)

    def test_a_place_without_account_leaves_its_part_without(self) -> None:
        self.other_location.analytic_account_id = False
        self.assertEqual(
            self._energy(self._move("location")).analytic_distribution, {str(self.place.id): 75.0}
        )

    def test_a_credit_note_takes_the_analytic_back(self) -> None:
        self.company.emobility_analytic = "location"
        session = self._session("credit", datetime(2026, 6, 3, 8))
        self._invoice_on(session, "2026-06-30")
        session.cdr_ids._take_back()
        credit = self._invoice_on(session, "2026-07-01")
        self.assertEqual(self._energy(credit).analytic_distribution, {str(self.place.id): 100.0})
        self.assertAlmostEqual(sum(self.place.line_ids.mapped("amount")), 0, 2)
