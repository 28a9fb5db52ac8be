from __future__ import annotations

from typing import Any

from odoo import api, models


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    @api.model
    def _get_compatible_providers(
        self, company_id: int, partner_id: int, amount: float, currency_id: int | None = None, **kwargs: Any
    ) -> Any:
        """Offer what the rule for this payer and amount says, if it leaves anything."""
        providers = super()._get_compatible_providers(company_id, partner_id, amount, currency_id=currency_id, **kwargs)
        wanted = self.env["emobility.payment.rule"]._providers(
            self.env["res.company"].browse(company_id),
            self.env["res.partner"].browse(partner_id),
            amount,
            self.env["res.currency"].browse(currency_id),
        )
        if kwargs.get("force_tokenization"):
            # Who stores a payment method needs a provider that can, whoever takes the single payments.
            wanted = wanted.filtered("support_tokenization")
        return (providers & wanted) if wanted else providers
