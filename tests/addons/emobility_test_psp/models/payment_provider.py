from typing import Any

from odoo import models

PARAMETER = "emobility_test_psp.url"
STRIPE = "https://api.stripe.com"


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _build_request_url(self, endpoint: str, **kwargs: Any) -> str:
        """Where the provider of the tests listens; only on this machine, and only for a provider in test mode."""
        url: str = super()._build_request_url(endpoint, **kwargs)
        local = self.env["ir.config_parameter"].sudo().get_param(PARAMETER) or ""
        if self.state == "test" and local.startswith("http://127.0.0.1:"):
            return url.replace(STRIPE, local)
        return url
