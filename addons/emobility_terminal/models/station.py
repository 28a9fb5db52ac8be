from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from odoo import models

from ..terminal_messages import LONGEST_REFERENCE, Confirmation, masked

STATUSES = {"Settled": "SUCCESS"}


class EmobilityStation(models.Model):
    _inherit = "emobility.station"

    def _apply_settlement(self, at: datetime, payload: dict[str, Any]) -> None:
        """NotifySettlement: it is booked as what any terminal confirms; without a provider it is only noted."""
        terminal = self.env["emobility.terminal"].sudo()._built_into(self)
        if not terminal:
            super()._apply_settlement(at, payload)
            return
        adhoc = terminal._adhoc_at_station(payload)
        told = Confirmation.model_validate(
            {
                "id": hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:LONGEST_REFERENCE],
                "authorization_reference": adhoc.terminal_reference or payload["reference"],
                "total_costs": {"incl_vat": str(Decimal(payload["amount"]).quantize(Decimal("0.0001")))},
                "currency": (adhoc.currency_id or self.company_id.currency_id).name,
                "eft_data": self._slip(payload),
                "capture_status_code": STATUSES.get(payload["status"], "FAILED"),
                "capture_status_message": " ".join(filter(None, (payload["status"], payload.get("message"))))[:255],
                "last_updated": at.replace(tzinfo=UTC),
            }
        )
        self.env["emobility.terminal.confirmation"]._receive(terminal, told)
        if adhoc and (payload.get("vat_number") or payload.get("vat_company")):
            adhoc.message_post(
                body=self.env._(
                    "The customer asked for an invoice at the station: %(company)s, VAT number %(number)s.",
                    company=payload.get("vat_company") or "?",
                    number=payload.get("vat_number") or "?",
                )
            )

    def _slip(self, payload: dict[str, Any]) -> list[str]:
        """What belongs on the receipt: the numbers by which bank and station know the payment."""
        labels = {"reference": "PSP", "receipt_id": "Receipt", "receipt_url": "URL"}
        return [masked(f"{label}: {payload[name]}")[:255] for name, label in labels.items() if payload.get(name)]
