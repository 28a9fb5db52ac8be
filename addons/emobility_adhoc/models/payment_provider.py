from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from odoo import models
from odoo.exceptions import UserError

from .payout import PayoutRow

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
        for payout in self._send_api_request("GET", "payouts", params={"limit": 100})["data"]:
            rows = self._send_api_request(
                "GET", "balance_transactions", params={"payout": payout["id"], "limit": 100}
            )["data"]
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
