from __future__ import annotations

from typing import Any

from odoo import api, fields, models

CODE = "emobility_terminal"


class PaymentProvider(models.Model):
    """Card terminals as a provider: what they hold and capture is booked and paid out as that of any other."""

    _inherit = "payment.provider"

    code = fields.Selection(selection_add=[(CODE, "Card Terminals")], ondelete={CODE: "set default"})

    def _compute_feature_support_fields(self) -> None:  # pylint: disable=missing-return
        super()._compute_feature_support_fields()
        self.filtered(lambda provider: provider.code == CODE).support_manual_capture = "partial"

    @api.model
    def _get_compatible_providers(self, *args: Any, **kwargs: Any) -> PaymentProvider:
        """No web page offers it: the card is at the terminal."""
        return super()._get_compatible_providers(*args, **kwargs).filtered(lambda provider: provider.code != CODE)

    def _get_default_payment_method_codes(self) -> set[str]:
        self.ensure_one()
        return {"card"} if self.code == CODE else super()._get_default_payment_method_codes()
