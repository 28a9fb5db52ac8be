from __future__ import annotations

import re
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.emobility_terminal.models.payment_provider import CODE

READER_ID = re.compile(r"tmr_[A-Za-z0-9_]+")


class EmobilityTerminal(models.Model):
    """A reader of Stripe Terminal. It is told by Stripe what to do, so it needs no key and fetches no orders."""

    _inherit = "emobility.terminal"

    provider_id = fields.Many2one(domain=[("code", "in", (CODE, "stripe"))])
    stripe_reader = fields.Char(
        "Stripe reader", size=64, copy=False, tracking=True,
        help="The ID of a reader at Stripe (tmr_...). Customers choose the charging point on the web page, and show "
        "their card at the reader."
    )  # fmt: skip

    _stripe_reader_unique = models.UniqueIndex(
        "(stripe_reader) WHERE stripe_reader IS NOT NULL", "Another terminal is this reader."
    )

    @api.constrains("stripe_reader", "provider_id")
    def _check_stripe_reader(self) -> None:
        for terminal in self:
            provider = terminal.provider_id.sudo()
            if not terminal.stripe_reader:
                if provider.code == "stripe":
                    raise ValidationError(self.env._("Enter the ID of the reader at Stripe."))
                continue
            if not READER_ID.fullmatch(terminal.stripe_reader):
                raise ValidationError(self.env._("The ID of a reader at Stripe begins with tmr_."))
            if provider.code != "stripe" or not provider.capture_manually:
                raise ValidationError(
                    self.env._("A reader of Stripe needs the payment provider Stripe, with manual capture.")
                )

    def _stripe_call(self, method: str, step: str = "", data: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask Stripe about the reader. :raises ValidationError: when it refuses or is not there"""
        path = f"terminal/readers/{self.stripe_reader}{'/' if step else ''}{step}"
        reader: dict[str, Any] = self.provider_id.sudo()._send_api_request(method, path, data=data)
        return reader

    # Health

    @api.model
    def _cron_watch(self) -> None:  # pylint: disable=missing-return
        """Readers do not call us: Stripe says whether they are there."""
        for terminal in self.sudo().search([("stripe_reader", "!=", False)]):
            terminal._look_at_reader()
        super()._cron_watch()

    def _look_at_reader(self) -> None:
        try:
            reader = self._stripe_call("GET")
        except ValidationError as error:
            if self.state != "fault":
                self.write({"state": "fault", "fault": str(error)[:250]})
                self._ask_to_look(self.fault)
            return
        self.write({"model": reader.get("device_type"), "firmware": reader.get("device_sw_version")})
        if self.state == "fault":
            self.write({"fault": False, "state": "new"})
        if reader.get("status") == "online":
            self._seen()
        elif self.state != "silent":
            self.state = "silent"
            self._ask_to_look(self.env._("The reader is offline."))
