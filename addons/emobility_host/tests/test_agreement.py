from __future__ import annotations

from datetime import datetime

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import HostCommon


@tagged("post_install", "-at_install")
class TestAgreement(HostCommon):
    """One CDR, many ratings, one engine."""

    def test_a_session_is_priced_for_the_driver_and_for_each_host(self) -> None:
        owner = self._make_agreement(energy_source="fixed", energy_price=0.05)
        town = self._make_agreement(
            name="Town",
            partner_id=self._make_host("Town").id,
            percent=10,
            location_ids=[Command.set(self.location.ids)],
        )
        session = self._session("H1", datetime(2026, 6, 10, 10), "20.123")
        ratings = session.cdr_ids.rating_ids
        self.assertEqual(ratings.mapped("relation"), ["retail", "revenue_share", "revenue_share"])
        by_agreement = {rating.agreement_id: rating for rating in ratings}
        self.assertEqual(by_agreement[owner].amount_total, 1.01, "20.123 kWh x 0.05")
        retail = ratings.filtered(lambda rating: rating.relation == "retail")
        self.assertEqual(retail.amount_total, 10.21, "gross: 9.86 of energy and 0.35 a session")
        line = by_agreement[town].line_ids
        self.assertEqual(
            (line.dimension, line.quantity, line.amount), ("SHARE", 8.58, 0.86), "10 % of 10.21 / 1.19"
        )
        self.assertFalse(by_agreement[owner].contract_id, "it is no debt of the driver")
        self.assertEqual(by_agreement[owner].trace["tariff"], f"agreement/{owner.id}")

    def test_only_sessions_of_the_place_the_days_and_the_payer_count(self) -> None:
        employer = self._make_host("Employer")
        agreement = self._make_agreement(
            energy_source="fixed", energy_price=0.3, date_from="2026-06-02", date_to="2026-06-30"
        )
        other_payer = self._make_agreement(
            name="Employer",
            payer_id=employer.id,
            energy_source="fixed",
            energy_price=0.3,
            relation="reimbursement",
        )
        # 23:30 on the first of June in Berlin, and half an hour later.
        before = self._session("H2", datetime(2026, 6, 1, 21, 30), "10", minutes=20)
        inside = self._session("H3", datetime(2026, 6, 1, 22, 0), "10", minutes=30)
        after = self._session("H4", datetime(2026, 6, 30, 22, 30), "10", minutes=30)
        self.assertFalse(self._host_rating(before | after))
        self.assertEqual(self._host_rating(inside).agreement_id, agreement)
        self.contract.invoice_partner_id = employer
        paid = self._session("H5", datetime(2026, 6, 5, 8), "10")
        self.assertEqual(self._host_rating(paid).agreement_id, agreement | other_payer)

    def test_the_price_of_electricity_has_six_sources(self) -> None:
        series = self._series({"2026-06-10 10:00:00": 0.10, "2026-06-10 11:00:00": 0.30})
        tariff = self._make_tariff("HOST", {"ENERGY": 0.07}, mode="net")
        self._make_rule(tariff, relation="reimbursement", partner_id=self.host.id)
        expected = {
            "none": (0.0, {"fixed_amount": 1}),
            "fixed": (3.0, {"energy_price": 0.3}),
            "contract": (
                2.8,
                {
                    "price_ids": [
                        Command.create({"date_from": "2026-01-01", "price": 0.28, "proof": "Bill 4711"}),
                        Command.create({"date_from": "2026-07-01", "price": 0.50, "proof": "Bill 4712"}),
                    ]
                },
            ),
            "flat": (3.4, {}),
            "spot": (2.5, {"spot_series_id": series.id, "spot_markup": 0.05}),
            "tariff": (0.7, {}),
        }
        agreements = {
            source: self._make_agreement(
                name=source,
                relation="reimbursement",
                partner_id=self.host.id if source == "tariff" else self._make_host(source).id,
                location_ids=[Command.set(self.location.ids)],
                energy_source=source,
                **values,
            )
            for source, (_amount, values) in expected.items()
        }
        # Half an hour at each price.
        session = self._session("H6", datetime(2026, 6, 10, 10, 30), "10", minutes=60)
        amounts = {rating.agreement_id: rating.amount_total for rating in self._host_rating(session)}
        self.assertEqual(
            {source: amounts[agreement] for source, agreement in agreements.items()},
            {source: amount for source, (amount, _values) in expected.items()},
        )
        day, country = session.start_at.date(), self.env.ref("base.de")
        self.assertIn("BMF", agreements["flat"]._price_basis(day, country))
        self.assertIn("Bill 4711", agreements["contract"]._price_basis(day, country))

    def test_a_price_that_is_missing_is_never_guessed_and_never_stops_the_driver(self) -> None:
        series = self._series({"2026-06-10 10:00:00": 0.10})
        spot = self._make_agreement(relation="reimbursement", energy_source="spot", spot_series_id=series.id)
        session = self._session("H7", datetime(2026, 6, 10, 10, 30), "10", minutes=60)
        self.assertFalse(self._host_rating(session))
        self.assertEqual(session.cdr_ids.rating_ids.relation, "retail")
        self.assertIn("no price", session.cdr_ids._rate_for_host(spot))
        self.env["emobility.spot.price"].create(
            {"series_id": series.id, "at": "2026-06-10 11:00:00", "price": 0.20}
        )
        self.assertIsNone(session.cdr_ids._rate_for_host(spot))
        self.assertEqual(self._host_rating(session).amount_total, 1.5)
        self.env["emobility.flat.rate"].search([]).unlink()
        flat = self._make_agreement(name="Flat", partner_id=self._make_host("F").id, energy_source="flat",
                                    location_ids=[Command.set(self.location.ids)])  # fmt: skip
        self.assertIn("no flat rate", session.cdr_ids._rate_for_host(flat))

    def test_a_gross_tariff_cannot_say_what_a_host_gets(self) -> None:
        tariff = self._make_tariff("HOSTGROSS", {"ENERGY": 0.07}, mode="gross")
        self._make_rule(tariff, relation="revenue_share", partner_id=self.host.id)
        agreement = self._make_agreement(energy_source="tariff")
        session = self._session("H8", datetime(2026, 6, 10, 10, 30), "10")
        self.assertIn("no net tariff", session.cdr_ids._rate_for_host(agreement))

    def test_terms_that_priced_a_session_never_change(self) -> None:
        agreement = self._make_agreement(energy_source="fixed", energy_price=0.05)
        agreement.energy_price = 0.06
        self._session("H9", datetime(2026, 6, 10, 10), "10")
        agreement.invalidate_recordset()
        for name, value in (
            ("energy_price", 0.07),
            ("percent", 5),
            ("cap_kwh", 1),
            ("partner_id", self.driver.id),
        ):
            with self.subTest(name=name), self.assertRaises(UserError):
                agreement.write({name: value})
        with self.assertRaises(UserError):
            agreement.unlink()
        agreement.action_end()
        copy = self.env["emobility.host.agreement"].browse(agreement.action_new_terms()["res_id"])
        self.assertEqual((copy.state, copy.energy_price), ("draft", 0.06))
        copy.energy_price = 0.07
        copy.action_activate()
        self.assertGreater(copy.date_from, agreement.date_to)

    def test_a_host_is_not_paid_twice_for_a_session(self) -> None:
        self._make_agreement(percent=10)
        with self.assertRaises(ValidationError):
            self._make_agreement(name="Again", percent=5, location_ids=[Command.set(self.location.ids)])
        self._make_agreement(name="Power too", relation="reimbursement", energy_source="flat")
        self._make_agreement(name="Later", percent=5, partner_id=self._make_host("Other").id)

    def test_an_agreement_without_terms_cannot_be_activated(self) -> None:
        with self.assertRaises(UserError):
            self._make_agreement()
        with self.assertRaises(ValidationError):
            self._make_agreement(energy_source="spot")

    def test_the_terms_read_as_a_sentence(self) -> None:
        agreement = self._make_agreement(
            percent=12.5, energy_source="fixed", energy_price=0.03, minimum=40, cap_kwh=300
        )
        for part in ("12.5 % of the revenue", "0.03 EUR per kWh", "at least", "40.00", "at most 300 kWh"):
            self.assertIn(part, agreement.summary)

    def test_who_has_a_vat_number_charges_vat_unless_somebody_says_otherwise(self) -> None:
        agreement = self._make_agreement(percent=10)
        self.assertFalse(agreement.has_vat)
        self.host.vat = "DE136695976"
        self.assertTrue(agreement.has_vat)

    def test_a_credit_cdr_takes_the_rating_of_the_host_back(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.05)
        session = self._session("H10", datetime(2026, 6, 10, 10), "10")
        rating = self._host_rating(session)
        with self.running_jobs():
            session.cdr_ids.action_credit()
        credit = self._host_rating(session) - rating
        self.assertEqual((credit.amount_total, credit.state, rating.state), (-0.5, "credited", "credited"))

    def test_pricing_for_hosts_costs_few_queries(self) -> None:
        session = self._session("H11", datetime(2026, 6, 10, 10), "10")
        for number in range(5):
            self._make_agreement(name=str(number), partner_id=self._make_host(str(number)).id, fixed_amount=1,
                                 location_ids=[Command.set(self.location.ids)])  # fmt: skip
        cdr = session.cdr_ids
        self.env.invalidate_all()
        cdr.mapped("location_id.time_zone"), cdr.partner_id.commercial_partner_id  # noqa: B018
        with self.assertQueryCount(6):
            self.assertEqual(len(self.env["emobility.host.agreement"]._for_cdr(cdr)), 5)
