"""A card terminal that is attached to the backend: several charging points, cards, an acquirer that keeps holds.

A program of its own for tests. It reads commands as JSON lines and answers each with one line; faults on demand: its
answers get lost, or it is told to do nothing while it is offline and to catch up later.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

BASE = "/emobility/terminal/v1"
# How the acquirer tells the same card again.
CARD_HASH = "5c6f2a7e"


class LocalTerminal:
    """What the terminal and its acquirer know. `captures` is money that was really taken."""

    def __init__(self, url: str, key: str, cookie: str = "") -> None:
        self.url = url
        self.key = key
        self.cookie = cookie
        self.holds: dict[str, Decimal] = {}
        self.captures: dict[str, Decimal] = {}
        self.executed: dict[str, dict[str, Any]] = {}
        self.outbox: list[tuple[str, dict[str, Any]]] = []
        self.is_offline = False
        self.forgets = False

    # Talking

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "Cookie": self.cookie}
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.url + BASE + path, data, headers, method=method)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def flush(self) -> list[Any]:
        """Send what was not sent yet, oldest first."""
        answers: list[Any] = []
        while self.outbox and not self.is_offline:
            path, body = self.outbox[0]
            answers.append(self.call("POST", path, body))
            self.outbox.pop(0)
        return answers

    # The customer

    def do_evses(self, lang: str = "en") -> Any:
        return self.call("GET", f"/evses?lang={lang}")

    def do_authorise(self, evse: str, reference: str = "", times: int = 1, lang: str = "en") -> Any:
        """A customer chooses a charging point, agrees to the price and shows a card."""
        [point] = [one for one in self.call("GET", "/evses")[1]["evses"] if one["evse_uid"] == evse]
        reference = reference or f"pp-{uuid.uuid4().hex[:12]}"
        self.holds[reference] = Decimal(point["preauthorize_amount"])
        body = {
            "authorization_reference": reference,
            "evse_uid": evse,
            "amount": point["preauthorize_amount"],
            "currency": point["currency"],
            "price_id": point["price_id"],
            "card": "Visa **** 1234",
            "card_hash": CARD_HASH,
            "can_increase": True,
            "lang": lang,
        }
        answers = [self.call("POST", "/authorizations", body) for _time in range(times)]
        return answers[-1]

    def do_status(self, reference: str) -> Any:
        return self.call("GET", f"/authorizations/{reference}")

    def do_stop(self, reference: str) -> Any:
        return self.call("POST", f"/authorizations/{reference}/stop", {})

    # The orders

    def do_poll(self) -> Any:
        """Fetch the orders, do them, tell. Nothing can be done on a card that another memory held."""
        orders = self.call("GET", "/orders")[1]["orders"]
        for order in orders:
            known = order["authorization_reference"] in self.holds or order["order"] in self.executed
            if order["action"] != "query" and not known:
                continue
            if order["action"] == "increase":
                self.increase(order)
            elif order["action"] == "query" and order["order"] not in self.executed:
                self.outbox.append((f"/orders/{order['order']}", {"status": "NOT_EXECUTED"}))
            elif not self.forgets or order["action"] == "query":
                self.execute(order)
        return {"orders": orders, "answers": self.flush()}

    def increase(self, order: dict[str, Any]) -> None:
        """Hold more on the card that is held already; to hold the same again changes nothing."""
        reference = order["authorization_reference"]
        self.holds[reference] = max(self.holds[reference], Decimal(order["amount"]))
        self.outbox.append((f"/authorizations/{reference}/hold", {"amount": str(self.holds[reference])}))

    def execute(self, order: dict[str, Any]) -> None:
        """Once for each number, whatever is asked how often."""
        reference, amount = order["authorization_reference"], Decimal(order["amount"])
        if order["order"] not in self.executed:
            held = self.holds.pop(reference)
            if order["kind"] == "cancel":
                self.executed[order["order"]] = {"status": "DONE"}
            else:
                taken = min(held, amount)
                self.captures[reference] = self.captures.get(reference, Decimal(0)) + taken
                self.executed[order["order"]] = {
                    "id": str(uuid.uuid4()),
                    "authorization_reference": reference,
                    "total_costs": {"incl_vat": str(taken)},
                    "currency": order["currency"],
                    "eft_data": ["Visa", "AID: A0000000031010", f"Amount: {order['currency']} {taken}"],
                    "capture_status_code": "SUCCESS",
                    "last_updated": datetime.now(UTC).isoformat(),
                }
        path = "/confirmations" if order["kind"] == "capture" else f"/orders/{order['order']}"
        self.outbox.append((path, self.executed[order["order"]]))

    def do_offline(self, offline: bool) -> Any:
        """While offline it does what it fetched before, and tells later."""
        self.is_offline = offline
        return self.flush()

    def do_forget(self, forgets: bool) -> Any:
        """It loses what it fetches: a crash before anything was done."""
        self.forgets = forgets
        return None

    def do_heartbeat(self, **told: Any) -> Any:
        return self.call("POST", "/heartbeat", {"model": "Local T1", "firmware": "1.0", **told})

    def do_money(self) -> Any:
        return {"held": {key: str(value) for key, value in self.holds.items()},
                "captured": {key: str(value) for key, value in self.captures.items()}}  # fmt: skip


def main() -> None:
    """Answer the commands on standard input until it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--cookie", default="")
    options = parser.parse_args()
    terminal = LocalTerminal(options.url, options.key, options.cookie)
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(terminal, f"do_{command.pop('do')}")(**command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
