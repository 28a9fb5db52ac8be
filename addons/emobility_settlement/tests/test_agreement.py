from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import SettlementCommon


@tagged("post_install", "-at_install")
class TestAgreement(SettlementCommon):
    def test_guest_is_priced_wholesale_and_the_provider_pays(self) -> None:
        session = self.charge_as_guest(kwh="10")
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        rating = session.cdr_ids.rating_ids
        self.assertRecordValues(
            rating, [{"relation": "wholesale", "partner_id": self.entity.id, "amount_total": 3.0, "price_mode": "net"}]
        )
        self.assertEqual(session.roaming_agreement_id, self.sell)

    def test_own_driver_is_still_priced_retail(self) -> None:
        session = self.ingest(self.events(kwh="10"))
        self.assertEqual(session.cdr_ids.rating_ids.mapped("relation"), ["retail"])
        self.assertFalse(session.roaming_agreement_id)

    def test_guest_without_agreement_is_held_and_not_free(self) -> None:
        self.sell.date_to = "2021-01-01"
        session = self.charge_as_guest()
        self.assertEqual(session.state, "held")
        self.assertIn("missing_payer", self.hold_reasons(session))

    def test_guest_without_wholesale_price_is_held_and_not_free(self) -> None:
        self.wholesale_rule.unlink()
        session = self.charge_as_guest()
        self.assertIn("missing_tariff", self.hold_reasons(session))

    def test_f51_what_the_partner_does_not_pay_any_more_is_held(self) -> None:
        self.sell.age_limit_days = 1
        session = self.charge_as_guest(start=datetime.now(UTC) - timedelta(days=3))
        self.assertIn("partner_age_limit", self.hold_reasons(session))

    def test_f56_above_the_price_that_the_partner_pays_is_held(self) -> None:
        self.sell.max_price_kwh = 0.30
        self.assertEqual(self.charge_as_guest("ALLOWED", kwh="10").state, "done")
        self.sell.max_price_kwh = 0.29
        session = self.charge_as_guest("ABOVE", kwh="10", start=datetime.now(UTC) - timedelta(hours=6))
        self.assertEqual(self.hold_reasons(session), ["partner_rule"])
        self.assertIn("0.3000 per kWh is more than the agreed 0.2900", str(session.hold_ids.evidence))

    def test_smaller_than_the_partner_pays_is_held_and_can_be_accepted(self) -> None:
        self.sell.min_energy_kwh = 0.5
        session = self.charge_as_guest(kwh="0.499")
        self.assertIn("partner_rule", self.hold_reasons(session))

    def test_two_agreements_cannot_count_at_once(self) -> None:
        with self.assertRaisesRegex(ValidationError, "count on the same days"):
            self._make_agreement(self.provider, "sell", self.entity, date_from="2026-01-01")
        self._make_agreement(self.provider, "buy", self.entity)

    def test_f53_one_party_has_a_legal_entity_for_each_country(self) -> None:
        germany, france = self.env.ref("base.de"), self.env.ref("base.fr")
        branch = self.env["res.partner"].create({"name": "Provider GmbH"})
        self.sell.country_ids = [Command.set(france.ids)]
        german = self._make_agreement(self.provider, "sell", branch, country_ids=[Command.set(germany.ids)])
        agreements = self.env["emobility.roaming.agreement"]
        self.assertEqual(agreements._find(self.provider, "sell", date(2026, 5, 1), germany), german)
        self.assertEqual(agreements._find(self.provider, "sell", date(2026, 5, 1), france), self.sell)
        self.assertEqual(self.charge_as_guest().partner_id, branch)

    def test_f54_the_hub_takes_what_was_agreed_with_it(self) -> None:
        self.buy.write({"hub_fee_per_cdr": 0.10, "hub_fee_per_kwh": 0.01, "hub_fee_percent": 2})
        self.assertEqual(self.buy._hub_fee(Decimal("5"), Decimal("10")), Decimal("0.30"))

    def test_partner_is_told_the_wholesale_prices(self) -> None:
        connection = self._connection()
        self.provider.connection_id = connection
        publisher = self.env["emobility.ocpi.publisher"]
        self.assertEqual(publisher._price_at(connection, self.connector), self.wholesale.version_ids)
        self.assertEqual(publisher._tariffs_of(connection), self.wholesale)
        self.sell.date_to = "2021-01-01"
        self.assertFalse(publisher._price_at(connection, self.connector))
        self.assertFalse(publisher._tariffs_of(connection))

    def test_partner_is_told_the_prices_when_an_agreement_or_a_rule_changes(self) -> None:
        connection = self._connection()
        connection.sudo().write({"state": "connected", "our_roles": "CPO"})
        self.provider.connection_id = connection
        changes = {
            "agreement": lambda: self.sell.write({"date_from": "2020-01-02"}),
            "new rule": lambda: self._make_rule(self.wholesale, relation="wholesale", partner_id=self.entity.id),
            "rule": lambda: self.wholesale_rule.write({"sequence": 3}),
            "gone": lambda: self.wholesale_rule.unlink(),
        }
        for name, change in changes.items():
            with self.subTest(name), trap_jobs() as trap:
                change()
                told = {job.identity_key for job in trap.enqueued_jobs if "ocpi.publish" in (job.identity_key or "")}
                self.assertEqual(len(told), 2, "tariffs and locations")
        with trap_jobs() as trap:
            self._make_rule(self.wholesale, relation="retail")
            trap.assert_jobs_count(0)

    def test_share_of_the_price_needs_a_company_of_this_database(self) -> None:
        with self.assertRaisesRegex(ValidationError, "Only with a company of this database"):
            self.sell.write({"pricing": "percent", "share_percent": 80})
