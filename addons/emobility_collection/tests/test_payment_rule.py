from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestPaymentRule(CollectionCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.token = cls._make_payment_token(cls.contract)
        cls.first = cls.token.provider_id
        cls.second = cls.first.copy({"company_id": cls.company.id, "name": "Second", "state": "test"})
        cls.fleet = cls.env["emobility.customer.group"].create(
            {"name": "Fleet", "code": "FLEET", "company_id": cls.company.id}
        )
        (cls.first | cls.second).is_published = True

    def _rule(self, provider: Any, **values: Any) -> Any:
        return self.env["emobility.payment.rule"].create(
            {
                "name": "Rule",
                "company_id": self.company.id,
                "provider_ids": [Command.set(provider.ids)],
                **values,
            }
        )

    def _offered(self, amount: float = 50.0) -> Any:
        offered = self.env["payment.provider"]._get_compatible_providers(
            self.company.id, self.driver.id, amount, currency_id=self.euro.id
        )
        return offered & (self.first | self.second)

    def test_without_rules_every_provider_is_offered(self) -> None:
        self.assertEqual(self._offered(), self.first | self.second)

    def test_first_rule_that_fits_decides_what_is_offered(self) -> None:
        self._rule(self.second, customer_group_id=self.fleet.id, sequence=1)
        self._rule(self.first, amount_below=100.0, sequence=2)
        self.assertEqual(self._offered(50), self.first)
        self.assertEqual(self._offered(200), self.first | self.second)
        self.driver.customer_group_id = self.fleet
        self.assertEqual(self._offered(50), self.second)

    def test_country_currency_and_amount_are_conditions(self) -> None:
        self._rule(self.second, country_ids=[Command.set(self.env.ref("base.fr").ids)], sequence=1)
        self._rule(self.second, currency_id=self.env.ref("base.USD").id, sequence=2)
        self._rule(self.second, amount_from=1000.0, sequence=3)
        self.assertEqual(self._offered(50), self.first | self.second)
        self.assertEqual(self._offered(1000), self.second)

    def test_stored_payment_method_of_the_preferred_provider_is_charged(self) -> None:
        other = self.token.copy({"provider_id": self.second.id})
        self._rule(self.second, amount_from=80.0)
        small, large = self.open_invoice(amount=20), self.open_invoice(amount=100)
        with self.running_jobs():
            (small)._emobility_charge()
            (large)._emobility_charge()
        self.assertEqual(small.transaction_ids.token_id, self.token)
        self.assertEqual(large.transaction_ids.token_id, other)
        self.assertEqual(large.transaction_ids.provider_id, self.second)

    def test_rule_for_a_method_counts_for_stored_ones_only(self) -> None:
        self._rule(self.second, payment_method_ids=[Command.set(self.token.payment_method_id.ids)])
        self.assertEqual(self._offered(), self.first | self.second)
        rules = self.env["emobility.payment.rule"]
        self.assertEqual(
            rules._providers(self.company, self.driver, 5.0, self.euro, self.token.payment_method_id), self.second
        )

    # Providers that store no payment methods, as PayPal in Odoo

    def _paypal(self) -> Any:
        paypal = self.env.ref("payment.payment_provider_paypal").sudo().copy({"company_id": self.company.id})
        paypal.write({"name": "PayPal", "state": "test", "is_published": True})
        self.assertFalse(paypal.support_tokenization)
        return paypal

    def test_rule_for_stored_payment_methods_refuses_a_provider_that_stores_none(self) -> None:
        methods = {"payment_method_ids": [Command.set(self.token.payment_method_id.ids)]}
        with self.assertRaisesRegex(ValidationError, "PayPal cannot charge"):
            self._rule(self.first | self._paypal(), **methods)

    def test_rule_says_which_of_its_providers_charge_nothing_by_themselves(self) -> None:
        rule = self._rule(self.first | self._paypal())
        self.assertEqual(rule.online_only, "PayPal")
        rule.provider_ids = self.first
        self.assertFalse(rule.online_only)

    def test_provider_that_stores_nothing_is_never_chosen_to_charge(self) -> None:
        self._rule(self._paypal())
        move = self.open_invoice()
        with self.running_jobs():
            move._emobility_charge()
        self.assertEqual((move.transaction_ids.provider_id, move.payment_state), (self.first, "paid"))

    def test_stored_payment_method_of_such_a_provider_is_not_charged_and_the_invoice_says_why(self) -> None:
        token = self.token.copy({"provider_id": self._paypal().id})
        self.contract.payment_token_id = token
        move = self.open_invoice()
        with self.running_jobs():
            move._emobility_charge()
        self.assertFalse(move.transaction_ids)
        self.assertIn("PayPal cannot charge stored payment methods", move.message_ids[0].body)

    def test_who_stores_a_payment_method_is_offered_the_providers_that_can(self) -> None:
        paypal = self._paypal()
        (self.first | self.second).allow_tokenization = True
        self._rule(paypal)
        find = self.env["payment.provider"]._get_compatible_providers
        payer = (self.company.id, self.driver.id, 0.0)
        offered = find(*payer, currency_id=self.euro.id, force_tokenization=True)
        self.assertEqual(offered & (self.first | self.second | paypal), self.first | self.second)
        self.assertEqual(find(*payer, currency_id=self.euro.id) & (self.first | self.second), self.first.browse())
