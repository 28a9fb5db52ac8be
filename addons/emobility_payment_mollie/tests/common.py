"""Odoo against the local provider with Mollie's API, over HTTP."""

from __future__ import annotations

from typing import Any

from odoo.addons.emobility_billing.tests.local_provider import LocalProviderMixin

from local_psp import Mollie, serving_rest  # isort: skip


class LocalMollieMixin(LocalProviderMixin):
    """A Mollie provider that talks to a provider on loopback. Mix into a class with `cls.env`."""

    @classmethod
    def setup_mollie(cls, company: Any, **values: Any) -> None:
        """Call it in setUpClass, after super()."""
        cls.serve_provider(serving_rest(Mollie()), "https://api.mollie.com")
        cls.mollie = cls.env.ref("payment.payment_provider_mollie").sudo().copy({"company_id": company.id})
        cls.mollie.write(
            {
                "name": "Mollie",
                "state": "test",
                "mollie_api_key": cls.psp.api_key,
                "allow_tokenization": True,
                **values,
            }
        )
        cls.card = cls.env.ref("payment.payment_method_card").sudo()
        cls.card.active = True

    def stored_card(self, partner: Any, card: str = "ok") -> Any:
        customer, mandate = self.psp.store(card)
        return self.env["payment.token"].create(
            {
                "provider_id": self.mollie.id,
                "payment_method_id": self.card.id,
                "payment_details": "6787",
                "partner_id": partner.id,
                "provider_ref": customer,
                "mollie_mandate": mandate,
            }
        )
