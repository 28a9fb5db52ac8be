from __future__ import annotations

from typing import Any

from odoo import models


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _compute_feature_support_fields(self) -> None:  # pylint: disable=missing-return
        """Mollie stores cards as mandates of a customer (its recurring payments)."""
        super()._compute_feature_support_fields()
        self.filtered(lambda provider: provider.code == "mollie").support_tokenization = True

    def _build_request_headers(self, *args: Any, idempotency_key: str | None = None, **kwargs: Any) -> dict[str, str]:
        if self.code != "mollie":
            return super()._build_request_headers(*args, idempotency_key=idempotency_key, **kwargs)
        headers: dict[str, str] = super()._build_request_headers(*args, **kwargs)
        return headers | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
