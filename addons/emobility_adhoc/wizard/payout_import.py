from __future__ import annotations

import base64
import csv
import io
from collections import defaultdict
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError

from ..models.payout import PayoutRow

COLUMNS = ("payout", "date", "id", "reference", "type", "amount", "fee")
KINDS = {"charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund"}


class EmobilityPayoutImport(models.TransientModel):
    """Take payouts in: from a file, or from the provider itself where it can be asked."""

    _name = "emobility.payout.import"
    _description = "Import of payouts"

    provider_id = fields.Many2one("payment.provider", required=True, domain="[('state', '!=', 'disabled')]")
    source = fields.Selection([("file", "CSV file"), ("provider", "Ask the provider")], default="file", required=True)
    file = fields.Binary("CSV file")

    def action_import(self) -> dict[str, Any]:
        """Import, compare, and show the payouts."""
        self.ensure_one()
        if not self.env.user.has_group("emobility_crm.group_manager"):
            raise UserError(self.env._("Only a manager may import payouts."))
        payouts = self._from_provider() if self.source == "provider" else self._from_file()
        if not payouts:
            raise UserError(self.env._("There are no payouts."))
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_adhoc.action_payout")
        return action | {"domain": [("id", "in", payouts.ids)]}

    def _from_provider(self) -> Any:
        payouts = self.env["emobility.payout"]
        for name, day, currency, rows in self.provider_id.sudo()._emobility_payouts():
            payouts |= payouts._take_in(self.provider_id, name, day, currency, rows)
        return payouts

    def _from_file(self) -> Any:
        """:raises UserError: when the file cannot be read; nothing of it is taken then"""
        try:
            text = base64.b64decode(self.file or b"").decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(self.env._("The file is not UTF-8 text.")) from None
        reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise UserError(self.env._("The file lacks the columns %s.", ", ".join(missing)))
        found: dict[tuple[str, date], list[PayoutRow]] = defaultdict(list)
        for number, row in enumerate(reader, start=2):
            try:
                found[row["payout"], date.fromisoformat(row["date"])].append(_row(row))
            except (ValueError, InvalidOperation, TypeError):
                raise UserError(self.env._("Line %s of the file cannot be read.", number)) from None
        payouts = self.env["emobility.payout"]
        currency = self.provider_id.company_id.currency_id
        for (name, day), rows in found.items():
            payouts |= payouts._take_in(self.provider_id, name, day, currency, rows)
        return payouts


def _row(row: dict[str, str]) -> PayoutRow:
    amount, fee = (Decimal(row[name].replace(",", ".")) for name in ("amount", "fee"))
    if not (amount.is_finite() and fee.is_finite() and row["id"]):
        raise ValueError
    return PayoutRow(row["id"], row["reference"], KINDS.get(row["type"], "other"), amount, fee)
