from odoo import fields, models


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    stripe_increase_holds = fields.Boolean(
        "Increase holds",
        help="Ask Stripe for cards whose hold can be increased while the customer charges. Your account must be "
        "allowed to do so (incremental authorizations).",
    )

    def _compute_feature_support_fields(self) -> None:  # pylint: disable=missing-return
        """Stripe can capture a part of what it holds: the rest is free again at once."""
        super()._compute_feature_support_fields()
        self.filtered(lambda provider: provider.code == "stripe").support_manual_capture = "partial"
