"""A payment provider on loopback that behaves like Mollie's API for payments that store a card and charge it later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .psp import Json
from .rest import Answer, RestPsp

# Cards: status of a payment without the customer, and why it failed. The words are those of Mollie's API.
CARDS = {
    "ok": ("paid", None),
    "empty": ("failed", "insufficient_funds"),
    "expired": ("failed", "card_expired"),
    "3ds": ("failed", "authentication_failed"),
    "debit": ("pending", None),
}


@dataclass
class Mollie(RestPsp):
    customers: dict[str, Json] = field(default_factory=dict)
    mandates: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)

    # What a test asks for and looks at

    def charged(self, reference: str) -> str:
        """What payers have really paid for a reference."""
        paid = [one for one in self.payments.values()
                if one["description"] == reference and one["status"] == "paid"]
        return f"{sum(float(one['amount']['value']) for one in paid):.2f}"

    def store(self, card: str = "ok") -> tuple[str, str]:
        """A customer and a mandate, as after a first payment."""
        customer = self._new("cst", self.customers)
        return customer["id"], self._mandate(customer["id"], card)["id"]

    def pay(self, payment_id: str, card: str = "ok") -> Json:
        """What the customer does on Mollie's page. A first payment that succeeds makes a mandate."""
        payment = self.payments[payment_id]
        payment |= {"status": "paid", "method": "creditcard",
                    "details": {"cardNumber": "6787", "cardLabel": "Visa", "cardHolder": "T. Tester"}}
        if payment["sequenceType"] == "first":
            payment["mandateId"] = self._mandate(payment["customerId"], card)["id"]
        return payment

    def settle(self, payment_id: str, status: str, reason: str | None = None) -> None:
        """What the bank says later of a payment that is pending."""
        self.payments[payment_id]["status"] = status
        if reason:
            self.payments[payment_id]["details"] = {"failureReason": reason}

    def refunded(self, payment_id: str) -> str:
        """What payers have got back, or will, of a payment."""
        return f"{sum(float(one['amount']['value']) for one in self._refunds(payment_id)):.2f}"

    def _refunds(self, payment_id: str) -> list[Json]:
        return [one for one in self.refunds.values()
                if one["paymentId"] == payment_id and one["status"] not in ("failed", "canceled")]

    # The API

    def authorized(self, headers: Any) -> bool:
        return bool(headers.get("Authorization") == f"Bearer {self.api_key}")

    def failure(self, status: int, text: str) -> Answer:
        return status, {"status": status, "title": "Error", "detail": text}

    def obey(self, method: str, path: str, query: Json, body: Json) -> Answer:
        match (method, *path.strip("/").split("/")[1:]):
            case ("POST", "customers"):
                return 201, self._new("cst", self.customers, **body)
            case ("POST", "payments"):
                return self._create(body)
            case ("GET", "payments", payment_id) if payment_id in self.payments:
                return 200, self.payments[payment_id]
            case ("POST", "payments", payment_id, "refunds") if payment_id in self.payments:
                return self._refund(self.payments[payment_id], body)
            case ("GET", "payments", payment_id, "refunds") if payment_id in self.payments:
                rows = [one for one in self.refunds.values() if one["paymentId"] == payment_id]
                return 200, {"count": len(rows), "_embedded": {"refunds": rows}, "_links": {"next": None}}
            case ("DELETE", "customers", customer_id, "mandates", mandate_id) if self._valid(customer_id, mandate_id):
                self.mandates[mandate_id]["status"] = "invalid"
                return 204, {}
            case ("GET", "customers", _customer_id, "mandates", mandate_id) if mandate_id in self.mandates:
                return 200, self.mandates[mandate_id]
            case ("GET", "customers", customer_id, "payments") if customer_id in self.customers:
                rows = [one for one in reversed(self.payments.values()) if one["customerId"] == customer_id]
                rows = rows[:int(query.get("limit", 50))]
                return 200, {"count": len(rows), "_embedded": {"payments": rows}, "_links": {"next": None}}
        return self.failure(404, "No resource found with this token.")

    def _create(self, body: Json) -> Answer:
        sequence = body.get("sequenceType", "oneoff")
        customer = body.get("customerId")
        if not str(body.get("amount", {}).get("value", "")).replace(".", "", 1).isdigit():
            return self.failure(422, "The amount contains an invalid value")
        if sequence != "oneoff" and customer not in self.customers:
            return self.failure(404, "No customer exists with this token.")
        if sequence != "recurring" and not body.get("redirectUrl"):
            return self.failure(422, "The redirect URL is missing")
        mandate = self.mandates.get(body.get("mandateId", ""), {})
        if sequence == "recurring" and not self._valid(customer, body.get("mandateId", "")):
            return self.failure(422, "The customer has no suitable mandates.")
        payment = self._new("tr", self.payments, status="open", sequenceType=sequence, customerId=customer,
                            amount=body["amount"], description=body["description"], metadata=body.get("metadata"))
        payment["_links"] = {"checkout": {"href": f"{self.base_url}/checkout/{payment['id']}"}}
        if sequence == "recurring":
            status, reason = CARDS[mandate["card"]]
            payment |= {"status": status, "method": "creditcard", "mandateId": mandate["id"],
                        "details": {"failureReason": reason} if reason else {"cardLabel": "Visa"}}
            payment.pop("_links")
        return 201, payment

    def _refund(self, payment: Json, body: Json) -> Answer:
        left = float(payment["amount"]["value"]) - float(self.refunded(payment["id"]))
        if payment["status"] != "paid" or float(body["amount"]["value"]) > left + 0.001:
            return self.failure(422, "The amount is higher than the maximum")
        return 201, self._new("re", self.refunds, paymentId=payment["id"], status="queued", amount=body["amount"],
                              description=body["description"], metadata=body.get("metadata"))

    def _valid(self, customer: str | None, mandate: str) -> bool:
        known = self.mandates.get(mandate, {})
        return (known.get("customerId"), known.get("status")) == (customer, "valid")

    def _mandate(self, customer: str, card: str) -> Json:
        return self._new("mdt", self.mandates, customerId=customer, card=card, status="valid")

    def _new(self, prefix: str, book: dict[str, Json], **values: Any) -> Json:
        record = {"id": f"{prefix}_{next(self.numbers)}"} | values
        book[record["id"]] = record
        return record
