"""OCPI 2.3.0, module payments (tag v2.3.0-ed2-payments, chapter mod_payments): terminals, and what they captured.

The provider of the terminals (PTP) owns both objects. The examples of the specification leave fields out that its
tables require (`last_updated` of a new terminal, `eft_data` of a capture that failed), and write prices in the shape
of 2.2.1: all of that is read.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .v221 import CiString, Currency, GeoLocation, Id36, Instant, Message, Text
from .v221 import Price as Price221
from .v230 import Price

Line = Annotated[Text, Field(min_length=1, max_length=255)]


class Terminal(Message):
    """Terminal: which charging points it is for, and who makes the invoice."""

    terminal_id: Id36
    customer_reference: Annotated[CiString, Field(max_length=36)] | None = None
    party_id: Annotated[CiString, Field(max_length=3)] | None = None
    country_code: Annotated[CiString, Field(max_length=2)] | None = None
    address: Annotated[Text, Field(max_length=45)] | None = None
    city: Annotated[Text, Field(max_length=45)] | None = None
    postal_code: Annotated[Text, Field(max_length=10)] | None = None
    state: Annotated[Text, Field(max_length=20)] | None = None
    country: Annotated[CiString, Field(max_length=3)] | None = None
    coordinates: GeoLocation | None = None
    invoice_base_url: Annotated[str, Field(max_length=255)] | None = None
    invoice_creator: Annotated[CiString, Field(pattern=r"^(?i:CPO|PTP)$")] | None = None
    reference: Annotated[CiString, Field(max_length=36)] | None = None
    location_ids: tuple[Id36, ...] | None = None
    evse_uids: tuple[Id36, ...] | None = None
    last_updated: Instant | None = None


class TerminalActivation(Terminal):
    """A terminal that is to be activated: its provider may choose the ID."""

    terminal_id: Id36 | None = None  # type: ignore[assignment]
    last_updated: Instant


class TerminalAssignment(Message):
    """The body of a PATCH: what can be paid for at the terminal, locations and EVSEs together."""

    location_ids: tuple[Id36, ...]
    evse_uids: tuple[Id36, ...]
    last_updated: Instant


class FinancialAdviceConfirmation(Message):
    """What became of a capture: the amount that was really taken, with taxes, and the lines of the card slip."""

    id: Id36
    authorization_reference: Id36
    total_costs: Price | Price221
    currency: Currency
    eft_data: tuple[Line, ...] | None = None
    capture_status_code: Literal["SUCCESS", "PARTIAL_SUCCESS", "FAILED"]
    capture_status_message: Line | None = None
    last_updated: Instant
