"""Odoo against the local payment provider, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from odoo.addons.emobility_billing.tests.local_provider import LocalProviderMixin

from local_psp import Psp, serving  # isort: skip


class LocalPspMixin(LocalProviderMixin):
    """A Stripe provider with manual capture that talks to a provider on loopback. Mix into a class with `cls.env`."""

    @classmethod
    def setup_psp(cls, company: Any, **values: Any) -> None:
        """Call it in setUpClass, after super()."""
        cls.serve_provider(serving(Psp(), 0), "https://api.stripe.com")
        cls.stripe = cls.env.ref("payment.payment_provider_stripe").sudo().copy({"company_id": company.id})
        cls.stripe.write(
            {
                "name": "Stripe holds",
                "state": "test",
                "stripe_publishable_key": "pk_test_local",
                "stripe_secret_key": cls.psp.secret_key,
                "stripe_webhook_secret": cls.psp.webhook_secret,
                "capture_manually": True,
                "stripe_increase_holds": True,
                **values,
            }
        )
        cls.card = cls.env.ref("payment.payment_method_card").sudo()
        cls.card.active = True

    @classmethod
    def hold(cls, amount: float, currency: Any, partner: Any, **values: Any) -> Any:
        """A transaction whose amount the provider holds."""
        transaction = cls.start_hold(amount, currency, partner, **values)
        cls.confirm(transaction)
        return transaction

    @classmethod
    def start_hold(cls, amount: float, currency: Any, partner: Any, **values: Any) -> Any:
        """A draft transaction, as the payment form makes it."""
        transactions = cls.env["payment.transaction"].sudo()
        transaction = transactions.create(
            {
                "provider_id": cls.stripe.id,
                "payment_method_id": cls.card.id,
                "reference": transactions._compute_reference("stripe", prefix=f"HOLD-{uuid4().hex[:8]}"),
                "amount": amount,
                "currency_id": currency.id,
                "partner_id": partner.id,
                "operation": "online_direct",
                **values,
            }
        )
        transaction._get_processing_values()
        return transaction

    @classmethod
    def confirm(cls, transaction: Any, method: str = "pm_card_visa") -> dict[str, Any]:
        """What the customer's browser does, and the return to Odoo."""
        intent = cls.intent(transaction)
        cls.psp.answer("POST", f"/payment_intents/{intent['id']}/confirm", {"payment_method": method})
        transaction._stripe_process_intent(cls.psp.answer("GET", f"/payment_intents/{intent['id']}", {})[1])
        return intent

    @classmethod
    def intent(cls, transaction: Any) -> dict[str, Any]:
        """The provider's own record of a hold."""
        return next(one for one in cls.psp.intents.values() if one["description"] == transaction.reference)
