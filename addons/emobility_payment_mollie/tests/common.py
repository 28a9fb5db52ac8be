"""Odoo against the local provider with Mollie's API, over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

# The provider is a test program of the repository, beside the addons.
sys.path.append(str(Path(__file__).resolve().parents[3] / "tests" / "psp"))

from local_psp import Mollie, serving_rest  # noqa: E402


class LocalMollieMixin:
    """A Mollie provider that talks to a provider on loopback. Mix into a class with `cls.env`."""

    @classmethod
    def setup_mollie(cls, company: Any, **values: Any) -> None:
        """Call it in setUpClass, after super()."""
        manager = serving_rest(Mollie())
        cls.psp = manager.__enter__()
        cls.addClassCleanup(manager.__exit__, None, None, None)
        target = cls.env.registry["payment.provider"]
        build = target._build_request_url

        def local(provider: Any, endpoint: str, **kwargs: Any) -> str:
            url = build(provider, endpoint, **kwargs)
            return url.replace("https://api.mollie.com", cls.psp.base_url)

        redirect = patch.object(target, "_build_request_url", local)
        redirect.start()
        cls.addClassCleanup(redirect.stop)
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
