"""A payment provider on loopback that behaves like Stripe's payment intents, for the tests of holds and captures.

`Psp` is the provider: its rules and its books. `serve` puts it behind HTTP, in the form of Stripe's API as far as the
product and Odoo's own Stripe addon use it, with the page of the card's bank for strong authentication, and the script
that a browser loads in place of `js.stripe.com`. Faults are asked for in advance with `Psp.fault`; webhooks wait in
`Psp.events` until a test delivers them, in whatever order and as often as it likes, or are sent at once to a URL.

Run as a program it serves until it is stopped: `python -m local_psp --port 8900`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Json = dict[str, Any]
# Stripe's own test cards: number -> what happens when it is charged.
CARDS = {
    "4242424242424242": "ok",
    "4000002760003184": "3ds",
    "4000000000000002": "declined",
    "4000000000009995": "insufficient_funds",
    "4000002500003155": "3ds",
    "4000000000000341": "ok",
}
PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_threeDSecureRequired": "4000002760003184",
    "pm_card_chargeDeclined": "4000000000000002",
}
DECLINES = {"declined": "Your card was declined.", "insufficient_funds": "Your card has insufficient funds."}
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing")
FEE_PERMILLE, FEE_FIXED = 15, 25


class Refused(Exception):
    """The request is against the rules: an answer with a 4xx status."""

    def __init__(self, message: str, *, status: int = 400, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Fault:
    """What goes wrong with the next request whose path begins so.

    :param kind: `before`: an error, and nothing was done; `after`: done, and an error is answered; `drop`: done, and
        the connection breaks before the answer
    """

    path: str
    kind: str


@dataclass
class Psp:
    """Intents, charges, refunds and payouts of one merchant. Amounts are integers of the smallest unit."""

    secret_key: str = "sk_test_local"
    webhook_secret: str = "whsec_local"
    webhook_url: str | None = None
    base_url: str = ""
    incremental: bool = True
    intents: dict[str, Json] = field(default_factory=dict)
    setups: dict[str, Json] = field(default_factory=dict)
    methods: dict[str, Json] = field(default_factory=dict)
    customers: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    balance: list[Json] = field(default_factory=list)
    payouts: dict[str, Json] = field(default_factory=dict)
    readers: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: dict[str, tuple[str, int, Json]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        for name, number in PAYMENT_METHODS.items():
            self.methods[name] = self._method(name, number)

    # What a test asks for and looks at

    def fault(self, path: str, kind: str) -> None:
        self.faults.append(Fault(path, kind))

    def captured(self, intent_id: str) -> int:
        """What the customer has really paid, less refunds."""
        return self.intents[intent_id]["amount_received"] - sum(
            refund["amount"] for refund in self.refunds.values()
            if refund["payment_intent"] == intent_id and refund["status"] == "succeeded"
        )

    def held(self, intent_id: str) -> int:
        """What is still blocked on the customer's card."""
        return self.intents[intent_id]["amount_capturable"]

    def signature(self, body: bytes, at: int | None = None) -> str:
        at = int(time.time()) if at is None else at
        digest = hmac.new(self.webhook_secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"

    def pay_out(self) -> Json:
        """Everything that was not paid out yet goes to the merchant's bank."""
        with self.lock:
            rows = [row for row in self.balance if row["payout"] is None]
            payout = self._new("po", "payout", amount=sum(row["net"] for row in rows), currency="eur", status="paid")
            for row in rows:
                row["payout"] = payout["id"]
            self.payouts[payout["id"]] = payout
            return payout

    # The API

    def answer(self, method: str, path: str, data: Json, key: str | None = None) -> tuple[int, Json]:
        """Status and body for a request; a repeated idempotency key gets the first answer again."""
        with self.lock:
            self.requests.append((method, path))
            fault = self._fault(path)
            if fault and fault.kind == "before":
                return 500, _error("api_error", "Something went wrong on our end.")
            status, body = self._once(method, path, data, key)
            if fault:
                return (500 if fault.kind == "after" else 0), _error("api_error", "Something went wrong on our end.")
            return status, body

    def _fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if path.startswith(fault.path) or (fault.path.startswith("/") and path.endswith(fault.path)):
                self.faults.remove(fault)
                return fault
        return None

    def _once(self, method: str, path: str, data: Json, key: str | None) -> tuple[int, Json]:
        fingerprint = json.dumps([method, path, data], sort_keys=True)
        if method == "POST" and key and key in self.answers:
            known, status, body = self.answers[key]
            if known != fingerprint:
                return 400, _error("idempotency_error", "Keys for idempotent requests can only be used with the same "
                                                        "parameters they were first used with.")
            return status, deepcopy(body)
        try:
            status, body = 200, deepcopy(self._do(method, path, data))
        except Refused as refused:
            status, body = refused.status, _error(refused.code, str(refused))
        if method == "POST" and key:
            self.answers[key] = (fingerprint, status, body)
        return status, deepcopy(body)

    def _do(self, method: str, path: str, data: Json) -> Json:
        parts = path.strip("/").split("/")
        if parts[:2] == ["terminal", "readers"] and len(parts) > 2:
            return self._reader(method, parts[2], parts[3] if len(parts) == 4 else "", data)
        table: dict[tuple[str, str, int], Callable[..., Json]] = {
            ("POST", "customers", 1): self._create_customer,
            ("POST", "payment_methods", 1): self._create_method,
            ("POST", "payment_intents", 1): self._create_intent,
            ("GET", "payment_intents", 1): self._list_intents,
            ("POST", "setup_intents", 1): self._create_setup,
            ("POST", "refunds", 1): self._create_refund,
            ("GET", "refunds", 1): self._list_refunds,
            ("GET", "balance_transactions", 1): self._list_balance,
            ("GET", "payouts", 1): lambda data: _page(list(self.payouts.values()), data),
        }
        if handler := table.get((method, parts[0], len(parts))):
            return handler(data)
        stores = {"payment_intents": self.intents, "setup_intents": self.setups, "payment_methods": self.methods,
                  "customers": self.customers, "refunds": self.refunds, "payouts": self.payouts}
        record = stores.get(parts[0], {}).get(parts[1] if len(parts) > 1 else "")
        if record is None:
            raise Refused(f"No such object: {path}", status=404, code="resource_missing")
        if method == "GET" and len(parts) == 2:
            return self._expanded(record, data)
        if method == "GET" and parts[2:] == ["payment_methods"]:
            return _list([one for one in self.methods.values() if one["customer"] == record["id"]])
        steps: dict[tuple[str, str], Callable[[Json, Json], Json]] = {
            ("payment_intents", "confirm"): self._confirm,
            ("payment_intents", "capture"): self._capture,
            ("payment_intents", "cancel"): self._cancel,
            ("payment_intents", "increment_authorization"): self._increment,
            ("setup_intents", "confirm"): self._confirm_setup,
        }
        step = steps.get((parts[0], parts[2] if len(parts) == 3 else ""))
        if method != "POST" or step is None:
            raise Refused(f"Unrecognized request URL ({method}: {path}).", status=404)
        return self._expanded(step(record, data), data)

    def _expanded(self, record: Json, data: Json) -> Json:
        wanted = data.get("expand") or []
        if "payment_method" in wanted and record.get("payment_method"):
            record = record | {"payment_method": self.methods[record["payment_method"]]}
        if "latest_charge" in wanted and record.get("latest_charge"):
            record = record | {"latest_charge": record["charges"]["data"][0]}
        return record

    # Customers and cards

    def _create_customer(self, data: Json) -> Json:
        customer = self._new("cus", "customer", email=data.get("email"), name=data.get("name"))
        self.customers[customer["id"]] = customer
        return customer

    def _create_method(self, data: Json) -> Json:
        number = str((data.get("card") or {}).get("number", "")).replace(" ", "")
        if number not in CARDS:
            raise Refused("Your card number is incorrect.", status=402, code="incorrect_number")
        method = self._method(f"pm_{next(self._numbers)}", number)
        self.methods[method["id"]] = method
        return method

    def _method(self, name: str, number: str) -> Json:
        # The same card is told again by its fingerprint, wherever it is used.
        fingerprint = hashlib.sha256(f"card:{number}".encode()).hexdigest()[:16]
        return {"id": name, "object": "payment_method", "type": "card", "customer": None, "number": number,
                "card": {"brand": "visa", "last4": number[-4:], "fingerprint": fingerprint}}

    # Payment intents

    def _create_intent(self, data: Json) -> Json:
        amount = _amount(data, "amount")
        intent = self._new(
            "pi", "payment_intent", amount=amount, currency=data.get("currency", "eur"), amount_capturable=0,
            amount_received=0, capture_method=data.get("capture_method", "automatic"),
            description=data.get("description"), customer=data.get("customer"),
            payment_method=data.get("payment_method"), status="requires_payment_method", last_payment_error=None,
            next_action=None, charges=_list([]), latest_charge=None, setup_future_usage=data.get("setup_future_usage"),
            options=data.get("payment_method_options") or {},
            payment_method_types=_texts(data.get("payment_method_types")),
        )
        intent["client_secret"] = f"{intent['id']}_secret_{hashlib.sha256(intent['id'].encode()).hexdigest()[:16]}"
        self.intents[intent["id"]] = intent
        if data.get("confirm") in ("true", "True", True):
            return self._confirm(intent, data)
        return intent

    def _list_intents(self, data: Json) -> Json:
        """Those of a customer since a moment, the newest first."""
        since = int((data.get("created") or {}).get("gte", 0))
        return _list(
            [
                intent
                for intent in reversed(self.intents.values())
                if data.get("customer") in (None, intent["customer"]) and intent["created"] >= since
            ]
        )

    def _confirm(self, intent: Json, data: Json) -> Json:
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise Refused(f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
                          code="payment_intent_unexpected_state")
        if isinstance(data.get("payment_method_data"), dict):
            intent["payment_method"] = self._create_method(data["payment_method_data"])["id"]
        elif data.get("payment_method"):
            intent["payment_method"] = data["payment_method"]
        method = self.methods.get(intent["payment_method"] or "")
        if method is None:
            raise Refused("The PaymentIntent needs a payment method.")
        if intent["setup_future_usage"]:
            method["customer"] = intent["customer"]
        behaviour = CARDS[method["number"]]
        if behaviour in DECLINES:
            return self._decline(intent, behaviour)
        if behaviour == "3ds":
            return self._ask_for_authentication(intent, data)
        return self._authorize(intent)

    def _decline(self, intent: Json, code: str) -> Json:
        intent["last_payment_error"] = {"code": "card_declined", "decline_code": code, "message": DECLINES[code]}
        intent["status"] = "requires_payment_method"
        self._event("payment_intent.payment_failed", intent)
        raise Refused(DECLINES[code], status=402, code="card_declined")

    def _ask_for_authentication(self, intent: Json, data: Json) -> Json:
        if data.get("off_session") in ("true", "True", True):
            intent["last_payment_error"] = {"code": "authentication_required",
                                            "message": "This payment required an authentication action."}
            self._event("payment_intent.payment_failed", intent)
            raise Refused("This payment required an authentication action to complete.", status=402,
                          code="authentication_required")
        intent["status"] = "requires_action"
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {
            "url": f"{self.base_url}/hosted/3ds/{intent['id']}", "return_url": data.get("return_url")}}
        return intent

    def authenticate(self, intent_id: str, *, passed: bool) -> Json:
        """What the customer says on the page of the bank."""
        with self.lock:
            intent = self.intents[intent_id]
            if intent["status"] != "requires_action":
                return intent
            if passed:
                return self._authorize(intent)
            intent["next_action"] = None
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = {"code": "payment_intent_authentication_failure",
                                            "message": "We are unable to authenticate your payment method."}
            self._event("payment_intent.payment_failed", intent)
            return intent

    def _authorize(self, intent: Json) -> Json:
        intent["next_action"] = None
        intent["last_payment_error"] = None
        charge = self._new("ch", "charge", amount=intent["amount"], amount_captured=0, payment_intent=intent["id"],
                           payment_method_details=self._details(intent))
        intent["charges"] = _list([charge])
        intent["latest_charge"] = charge["id"]
        if intent["capture_method"] == "manual":
            intent["status"] = "requires_capture"
            intent["amount_capturable"] = intent["amount"]
            self._event("payment_intent.amount_capturable_updated", intent)
        else:
            self._receive(intent, intent["amount"])
        return intent

    def _details(self, intent: Json) -> Json:
        """What is told of the card: of one that was shown at a reader also what belongs on the receipt."""
        method = self.methods[intent["payment_method"]]
        manual = self.incremental and intent["capture_method"] == "manual"
        if "card_present" in intent["payment_method_types"]:
            asked = (intent["options"].get("card_present") or {}).get("request_incremental_authorization_support")
            return {"type": "card_present", "card_present": {
                **method["card"], "incremental_authorization_supported": manual and asked in ("true", "True", True),
                "receipt": {"application_preferred_name": "Visa Credit", "dedicated_file_name": "A0000000031010",
                            "authorization_code": "123456"}}}
        asked = (intent["options"].get("card") or {}).get("request_incremental_authorization")
        able = manual and asked == "if_available"
        return {"type": "card", "card": {
            **method["card"], "incremental_authorization": {"status": "available" if able else "unavailable"}}}

    def _increment(self, intent: Json, data: Json) -> Json:
        amount = _amount(data, "amount")
        if intent["status"] != "requires_capture":
            raise Refused(f"This PaymentIntent has a status of {intent['status']}.",
                          code="payment_intent_unexpected_state")
        details = intent["charges"]["data"][0]["payment_method_details"]
        at_reader, online = details.get("card_present"), details.get("card")
        able = (at_reader["incremental_authorization_supported"] if at_reader
                else online["incremental_authorization"]["status"] == "available")
        if not able:
            raise Refused("This card does not support incremental authorization.")
        if amount <= intent["amount"]:
            raise Refused("The amount must be greater than the currently authorized amount.")
        intent["amount"] = intent["amount_capturable"] = amount
        self._event("payment_intent.amount_capturable_updated", intent)
        return intent

    def _capture(self, intent: Json, data: Json) -> Json:
        if intent["status"] != "requires_capture":
            raise Refused(f"This PaymentIntent could not be captured because it has a status of {intent['status']}.",
                          code="payment_intent_unexpected_state")
        amount = _amount(data, "amount_to_capture") if "amount_to_capture" in data else intent["amount_capturable"]
        if amount > intent["amount_capturable"]:
            raise Refused("The amount to capture exceeds the amount that can be captured.", code="amount_too_large")
        self._receive(intent, amount)
        return intent

    def _receive(self, intent: Json, amount: int) -> None:
        """Money moves: the amount is charged, whatever else was held is free again. `amount` stays as it was."""
        intent["status"] = "succeeded"
        intent["amount_received"] = amount
        intent["amount_capturable"] = 0
        charge = intent["charges"]["data"][0]
        charge["amount_captured"] = amount
        self._book("charge", amount, charge["id"], intent["description"])
        self._event("payment_intent.succeeded", intent)

    def _cancel(self, intent: Json, _data: Json) -> Json:
        if intent["status"] not in CANCELABLE:
            raise Refused(f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
                          code="payment_intent_unexpected_state")
        intent["status"] = "canceled"
        intent["amount_capturable"] = 0
        self._event("payment_intent.canceled", intent)
        return intent

    # Readers: terminals that show an amount and take a card (Stripe Terminal, server-driven)

    def add_reader(self, name: str = "tmr_local") -> Json:
        self.readers[name] = {"id": name, "object": "terminal.reader", "status": "online", "label": name,
                              "device_type": "simulated_wisepos_e", "device_sw_version": "1.0", "action": None}
        return self.readers[name]

    def _reader(self, method: str, name: str, step: str, data: Json) -> Json:
        reader = self.readers.get(name)
        if reader is None:
            raise Refused(f"No such terminal.reader: '{name}'", status=404, code="resource_missing")
        if method == "GET" and not step:
            return reader
        if reader["status"] == "offline":
            raise Refused("Reader is currently offline, please ensure the reader is powered on.",
                          code="terminal_reader_offline")
        action = reader["action"] or {}
        if step == "process_payment_intent":
            if action.get("status") == "in_progress":
                raise Refused("Reader is currently busy processing another request.", code="terminal_reader_busy")
            intent = self.intents.get(data.get("payment_intent", ""))
            if intent is None or "card_present" not in intent["payment_method_types"]:
                raise Refused("The PaymentIntent must allow card_present.", code="parameter_invalid_empty")
            if intent["status"] != "requires_payment_method":
                raise Refused("The PaymentIntent is in an invalid state.", code="intent_invalid_state")
            reader["action"] = {"type": step, "status": "in_progress", "failure_code": None, "failure_message": None,
                                step: {"payment_intent": intent["id"]}}
        elif step == "cancel_action":
            reader["action"] = None
        else:
            raise Refused(f"Unrecognized request URL ({method}: {step}).", status=404)
        return reader

    def show_card(self, name: str = "tmr_local", method: str = "pm_card_visa") -> Json:
        """What a customer does who stands at the reader."""
        with self.lock:
            reader = self.readers[name]
            action = reader["action"]
            intent = self.intents[action["process_payment_intent"]["payment_intent"]]
            try:
                intent["payment_method"] = method
                behaviour = CARDS[self.methods[method]["number"]]
                if behaviour in DECLINES:
                    self._decline(intent, behaviour)
                self._authorize(intent)
                action["status"] = "succeeded"
            except Refused as refused:
                self.fail_reader(refused.code, str(refused), name)
            self._event(f"terminal.reader.action_{action['status']}", reader)
            return reader

    def fail_reader(self, code: str, message: str, name: str = "tmr_local") -> None:
        """The customer pressed cancel, or showed no card, or the card was refused."""
        self.readers[name]["action"] |= {"status": "failed", "failure_code": code, "failure_message": message}

    # Setup intents

    def _create_setup(self, data: Json) -> Json:
        setup = self._new("seti", "setup_intent", customer=data.get("customer"), description=data.get("description"),
                          payment_method=data.get("payment_method"), status="requires_payment_method")
        setup["client_secret"] = f"{setup['id']}_secret"
        self.setups[setup["id"]] = setup
        return self._confirm_setup(setup, data) if data.get("confirm") in ("true", "True", True) else setup

    def _confirm_setup(self, setup: Json, data: Json) -> Json:
        setup["payment_method"] = data.get("payment_method") or setup["payment_method"]
        method = self.methods.get(setup["payment_method"] or "")
        if method is None:
            raise Refused("The SetupIntent needs a payment method.")
        if CARDS[method["number"]] in DECLINES:
            raise Refused(DECLINES[CARDS[method["number"]]], status=402, code="card_declined")
        method["customer"] = setup["customer"]
        setup["status"] = "succeeded"
        self._event("setup_intent.succeeded", setup)
        return setup

    # Refunds, balance

    def _create_refund(self, data: Json) -> Json:
        intent = self.intents.get(data.get("payment_intent", ""))
        if intent is None:
            raise Refused("No such payment_intent.", status=404, code="resource_missing")
        if intent["status"] != "succeeded":
            raise Refused("This PaymentIntent does not have a successful charge to refund.")
        amount = _amount(data, "amount") if "amount" in data else self.captured(intent["id"])
        if amount > self.captured(intent["id"]):
            raise Refused("Refund amount is greater than unrefunded amount on charge.", code="charge_already_refunded")
        refund = self._new("re", "refund", amount=amount, currency=intent["currency"], payment_intent=intent["id"],
                           status="succeeded")
        self.refunds[refund["id"]] = refund
        self._book("refund", -amount, refund["id"], intent["description"])
        return refund

    def _list_refunds(self, data: Json) -> Json:
        """Of one payment, or all."""
        wanted = data.get("payment_intent")
        return _page([one for one in self.refunds.values() if wanted in (None, one["payment_intent"])], data)

    def _book(self, kind: str, amount: int, source: str, description: str | None) -> None:
        fee = FEE_FIXED + amount * FEE_PERMILLE // 1000 if amount > 0 else 0
        self.balance.append(self._new("txn", "balance_transaction", type=kind, amount=amount, fee=fee,
                                      net=amount - fee, currency="eur", source=source, description=description,
                                      payout=None))

    def _list_balance(self, data: Json) -> Json:
        rows = [row for row in self.balance if not data.get("payout") or row["payout"] == data["payout"]]
        return _page(rows, data)

    # Events

    def _event(self, kind: str, record: Json) -> None:
        event = {"id": f"evt_{next(self._numbers)}", "object": "event", "type": kind, "created": int(time.time()),
                 "data": {"object": deepcopy(record)}}
        self.events.append(event)
        if self.webhook_url:
            threading.Thread(target=self.deliver, args=(event, self.webhook_url), daemon=True).start()

    def deliver(self, event: Json, url: str) -> int:
        """Send the event, signed, and return the status of the answer."""
        body = json.dumps(event).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json",
                                                     "Stripe-Signature": self.signature(body)})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    def _new(self, prefix: str, kind: str, **values: Any) -> Json:
        return {"id": f"{prefix}_{next(self._numbers)}", "object": kind, "created": int(time.time())} | values


def _amount(data: Json, name: str) -> int:
    try:
        amount = int(data[name])
    except (KeyError, TypeError, ValueError):
        raise Refused(f"Invalid integer: {name}", code="parameter_invalid_integer") from None
    if amount <= 0:
        raise Refused("This value must be greater than or equal to 1.", code="parameter_invalid_integer")
    return amount


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ["card"])


def _list(rows: list[Json]) -> Json:
    return {"object": "list", "data": rows, "has_more": False}


def _page(rows: list[Json], data: Json) -> Json:
    """As many as `limit` says, after the object that `starting_after` names."""
    ids = [row["id"] for row in rows]
    begin = ids.index(data["starting_after"]) + 1 if data.get("starting_after") in ids else 0
    end = begin + int(data.get("limit") or 10)
    return {"object": "list", "data": rows[begin:end], "has_more": end < len(rows)}


def _error(code: str, message: str) -> Json:
    return {"error": {"type": code, "code": code, "message": message}}
