"""Odoo against the local provider with Adyen's API, over HTTP."""

from __future__ import annotations

from typing import Any

from odoo.addons.emobility_billing.tests.local_provider import LocalProviderMixin

from local_psp import Adyen, serving_rest  # isort: skip


class LocalAdyenMixin(LocalProviderMixin):
    """An Adyen provider that talks to a provider on loopback. Mix into a class with `cls.env`."""

    @classmethod
    def setup_adyen(cls, company: Any, **values: Any) -> None:
        """Call it in setUpClass, after super()."""
        cls.serve_provider(serving_rest(Adyen()), "https://local-test.adyen.com")
        cls.adyen = cls.env.ref("payment.payment_provider_adyen").sudo().copy({"company_id": company.id})
        cls.adyen.write(
            {
                "name": "Adyen",
                "state": "test",
                "adyen_merchant_account": cls.psp.merchant,
                "adyen_api_key": cls.psp.api_key,
                "adyen_client_key": "client_local",
                "adyen_hmac_key": cls.psp.hmac_key,
                "adyen_api_url_prefix": "local-test",
                **values,
            }
        )
        cls.card = cls.env.ref("payment.payment_method_card").sudo()
        cls.card.active = True

    def stored_card(self, partner: Any, card: str = "stored_visa") -> Any:
        return self.env["payment.token"].create(
            {
                "provider_id": self.adyen.id,
                "payment_method_id": self.card.id,
                "payment_details": "1111",
                "partner_id": partner.id,
                "provider_ref": card,
                "adyen_shopper_reference": f"ODOO_PARTNER_{partner.id}",
            }
        )
