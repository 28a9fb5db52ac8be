"""A payment provider on loopback that behaves like Adyen's Checkout API for charges of stored cards.

As the real one it has no request that looks a payment up: a request that comes again with its idempotency key gets the
first answer. Webhooks wait in `Adyen.notifications`, signed, until a test delivers them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from .psp import Json
from .rest import Answer, RestPsp

# Stored cards: what happens when they are charged. Reasons and their codes are those of Adyen's API.
STORED = {
    "stored_visa": ("Authorised", None, None),
    "stored_empty": ("Refused", "Not enough balance", "12"),
    "stored_blocked": ("Refused", "Blocked Card", "5"),
    "stored_3ds": ("Refused", "Authentication required", "38"),
    "stored_sepa": ("Received", None, None),
}


@dataclass
class Adyen(RestPsp):
    merchant: str = "LocalMerchant"
    hmac_key: str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    payments: dict[str, Json] = field(default_factory=dict)
    notifications: list[Json] = field(default_factory=list)

    def charged(self, reference: str) -> int:
        """What payers have really paid for a reference, in the smallest unit."""
        return sum(one["amount"]["value"] for one in self.payments.values()
                   if one["merchantReference"] == reference and one["resultCode"] == "Authorised")

    def forget_keys(self) -> None:
        """A week is over."""
        self.answers.clear()

    def authorized(self, headers: Any) -> bool:
        return bool(headers.get("X-API-Key") == self.api_key)

    def failure(self, status: int, text: str, code: str = "905") -> Answer:
        return status, {"status": status, "errorCode": code, "message": text, "errorType": "internal"}

    def obey(self, method: str, path: str, query: Json, body: Json) -> Answer:
        if (method, path.split("/")[-1]) != ("POST", "payments"):
            return self.failure(404, "Not found", "000")
        if body.get("merchantAccount") != self.merchant:
            return self.failure(403, "Invalid Merchant Account", "901")
        stored = STORED.get(body.get("paymentMethod", {}).get("storedPaymentMethodId", ""))
        if stored is None or not body.get("shopperReference"):
            return self.failure(422, "PaymentDetail not found", "803")
        if not isinstance(body.get("amount", {}).get("value"), int) or body["amount"]["value"] < 0:
            return self.failure(422, "Invalid amount specified", "137")
        if body.get("shopperInteraction") != "ContAuth":
            return self.failure(422, "Required field 'returnUrl' is not provided.", "158")
        return 200, self._pay(body, *stored)

    def _pay(self, body: Json, result: str, reason: str | None, code: str | None) -> Json:
        payment = {
            "pspReference": f"PSP{next(self.numbers):013d}",
            "resultCode": result,
            "amount": body["amount"],
            "merchantReference": body["reference"],
            "paymentMethod": {"type": "scheme", "brand": "visa"},
            "additionalData": {},
        }
        if reason:
            payment |= {"refusalReason": reason, "refusalReasonCode": code}
        self.payments[payment["pspReference"]] = payment
        if result != "Received":
            self.notify(payment, success=result == "Authorised")
        return payment

    def notify(self, payment: Json, *, success: bool) -> Json:
        """The webhook of a payment, as Adyen signs it."""
        item = {
            "pspReference": payment["pspReference"],
            "merchantAccountCode": self.merchant,
            "merchantReference": payment["merchantReference"],
            "amount": payment["amount"],
            "eventCode": "AUTHORISATION",
            "success": "true" if success else "false",
            "paymentMethod": "visa",
            "reason": payment.get("refusalReason", ""),
        }
        values = (item["pspReference"], "", self.merchant, item["merchantReference"], item["amount"]["value"],
                  item["amount"]["currency"], item["eventCode"], item["success"])
        signed = ":".join(str(value).replace("\\", "\\\\").replace(":", "\\:") for value in values)
        digest = hmac.new(bytes.fromhex(self.hmac_key), signed.encode(), hashlib.sha256).digest()
        item["additionalData"] = {"hmacSignature": base64.b64encode(digest).decode()}
        notification = {"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}
        self.notifications.append(notification)
        return notification
