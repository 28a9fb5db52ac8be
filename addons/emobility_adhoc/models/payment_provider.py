from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from odoo import models
from odoo.exceptions import UserError

from .payout import PayoutRow

PAGE = 100
KINDS = {"charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund"}


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _emobility_payouts(self) -> Iterator[tuple[str, Any, Any, list[PayoutRow]]]:
        """The payouts that the provider tells of: name, day, currency and movements.

        :raises UserError: when it cannot be asked
        """
        self.ensure_one()
        if self.code != "stripe":
            raise UserError(self.env._("%s cannot be asked for payouts: import a file.", self.name))
        for payout in self._emobility_list("payouts"):
            rows = self._emobility_list("balance_transactions", payout=payout["id"])
            currency = self.env["res.currency"].search([("name", "=", payout["currency"].upper())])
            unit = Decimal(10) ** -currency.decimal_places
            movements = [
                PayoutRow(
                    row["id"],
                    row.get("description") or row.get("source") or "",
                    KINDS.get(row["type"], "other"),
                    row["amount"] * unit,
                    row["fee"] * unit,
                )
                for row in rows
                if row["type"] != "payout"
            ]
            yield payout["id"], datetime.fromtimestamp(payout["created"], UTC).date(), currency, movements

    def _emobility_list(self, endpoint: str, **params: Any) -> Iterator[dict[str, Any]]:
        """All objects of a list of Stripe, page by page."""
        wanted: dict[str, Any] = {"limit": PAGE, **params}
        while True:
            page = self._send_api_request("GET", endpoint, params=wanted)
            yield from page["data"]
            if not page.get("has_more") or not page["data"]:
                return
            wanted["starting_after"] = page["data"][-1]["id"]
