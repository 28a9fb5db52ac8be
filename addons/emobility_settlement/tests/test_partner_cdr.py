from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.common import stamp

from .common import ENERGY_TARIFF, SettlementCommon


@tagged("post_install", "-at_install")
class TestPartnerCdr(SettlementCommon):
    def test_cdr_that_costs_what_its_tariff_says_is_accepted(self) -> None:
        cdr = self.receive_cdr("4.00")
        self.assertRecordValues(
            cdr,
            [
                {
                    "check_state": "accepted",
                    "repriced_net": 4.0,
                    "difference": 0.0,
                    "findings": False,
                    "agreement_id": self.buy.id,
                    "hub_fee": 0.05,
                    "location_name": "Grote Markt",
                }
            ],
        )

    def test_f50_small_difference_is_within_the_tolerance(self) -> None:
        self.assertEqual(self.receive_cdr("4.01").check_state, "accepted")

    def test_f50_larger_difference_waits_for_a_person(self) -> None:
        cdr = self.receive_cdr("4.50")
        self.assertEqual(cdr.check_state, "to_check")
        self.assertAlmostEqual(cdr.difference, 0.50)
        self.assertIn("by its tariff it is 4", cdr.findings)

    def test_cdr_without_tariff_is_not_taken_on_trust(self) -> None:
        cdr = self.receive_cdr(tariffs=[])
        self.assertEqual(cdr.check_state, "to_check")
        self.assertFalse(cdr.is_repriced)
        self.assertIn("T1 is not known", cdr.findings)

    def test_published_tariff_counts_when_the_cdr_only_names_it(self) -> None:
        self.env["emobility.ocpi.object"].sudo()._as_system().create(
            {
                "connection_id": self._connection().id,
                "company_id": self.company.id,
                "module": "tariffs",
                "country_code": "BE",
                "party_id": "OPR",
                "uid": "T1",
                "version": "2.2.1",
                "data": ENERGY_TARIFF,
            }
        )
        self.assertEqual(self.receive_cdr(tariffs=[]).check_state, "accepted")

    def test_f51_late_cdr_is_not_paid_by_itself(self) -> None:
        end = datetime.now(UTC).replace(microsecond=0) - timedelta(days=100)
        period = {
            "start_date_time": stamp(end - timedelta(hours=1)),
            "tariff_id": "T1",
            "dimensions": [{"type": "ENERGY", "volume": 10.0}],
        }
        cdr = self.receive_cdr(
            start_date_time=stamp(end - timedelta(hours=1)), end_date_time=stamp(end), charging_periods=[period]
        )
        self.assertIn("100 days", cdr.findings)
        self.assertEqual(cdr.check_state, "to_check")

    def test_f57_currency_that_was_not_agreed_waits_for_a_person(self) -> None:
        self.env.ref("base.CHF").active = True
        cdr = self.receive_cdr(currency="CHF", tariffs=[ENERGY_TARIFF | {"currency": "CHF"}])
        self.assertIn("The CDR is in CHF", cdr.findings)

    def test_f56_price_above_the_agreed_limit_waits_for_a_person(self) -> None:
        self.buy.max_price_kwh = 0.39
        cdr = self.receive_cdr("4.00")
        self.assertEqual(cdr.check_state, "to_check")
        self.assertIn("0.4000 per kWh is more than the agreed 0.3900", cdr.findings)

    def test_f49_cdr_with_several_tariffs_is_not_taken_on_trust(self) -> None:
        end = datetime.now(UTC).replace(microsecond=0)
        periods = [
            {
                "start_date_time": stamp(end - timedelta(hours=hours)),
                "tariff_id": tariff,
                "dimensions": [{"type": "ENERGY", "volume": 5.0}],
            }
            for hours, tariff in ((3, "T1"), (2, "T2"))
        ]
        cdr = self.receive_cdr(charging_periods=periods)
        self.assertEqual(cdr.check_state, "to_check")
        self.assertIn("T1, T2", cdr.findings)

    def test_second_cdr_of_a_session_is_not_paid_by_itself(self) -> None:
        first = self.receive_cdr(session_id="ONE")
        second = self.receive_cdr(session_id="ONE")
        self.assertEqual((first.check_state, second.check_state), ("accepted", "to_check"))
        self.assertIn(first.name, second.findings)

    def test_cdr_without_agreement_waits_for_a_person_and_then_passes(self) -> None:
        self.buy.active = False
        cdr = self.receive_cdr()
        self.assertIn("no agreement to buy", cdr.findings)
        self.buy.active = True
        cdr.action_check()
        self.assertEqual(cdr.check_state, "accepted")

    def test_f44_credit_cdr_and_original_cancel_each_other(self) -> None:
        cdr = self.receive_cdr("4.50")
        credit = self.receive_credit(cdr)
        self.assertEqual((cdr.check_state, credit.check_state), ("credited", "credited"))
        self.assertEqual(credit.credited_id, cdr)

    def test_f44_credit_with_all_signs_turned_is_paired_too(self) -> None:
        cdr = self.receive_cdr()
        credit = self.receive_credit(cdr, total_energy=-10.0)
        self.assertEqual(credit.check_state, "credited")

    def test_credit_of_something_that_never_came_waits_for_a_person(self) -> None:
        cdr = self.receive_cdr()
        credit = self.receive_credit(cdr, credit_reference_id="NEVER")
        self.assertEqual((cdr.check_state, credit.check_state), ("accepted", "to_check"))

    def test_credit_of_another_amount_waits_for_a_person(self) -> None:
        cdr = self.receive_cdr()
        credit = self.receive_credit(cdr, total_cost={"excl_vat": -3.0})
        self.assertEqual((cdr.check_state, credit.check_state), ("accepted", "to_check"))

    def test_persons_decision_is_not_changed_by_another_check(self) -> None:
        cdr = self.receive_cdr("4.50")
        cdr.action_refuse()
        cdr.action_check()
        self.assertEqual(cdr.check_state, "refused")

    def test_sent_cdr_is_not_for_us_to_accept(self) -> None:
        cdr = self.receive_cdr()
        cdr.sudo()._as_system().write({"direction": "out", "check_state": False})
        with self.assertRaisesRegex(UserError, "not waiting for a decision"):
            cdr.action_accept()

    def test_cdr_that_comes_by_ocpi_is_checked_and_its_margin_follows_the_driver_s_price(self) -> None:
        """From the message to the margin, as in operation: kept, made a session of, priced for our driver, checked."""
        sample = self.receive_cdr("4.00").data
        connection = self._connection()
        connection.sudo().write({"version": "2.2.1", "state": "connected"})
        self.operator.connection_id = connection
        data = sample | {"id": "BY-OCPI", "session_id": "BY-OCPI"}
        wrong = sample | {"id": "WRONG", "session_id": "WRONG", "total_cost": {"excl_vat": 9.0}}
        receiver = self.env["emobility.ocpi.receiver"].sudo()
        with self.running_jobs():
            receiver._receive(connection, "cdrs", [data])
        cdr = self.env["emobility.roaming.cdr"].search([("name", "=", "BY-OCPI")])
        self.assertEqual(cdr.check_state, "accepted")
        session = cdr.session_id
        with self.running_jobs():
            session._process()
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        retail_net = session.cdr_ids.rating_ids._net_amount()
        self.assertTrue(cdr.has_margin)
        self.assertAlmostEqual(cdr.margin, retail_net - 4.00 - 0.05)
        report = self.env["emobility.roaming.margin"]
        [row] = report.search([("session_id", "=", session.id)])
        self.assertEqual((row.kind, row.operator, row.roaming_cdr_id), ("ocpi", self.operator.name, cdr))
        self.assertAlmostEqual(row.margin, row.retail_net - row.wholesale_net - row.fee)
        self.assertAlmostEqual(row.margin, cdr.margin)
        with self.running_jobs():
            session.cdr_ids.action_credit("goodwill")
        self.assertFalse(cdr.has_margin)
        self.assertFalse(report.search([("session_id", "=", session.id)]))
        with self.running_jobs():
            receiver._receive(connection, "cdrs", [wrong])
        self.assertEqual(cdr.search([("name", "=", "WRONG")]).check_state, "to_check")

    def test_margin_is_retail_less_wholesale_less_fees(self) -> None:
        session = self.ingest(self.events(kwh="10"))
        cdr = self.receive_cdr("4.00")
        cdr.sudo()._as_system().write({"session_id": session.id})
        cdr._compute_margin()
        retail_net = round(4.90 / 1.19, 2)
        self.assertAlmostEqual(cdr.retail_net, retail_net)
        self.assertAlmostEqual(cdr.margin, retail_net - 4.00 - 0.05)
