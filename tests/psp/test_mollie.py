"""The local provider with Mollie's API keeps the rules that the product relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from local_psp import Mollie, serving_rest


@pytest.fixture
def mollie() -> Iterator[Mollie]:
    with serving_rest(Mollie()) as running:
        yield running


def call(mollie: Mollie, method: str, path: str, body: Any = None, key: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {mollie.api_key}"} | ({"Idempotency-Key": key} if key else {})
    return requests.request(method, f"{mollie.base_url}/v2/{path}", json=body, headers=headers, timeout=5)


def charge(mollie: Mollie, card: str = "ok", key: str | None = None, **changes: Any) -> requests.Response:
    customer, mandate = mollie.store(card)
    body = {"amount": {"currency": "EUR", "value": "12.34"}, "description": "INV-1", "sequenceType": "recurring",
            "customerId": customer, "mandateId": mandate, "metadata": {"reference": "INV-1"}}
    return call(mollie, "POST", "payments", body | changes, key)


def test_first_payment_makes_a_mandate_that_can_be_charged(mollie: Mollie) -> None:
    customer = call(mollie, "POST", "customers", {"name": "Dana"}).json()["id"]
    first = call(mollie, "POST", "payments", {
        "amount": {"currency": "EUR", "value": "5.00"}, "description": "TX", "sequenceType": "first",
        "customerId": customer, "redirectUrl": "https://example.com"}).json()
    assert (first["status"], "checkout" in first["_links"]) == ("open", True)
    paid = mollie.pay(first["id"])
    again = charge(mollie, customerId=customer, mandateId=paid["mandateId"]).json()
    assert again["status"] == "paid"
    listed = call(mollie, "GET", f"customers/{customer}/payments?limit=1").json()["_embedded"]["payments"]
    assert [one["id"] for one in listed] == [again["id"]], "the newest first"


def test_a_key_that_comes_again_gets_the_first_answer(mollie: Mollie) -> None:
    assert charge(mollie, key="A").json() == charge(mollie, key="A").json()
    assert mollie.charged("INV-1") == "12.34"


@pytest.mark.parametrize("changes, status", [
    ({"mandateId": "mdt_unknown"}, 422),
    ({"customerId": "cst_unknown"}, 404),
    ({"amount": {"currency": "EUR", "value": "x"}}, 422),
    ({"sequenceType": "first"}, 422),
])
def test_requests_against_the_rules_are_refused(mollie: Mollie, changes: dict[str, Any], status: int) -> None:
    assert charge(mollie, **changes).status_code == status
    assert not mollie.payments


def test_a_refund_waits_and_is_never_more_than_was_paid(mollie: Mollie) -> None:
    payment = charge(mollie).json()["id"]

    def refund(value: str) -> requests.Response:
        body = {"amount": {"currency": "EUR", "value": value}, "description": "R", "metadata": {"reference": "R"}}
        return call(mollie, "POST", f"payments/{payment}/refunds", body)

    assert refund("10.00").json()["status"] == "queued"
    assert refund("2.35").status_code == 422
    assert refund("2.34").status_code == 201
    assert (mollie.refunded(payment), len(mollie.refunds)) == ("12.34", 2)


def test_a_mandate_that_has_ended_cannot_be_charged(mollie: Mollie) -> None:
    customer, mandate = mollie.store()
    assert call(mollie, "DELETE", f"customers/{customer}/mandates/{mandate}").status_code == 204
    assert call(mollie, "DELETE", f"customers/{customer}/mandates/{mandate}").status_code == 404
    assert charge(mollie, customerId=customer, mandateId=mandate).status_code == 422


def test_a_failure_says_why_and_charges_nothing(mollie: Mollie) -> None:
    answer = charge(mollie, "empty").json()
    assert (answer["status"], answer["details"]["failureReason"]) == ("failed", "insufficient_funds")
    assert mollie.charged("INV-1") == "0.00"
