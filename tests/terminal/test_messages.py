"""What terminals tell: read, and refused where it could cost money or a card number."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[2] / "addons" / "emobility_terminal"))

from terminal_messages import (  # noqa: E402
    Authorization,
    Confirmation,
    TerminalError,
    bearer,
    read,
)


def authorization(**changes: Any) -> bytes:
    values = {"authorization_reference": "pp-1", "evse_uid": "E1", "amount": "40.00", "currency": "EUR",
              "price_id": "x"}  # fmt: skip
    return json.dumps(values | changes).encode()


def confirmation(**changes: Any) -> bytes:
    """The example of the standard (OCPI 2.3.0, payments)."""
    values = {
        "id": "452cf8a1-79aa-4a0e-9aee-dc788586053c",
        "authorization_reference": "pp-100100-1948213567",
        "total_costs": {"excl_vat": 4.00, "incl_vat": 4.40},
        "currency": "EUR",
        "eft_data": ["Mastercard", "AID: 1234", "Nr: **** **** **** 1234", "Amount: EUR 4.40"],
        "capture_status_code": "SUCCESS",
        "capture_status_message": "Capture successfull at PSP",
        "last_updated": "2018-12-10T17:16:15Z",
    }
    return json.dumps(values | changes).encode()


def test_example_of_the_standard_is_read() -> None:
    assert read(Confirmation, confirmation()).captured == Decimal("4.4")


def test_price_before_taxes_is_added_up() -> None:
    costs = {"before_taxes": 4.00, "taxes": [{"name": "VAT", "amount": 0.40}]}
    assert read(Confirmation, confirmation(total_costs=costs)).captured == Decimal("4.4")


@pytest.mark.parametrize("costs", [{"excl_vat": 4.0}, {"before_taxes": 4.0}, {}])
def test_amount_without_taxes_is_no_amount(costs: dict[str, Any]) -> None:
    with pytest.raises(TerminalError, match="with taxes"):
        _amount = read(Confirmation, confirmation(total_costs=costs)).captured


def test_failure_took_nothing_whatever_it_says() -> None:
    failed = confirmation(capture_status_code="FAILED", eft_data=[])
    assert read(Confirmation, failed).captured == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{nonsense",
        authorization(amount="-1"),
        authorization(amount="NaN"),
        authorization(amount="Infinity"),
        authorization(authorization_reference=""),
        authorization(authorization_reference="x" * 37),
        authorization(authorization_reference="a b"),
        authorization(currency="euro"),
    ],
)
def test_what_is_wrong_is_refused(body: bytes) -> None:
    with pytest.raises(TerminalError) as raised:
        read(Authorization, body)
    assert raised.value.status == 422


def with_check_digit(digits: str) -> str:
    """The one digit with which the number passes Luhn's check."""
    doubled = [int(digit) * (1 if at % 2 else 2) for at, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


@given(
    st.sampled_from("23456"), st.text("0123456789", min_size=11, max_size=17), st.sampled_from(["", " ", "-"])
)
def test_card_number_is_masked_wherever_it_is_written(first: str, digits: str, separator: str) -> None:
    number = with_check_digit(first + digits)
    written = separator.join(number[at : at + 4] for at in range(0, len(number), 4))
    told = read(Confirmation, confirmation(eft_data=[f"Nr: {written}"], capture_status_message=written))
    assert told.eft_data == (f"Nr: **** {number[-4:]}",)
    assert told.capture_status_message == f"**** {number[-4:]}"
    assert read(Authorization, authorization(card=f"Visa {written}")).card == f"Visa **** {number[-4:]}"


@pytest.mark.parametrize("line", ["AID: A0000000031010", "RRN 503312345678", "Trace 0000000031010000", "EUR 4.40"])
def test_other_numbers_of_the_slip_stay(line: str) -> None:
    assert read(Confirmation, confirmation(eft_data=[line])).eft_data == (line,)


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(TerminalError, match="last_updated"):
        read(Confirmation, confirmation(last_updated="2018-12-10T17:16:15"))


@pytest.mark.parametrize(
    ("header", "key"), [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", ""), ("Bearer", "")]
)
def test_key_of_the_header(header: str, key: str) -> None:
    assert bearer(header) == key
