"""What a terminal, or the driver beside it, tells: read, checked, refused. Imports nothing from odoo.

`Confirmation` is the FinancialAdviceConfirmation of OCPI 2.3.0 (module payments); prices are read in both shapes that
OCPI knows. Amounts are decimals, times are aware.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

# A card number has 13 to 19 digits, begins with 2 to 6, may be written in groups, and its last digit is a check digit.
MAYBE_CARD_NUMBER = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ -]?\d){12,18}(?!\d)")


LONGEST_REFERENCE = 36


class TerminalError(Exception):
    """What was asked cannot be done; the code is for programs, the message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def masked(text: str) -> str:
    """The text without card numbers: only the last four digits are left. We want to store none by mistake."""

    def mask(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        return f"**** {digits[-4:]}" if _is_card_number(digits) else found[0]

    return MAYBE_CARD_NUMBER.sub(mask, text)


def _is_card_number(digits: str) -> bool:
    """Luhn's check."""
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


Reference = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[\x21-\x7e]+$")]
Line = Annotated[str, Field(max_length=255), AfterValidator(masked)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Instant = Annotated[AwareDatetime, AfterValidator(_utc)]


class Message(BaseModel):
    """Unknown fields are no reason to refuse: drivers send more than is asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")


M = TypeVar("M", bound=Message)


class Authorization(Message):
    """A card was pre-authorised, for a price that was shown."""

    authorization_reference: Reference
    evse_uid: Annotated[str, Field(min_length=1, max_length=48)]
    amount: Amount
    currency: Currency
    price_id: Annotated[str, Field(max_length=64)]
    card: Line = ""
    card_hash: Annotated[str, Field(max_length=128)] = ""
    can_increase: bool = False
    lang: Annotated[str, Field(max_length=10)] = ""
    email: Annotated[str, Field(max_length=254)] = ""


class Hold(Message):
    """How much is held now, after it was asked to be more."""

    amount: Amount


class Tax(Message):
    amount: Amount


class Price(Message):
    """With taxes: `incl_vat`, or `before_taxes` and the taxes."""

    incl_vat: Amount | None = None
    before_taxes: Amount | None = None
    taxes: tuple[Tax, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """What the customer pays; None when only an amount without tax was told."""
        if self.incl_vat is not None:
            return self.incl_vat
        if self.before_taxes is None or not self.taxes:
            return None
        return self.before_taxes + sum((tax.amount for tax in self.taxes), Decimal(0))


class Confirmation(Message):
    """OCPI 2.3.0 FinancialAdviceConfirmation: what became of a capture."""

    id: Reference
    authorization_reference: Reference
    total_costs: Price
    currency: Currency
    eft_data: tuple[Line, ...] = Field(default=(), max_length=60)
    capture_status_code: Literal["SUCCESS", "PARTIAL_SUCCESS", "FAILED"]
    capture_status_message: Line = ""
    last_updated: Instant

    @property
    def captured(self) -> Decimal:
        """The amount that was taken.

        :raises TerminalError: when it cannot be told
        """
        if self.capture_status_code == "FAILED":
            return Decimal(0)
        total = self.total_costs.total
        if total is None:
            raise TerminalError(422, "INVALID", "total_costs has no amount with taxes")
        return total


class OrderAnswer(Message):
    """What became of an order: a cancel was done, or any order was not."""

    status: Literal["DONE", "FAILED", "NOT_EXECUTED", "IN_PROGRESS"]
    message: Line = ""


class Heartbeat(Message):
    """How the terminal is."""

    status: Literal["OK", "FAULT"] = "OK"
    message: Line = ""
    model: Annotated[str, Field(max_length=80)] = ""
    firmware: Annotated[str, Field(max_length=80)] = ""


def read(kind: type[M], body: bytes) -> M:
    """:raises TerminalError: when it is not what it should be; what was sent is not repeated in the message"""
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors(include_input=False)
        ]
        raise TerminalError(422, "INVALID", "; ".join(wrong)[:500]) from None


def key_digest(key: str) -> str:
    """What is stored of a key. Keys are long and random: a plain hash cannot be turned back."""
    return hashlib.sha256(key.encode()).hexdigest()


def bearer(header: str) -> str:
    """The key in an Authorization header, or nothing."""
    scheme, _space, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def error_body(error: TerminalError) -> dict[str, Any]:
    return {"error": error.code, "message": error.message}
