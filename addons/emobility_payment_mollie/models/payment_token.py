from __future__ import annotations

from odoo import fields, models
from odoo.exceptions import ValidationError

from odoo.addons.emobility_billing.jobs import enqueue
from odoo.addons.queue_job.exception import RetryableJobError

from .payment_transaction import ASK_AGAIN_SECONDS


class PaymentToken(models.Model):
    _inherit = "payment.token"

    mollie_mandate = fields.Char(readonly=True, help="The ID of the mandate that the customer gave at Mollie.")

    def _handle_archiving(self) -> None:  # pylint: disable=missing-return
        """A card that is removed here may not be charged by anybody else with our key either."""
        super()._handle_archiving()
        for token in self.filtered("mollie_mandate"):
            title = token.env._("End the mandate of %s at Mollie", token.partner_id.name)
            enqueue(token, f"emobility.mollie.mandate:{token.id}", title)._mollie_revoke()

    def _mollie_revoke(self) -> None:
        """Job: end the mandate at Mollie. One that has ended already is as good.

        :raises RetryableJobError: when Mollie does not say that it has ended
        """
        self.ensure_one()
        endpoint = f"/customers/{self.provider_ref}/mandates/{self.mollie_mandate}"
        provider = self.provider_id
        try:
            provider._send_api_request("DELETE", endpoint)
        except ValidationError:
            try:
                mandate = provider._send_api_request("GET", endpoint)
            except ValidationError as error:
                raise RetryableJobError(str(error), seconds=ASK_AGAIN_SECONDS) from None
            if mandate["status"] != "invalid":
                raise RetryableJobError("Mollie did not end the mandate.", seconds=ASK_AGAIN_SECONDS) from None
