from __future__ import annotations

from datetime import datetime

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestDashboard(ReportingCommon):
    def _figures(self, first: str = "2026-06-01", last: str = "2026-06-30", **filters: int) -> dict:
        return self.env["emobility.dashboard"].with_company(self.company).get_figures(first, last, filters)

    def test_totals_are_net_and_those_of_an_invoice_exact(self) -> None:
        billed = self._session("D1", datetime(2026, 6, 3, 8), "17.345")
        move = self._invoice_on(billed, "2026-06-30")
        open_session = self._session("D2", datetime(2026, 6, 4, 8), "10")
        totals = self._figures()["totals"]
        self.assertEqual((totals["session_count"], totals["energy_kwh"]), (2, 27.345))
        unbilled = open_session.cdr_ids.rating_ids.amount_total / 1.19
        # An open session is not rounded yet: its invoice will be.
        self.assertAlmostEqual(totals["revenue"], move.amount_untaxed + unbilled, delta=0.011)
        self.assertEqual(totals["cost"], 0)
        self.assertEqual(totals["margin"], totals["revenue"])

    def test_what_is_passed_on_reduces_the_margin_and_counts_no_session_twice(self) -> None:
        session = self._session("D3", datetime(2026, 6, 3, 8))
        rating = session.cdr_ids.rating_ids
        host = self.env["res.partner"].create({"name": "Host"})
        rating.sudo()._as_system().copy(
            {
                "relation": "reimbursement",
                "partner_id": host.id,
                "price_mode": "net",
                "amount_total": 2,
                "line_ids": [
                    Command.create(
                        {"dimension": "ENERGY", "amount": 2, "product_id": rating.line_ids[0].product_id.id}
                    )
                ],
            }
        )
        totals = self._figures()["totals"]
        self.assertEqual((totals["session_count"], totals["energy_kwh"], totals["cost"]), (1, 10, 2))
        self.assertAlmostEqual(totals["margin"], totals["revenue"] - 2, 2)
        partners = self._figures()["partners"]
        self.assertEqual([one["id"] for one in partners], self.driver.ids, "hosts are no payers")

    def test_a_credited_session_is_nothing(self) -> None:
        session = self._session("D4", datetime(2026, 6, 3, 8))
        with self.running_jobs():
            session.cdr_ids.action_credit()
        totals = self._figures()["totals"]
        self.assertEqual((totals["session_count"], totals["energy_kwh"], totals["revenue"]), (0, 0, 0))

    def test_days_and_hours_are_those_of_the_place(self) -> None:
        # 00:30 to 01:00 on the first of July in Berlin.
        self._session("D5", datetime(2026, 6, 30, 22, 30), minutes=30)
        self.assertEqual(self._figures()["totals"]["session_count"], 0)
        july = self._figures("2026-07-01", "2026-07-31")
        self.assertEqual(july["totals"]["session_count"], 1)
        self.assertEqual([row["label"] for row in july["hours"] if row["energy"]], ["00"])
        days = july["days"]
        self.assertEqual(
            (len(days), days[0]["label"], days[0]["energy"], days[1]["energy"]), (31, "2026-07-01", 10, 0)
        )

    def test_a_long_period_is_drawn_by_month(self) -> None:
        self._session("D6", datetime(2026, 6, 3, 8))
        days = self._figures("2026-01-01", "2026-12-31")["days"]
        self.assertEqual((len(days), days[5]["label"], days[5]["to"]), (12, "2026-06", "2026-06-30"))
        self.assertEqual(days[5]["energy"], 10)
        for first, last in (("2026-06-30", "2026-06-01"), ("2020-01-01", "2026-01-01")):
            with self.assertRaises(UserError):
                self._figures(first, last)

    def test_filters_and_tops_lead_to_the_same_sessions(self) -> None:
        self._session("D7", datetime(2026, 6, 3, 8))
        figures = self._figures()
        [place] = figures["locations"]
        self.assertEqual(
            (place["id"], place["label"], place["sessions"]), (self.location.id, "Marktplatz", 1)
        )
        self.assertEqual([one["label"] for one in figures["groups"]], ["Fleets"])
        other = self.location.copy({"name": "Other"})
        for filters, count in (
            ({"location_id": self.location.id}, 1),
            ({"location_id": other.id}, 0),
            ({"customer_group_id": self.group.id}, 1),
            ({"partner_id": self.driver.id}, 1),
        ):
            with self.subTest(filters=filters):
                found = self._figures(**filters)
                self.assertEqual(found["totals"]["session_count"], count)
                rows = self.env["emobility.session.report"].search(found["domain"])
                self.assertEqual(len(rows.session_id), count)
        place_group = self.env["emobility.location.group"].create(
            {"name": "City", "code": "CITY", "company_id": self.company.id}
        )
        self.assertEqual(self._figures(location_group_id=place_group.id)["totals"]["session_count"], 0)
        self.location.group_ids = place_group
        self.assertEqual(self._figures(location_group_id=place_group.id)["totals"]["session_count"], 1)

    def test_the_period_before_is_of_the_same_length(self) -> None:
        self._session("D8", datetime(2026, 5, 20, 8), "7")
        figures = self._figures("2026-06-01", "2026-06-15")
        self.assertEqual((figures["totals"]["energy_kwh"], figures["previous"]["energy_kwh"]), (0, 7))

    def test_open_items_are_what_waits_now(self) -> None:
        session = self._session("D9", datetime(2026, 6, 3, 8))
        before = self._figures()["open"]
        self.assertAlmostEqual(before["unbilled"], session.cdr_ids.rating_ids.amount_total / 1.19, 2)
        move = self._invoice_on(session, "2026-06-30")
        after = self._figures()
        self.assertEqual((after["open"]["unbilled"], after["open"]["owed"]), (0, move.amount_total))
        self.assertEqual(after["open"]["overdue"], move.amount_total)
        ages = [row for row in after["ages"] if row["amount"]]
        self.assertEqual([row["amount"] for row in ages], [move.amount_total])
        self.assertEqual(self.env["account.move"].search(ages[0]["domain"]), move)
        held = self._charge("D10", self.env["contract.contract"], datetime(2026, 6, 3, 8), 60, "10")
        self.assertEqual(held.state, "held")
        figures = self._figures()
        self.assertEqual(figures["open"]["held"], 1)
        self.assertIn("missing_payer", [hold["code"] for hold in figures["holds"]])

    def test_the_queries_do_not_grow_with_the_sessions(self) -> None:
        self._session("D11", datetime(2026, 6, 3, 8))
        self._figures()
        self.env.invalidate_all()
        with self.assertQueryCount(45):
            self._figures()
        for number in range(5):
            self._session(f"D12-{number}", datetime(2026, 6, 5 + number, 8))
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(45):
            self._figures()
