from __future__ import annotations

from typing import Any

from odoo import models


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _compute_feature_support_fields(self) -> None:  # pylint: disable=missing-return
        """Mollie stores cards as mandates of a customer (its recurring payments), and gives back any part."""
        super()._compute_feature_support_fields()
        mollie = self.filtered(lambda provider: provider.code == "mollie")
        mollie.update({"support_tokenization": True, "support_refund": "partial"})

    def _parse_response_content(self, response: Any, **kwargs: Any) -> Any:
        # What was deleted has no content.
        if self.code == "mollie" and response.status_code == 204:
            return {}
        return super()._parse_response_content(response, **kwargs)

    def _build_request_headers(self, *args: Any, idempotency_key: str | None = None, **kwargs: Any) -> dict[str, str]:
        if self.code != "mollie":
            return super()._build_request_headers(*args, idempotency_key=idempotency_key, **kwargs)
        headers: dict[str, str] = super()._build_request_headers(*args, **kwargs)
        return headers | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
