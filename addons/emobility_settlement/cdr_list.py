"""The list of CDRs of an invoice between operator and provider: what the other side compares with its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

COLUMNS = (
    "cdr_id", "session_id", "start", "end", "token_uid", "evse_id", "energy_kwh", "currency", "amount", "credit_of"
)  # fmt: skip


def cdr_list(ratings: Iterable[Any]) -> str:
    """CSV with a header: one row for each CDR, times in UTC, amounts without taxes (below zero for a credit CDR)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for rating in ratings:
        cdr = rating.cdr_id
        writer.writerow(
            [
                cdr.name,
                cdr.session_id.uid,
                _utc(cdr.start_at),
                _utc(cdr.end_at),
                cdr.token_uid or "",
                cdr.evse_id.evse_id or cdr.evse_id.uid or "",
                f"{cdr.energy_kwh:.3f}",
                rating.currency_id.name,
                f"{rating._net_amount():.{rating.currency_id.decimal_places}f}",
                cdr.credited_cdr_id.name or "",
            ]
        )
    return out.getvalue()


def _utc(instant: datetime) -> str:
    return instant.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
