from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..rating import RatingError, SessionFacts
from .common import ChargingCommon

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


def facts(kwh: str = "10", minutes: int = 60, parking: int = 0, start: datetime = START) -> SessionFacts:
    end = start + timedelta(minutes=minutes)
    return SessionFacts(
        start=start, end=end, unplugged=end + timedelta(minutes=parking) if parking else None,
        energy_kwh=Decimal(kwh), time_zone="Europe/Berlin",
    )  # fmt: skip


@tagged("post_install", "-at_install")
class TestTariffTerms(ChargingCommon):
    def _version(self, prices: dict[str, float] | None = None, **terms: Any) -> Any:
        code = f"T{self.env['emobility.tariff'].search_count([])}"
        return self._make_tariff(code, prices or {"ENERGY": 0.5}, **terms).version_ids

    def _total(self, version: Any, session: SessionFacts) -> Decimal:
        return version._price(session).total

    def test_f33_blocking_fee_begins_after_the_grace_time(self) -> None:
        version = self._version(idle_price=6, idle_grace=10)
        self.assertEqual(self._total(version, facts(parking=10)), Decimal("5.00"))
        self.assertEqual(self._total(version, facts(parking=40)), Decimal("8.00"))

    def test_f33_grace_time_can_be_due_from_whoever_stays_longer(self) -> None:
        version = self._version(idle_price=6, idle_grace=10, idle_grace_mode="retroactive")
        self.assertEqual(self._total(version, facts(parking=10)), Decimal("5.00"))
        self.assertEqual(self._total(version, facts(parking=40)), Decimal("9.00"))

    def test_f43_blocking_fee_has_a_cap_and_a_night_window(self) -> None:
        capped = self._version(idle_price=6, idle_cap=2)
        self.assertEqual(self._total(capped, facts(parking=600)), Decimal("7.00"))
        night = self._version(idle_price=6, idle_free_from=22, idle_free_until=8)
        evening = datetime(2026, 3, 10, 19, tzinfo=UTC)  # charges until 21:00 local
        self.assertEqual(self._total(night, facts(parking=120, start=evening)), Decimal("11.00"))

    def test_f43_blocking_fee_is_a_line_of_its_own_on_a_product_that_can_be_invoiced(self) -> None:
        self.rule.tariff_id = self._version(idle_price=6).tariff_id
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        events = self.events(start=start, unplug=False)
        events.append(self.event("S1", "unplugged", start + timedelta(minutes=90)))
        lines = self.ingest(events).cdr_ids.rating_ids.line_ids
        self.assertEqual(lines.mapped("dimension"), ["ENERGY", "IDLE"])
        self.assertEqual(lines[1].amount, 3.0)
        self.assertEqual(lines[1].product_id, self.env.ref("emobility_billing.product_parking_time"))

    def test_first_kwh_and_minutes_are_free(self) -> None:
        self.assertEqual(self._total(self._version(free_kwh=4), facts("10")), Decimal("3.00"))
        timed = self._version({"TIME": 6}, free_minutes=15)
        self.assertEqual(self._total(timed, facts(minutes=60)), Decimal("4.50"))

    def test_f42_a_session_below_the_threshold_is_free(self) -> None:
        version = self._version({"ENERGY": 0.5, "FLAT": 1}, free_below_kwh=0.5)
        self.assertEqual(self._total(version, facts("0.4")), Decimal("0.00"))
        self.assertEqual(self._total(version, facts("0.5")), Decimal("1.25"))

    def test_start_fee_can_depend_on_energy(self) -> None:
        version = self._version({"FLAT": 1, "TIME": 1})
        version.element_ids.component_ids.filtered(lambda one: one.dimension == "FLAT").needs_energy = True
        self.assertEqual(self._total(version, facts("0")), Decimal("1.00"))
        self.assertEqual(self._total(version, facts("5")), Decimal("2.00"))

    def test_a_price_has_a_cap(self) -> None:
        version = self._version({"TIME": 6})
        version.element_ids.component_ids.cap = 4
        self.assertEqual(self._total(version, facts(minutes=120)), Decimal("4.00"))

    def test_quota_of_a_month_is_used_up_by_the_sessions_of_the_contract(self) -> None:
        self.rule.tariff_id = self._version(quota_kwh=15).tariff_id
        start = datetime.now(UTC).replace(day=1, hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
        start = start.replace(day=2)
        amounts = [
            self.ingest(self.events(f"Q{day}", start + timedelta(days=day))).cdr_ids.retail_amount for day in (0, 1, 2)
        ]
        self.assertEqual(amounts, [0.0, 2.5, 5.0])

    def test_cap_of_a_month_is_over_all_sessions_and_begins_anew(self) -> None:
        self.rule.tariff_id = self._version(month_cap=8).tariff_id
        last_month = datetime.now(UTC).replace(day=1, hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
        days = [last_month.replace(day=day) for day in (2, 3, 4)] + [last_month.replace(day=2) - timedelta(days=20)]
        amounts = [self.ingest(self.events(f"C{day:%m%d}", day)).cdr_ids.retail_amount for day in days]
        self.assertEqual(amounts, [5.0, 3.0, 0.0, 5.0])

    def test_energy_price_follows_the_market_and_falls_back(self) -> None:
        series = self.env["emobility.spot.series"].create(
            {
                "name": "day-ahead",
                "company_id": self.company.id,
                "currency_id": self.euro.id,
                "price_ids": [Command.create({"at": "2026-03-10 12:00:00", "price": 0.10})],
            }
        )
        version = self._version(spot_series_id=series.id)
        version.element_ids.component_ids.write({"follows_market": True, "spot_markup": 0.2})
        self.assertEqual(self._total(version, facts("10")), Decimal("3.00"))
        later = version._price(facts("10", start=START + timedelta(hours=1)))
        self.assertEqual(later.total, Decimal("5.00"), "without a market price the price of the component counts")
        self.assertIn("spot_fallback", later.flags)

    def test_terms_of_a_frozen_version_do_not_change(self) -> None:
        version = self._version()
        version._freeze()
        with self.assertRaisesRegex(UserError, "cannot change"):
            version.idle_price = 5

    def test_changed_prices_are_logged_once_with_old_and_new(self) -> None:
        version = self._version()
        self.env.cr.precommit.run()
        version.element_ids.component_ids.write({"price": 0.6})
        version.element_ids.component_ids.write({"cap": 9})
        self.env.cr.precommit.run()
        messages = version.message_ids.filtered(lambda one: "Prices changed" in (one.body or ""))
        self.assertEqual(len(messages), 1)
        self.assertIn("0.50 EUR", messages.body)
        self.assertIn("0.60 EUR", messages.body)

    def test_a_price_by_a_current_that_nobody_told_is_never_guessed(self) -> None:
        version = self._version()
        version.element_ids.min_current = 32
        with self.assertRaises(RatingError):
            version._price(facts())

    def test_prices_of_a_reservation_do_not_price_charging(self) -> None:
        version = self._version({"TIME": 6})
        version.element_ids.reservation = "RESERVATION"
        self.assertEqual(self._total(version, facts()), Decimal("0.00"))

    def test_f36_lint_finds_the_time_in_which_charging_is_free(self) -> None:
        version = self._version()
        self.assertNotIn("free", version.lint_findings or "")
        version.element_ids.write({"start_time": 8, "end_time": 20})
        self.assertTrue(version.lint_count)
        self.assertIn("ENERGY", str(version.lint_findings))

    def test_f33_what_ocpi_cannot_say_is_told(self) -> None:
        self.assertFalse(self._version().ocpi_losses)
        self.assertIn("idle fee", self._version(idle_price=6).ocpi_losses)

    def test_f30_lint_warns_of_time_prices_where_a_clock_is_not_certified(self) -> None:
        self.evse.clock_certified = False
        count = self._version({"ENERGY": 0.5}).lint_count
        self.assertGreater(self._version({"ENERGY": 0.5, "TIME": 1}).lint_count, count)

    def test_price_sheet_says_the_prices_in_words(self) -> None:
        version = self._version({"ENERGY": 0.5, "FLAT": 1}, idle_price=6)
        html = self.env["ir.actions.report"]._render_qweb_html("emobility_billing.price_sheet", version.ids)[0].decode()
        for sentence in version._price_sheet_sentences():
            self.assertIn(sentence, html)
        self.assertIn("0.50 EUR", html)
