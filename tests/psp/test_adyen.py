"""The local provider with Adyen's API keeps the rules that the product relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from local_psp import Adyen, serving_rest


@pytest.fixture
def adyen() -> Iterator[Adyen]:
    with serving_rest(Adyen()) as running:
        yield running


def pay(adyen: Adyen, card: str = "stored_visa", key: str | None = None, **changes: Any) -> requests.Response:
    body = {
        "merchantAccount": adyen.merchant,
        "amount": {"value": 1234, "currency": "EUR"},
        "reference": "INV-1",
        "paymentMethod": {"storedPaymentMethodId": card},
        "shopperReference": "PAYER",
        "shopperInteraction": "ContAuth",
    } | changes
    headers = {"X-API-Key": adyen.api_key} | ({"Idempotency-Key": key} if key else {})
    return requests.post(f"{adyen.base_url}/checkout/V71/payments", json=body, headers=headers, timeout=5)


def test_a_key_that_comes_again_gets_the_first_answer(adyen: Adyen) -> None:
    first, again, other = pay(adyen, key="A").json(), pay(adyen, key="A").json(), pay(adyen, key="B").json()
    assert first == again
    assert first["pspReference"] != other["pspReference"]
    assert adyen.charged("INV-1") == 2468


def test_a_key_that_is_forgotten_is_a_new_charge(adyen: Adyen) -> None:
    pay(adyen, key="A")
    adyen.forget_keys()
    pay(adyen, key="A")
    assert adyen.charged("INV-1") == 2468


@pytest.mark.parametrize("kind, charged", [("before", 0), ("after", 1234), ("drop", 1234)])
def test_faults_hide_what_was_done(adyen: Adyen, kind: str, charged: int) -> None:
    adyen.fault("/checkout", kind)
    try:
        assert pay(adyen, key="A").status_code == 500
    except requests.ConnectionError:
        assert kind == "drop"
    assert adyen.charged("INV-1") == charged
    assert pay(adyen, key="A").json()["resultCode"] == "Authorised"
    assert adyen.charged("INV-1") == 1234


def test_a_refusal_says_why_and_charges_nothing(adyen: Adyen) -> None:
    answer = pay(adyen, "stored_empty").json()
    assert (answer["resultCode"], answer["refusalReason"]) == ("Refused", "Not enough balance")
    assert adyen.charged("INV-1") == 0


@pytest.mark.parametrize("changes, status", [
    ({"merchantAccount": "Other"}, 403),
    ({"paymentMethod": {"storedPaymentMethodId": "nobody"}}, 422),
    ({"amount": {"value": 12.5, "currency": "EUR"}}, 422),
    ({"shopperInteraction": "Ecommerce"}, 422),
])
def test_requests_against_the_rules_are_refused(adyen: Adyen, changes: dict[str, Any], status: int) -> None:
    assert pay(adyen, **changes).status_code == status
    assert not adyen.payments


def test_nobody_pays_without_the_key_of_the_merchant(adyen: Adyen) -> None:
    adyen.api_key, stranger = "another", Adyen(base_url=adyen.base_url)
    assert pay(stranger).status_code == 401
