"""OCPP 2.1, payments at the station itself (C24, C25): a card at its own terminal, or a code on its display.

The station asks nobody whether the card is good: it holds the money before it says that somebody may charge, and tells
in the end what it took.
"""

from __future__ import annotations

import hashlib
from typing import Any

from .common import Handlers, Payload
from .ledger import Ledger
from .normalise import decimal, decimal_text, iso, mapping, station_time, text
from .work import Work, event_uid

TOKEN_TYPE = "DirectPayment"
LONGEST = 36  # of a token uid, in OCPI and in Odoo


def is_direct(id_token: Any) -> bool:
    """Whether the token stands for a payment at the station."""
    return mapping(id_token).get("type") == TOKEN_TYPE


def short_reference(reference: str) -> str:
    """A reference of a payment provider as a token uid; a longer one is always shortened to the same text."""
    plain = "".join(char for char in reference if "!" <= char <= "~")
    if plain and len(plain) <= LONGEST:
        return plain
    return hashlib.sha256(reference.encode()).hexdigest()[:LONGEST]


async def settlement(work: Work, payload: Payload) -> None:
    """NotifySettlement: what the station took from the card, or that it took nothing."""
    reference = text(payload.get("pspRef"))
    if reference is None:
        work.problems.append("The settlement names no payment.")
        return
    at, _trusted = station_time(payload.get("settlementTime"), work.received_at)
    transaction_id = text(payload.get("transactionId"))
    session = await Ledger(work).by_transaction(transaction_id, at) if transaction_id else None
    company = mapping(payload.get("vatCompany"))
    lines = (company.get(name) for name in ("name", "address1", "address2", "postalCode", "city", "country"))
    content = {
        "reference": short_reference(reference),
        "status": text(payload.get("status")) or "",
        "amount": decimal_text(decimal(payload.get("settlementAmount"))) or "0",
        "at": iso(at),
        "session_uid": str(session.uid) if session else None,
        "message": text(payload.get("statusInfo")),
        "receipt_id": text(payload.get("receiptId")),
        "receipt_url": text(payload.get("receiptUrl")),
        "vat_number": text(payload.get("vatNumber")),
        "vat_company": ", ".join(filter(None, map(text, lines))) or None,
    }
    work.emit_station(event_uid(work.station, "settlement", payload), "payment.settlement", at, content)


HANDLERS: Handlers = {"NotifySettlement": settlement}
