"""HTTP for the local payment provider: the API, the page of the bank, and the script for browsers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from .form import nested
from .rest import serving_rest

if TYPE_CHECKING:
    from .psp import Psp

SCRIPT = """
window.Stripe = () => {
  const base = "%(base)s";
  const field = (name, label, value) => `<label style="display:block">${label}
    <input name="${name}" value="${value}" inputmode="numeric" style="display:block;width:100%%;padding:.5rem">
    </label>`;
  return {
    elements: (options) => ({
      options, submit: async () => ({}), update() {},
      create() { const self = this; return {on() {}, mount(node) {
        node.innerHTML = field("psp_number", "Card number", "") + field("psp_expiry", "Expiry", "12 / 34");
        self.node = node;
      }}; },
    }),
    confirmPayment: async ({elements, clientSecret, confirmParams}) => {
      const id = clientSecret.split("_secret")[0];
      const body = new URLSearchParams({client_secret: clientSecret, return_url: confirmParams.return_url});
      body.set("payment_method_data[card][number]", elements.node.querySelector("[name=psp_number]").value);
      const answer = await fetch(`${base}/v1/payment_intents/${id}/confirm`, {method: "POST", body});
      const intent = await answer.json();
      if (intent.error) return {error: intent.error};
      const back = new URL(confirmParams.return_url);
      back.searchParams.set("payment_intent", id);
      window.location = intent.status === "requires_action" ? intent.next_action.redirect_to_url.url : back;
      return {};
    },
  };
};
"""
PAGE = """<!doctype html><html lang="en"><title>Your bank</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body style="font-family:sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem"><h1>Your bank</h1>
<p>Do you want to let %(amount)s be held on your card?</p>
<form method="post"><button name="passed" value="1">Confirm</button>
<button name="passed" value="">Refuse</button></form>
</body></html>"""


class Handler(BaseHTTPRequestHandler):
    psp: Psp

    def do_GET(self) -> None:  # noqa: N802
        self._handle("GET")

    def do_POST(self) -> None:  # noqa: N802
        self._handle("POST")

    def log_message(self, *_args: Any) -> None:
        """Quiet: what was asked is in `Psp.requests`."""

    def _handle(self, method: str) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        data = nested(body) | nested(address.query)
        if address.path.startswith("/hosted/3ds/"):
            self._bank(method, address.path.rsplit("/", 1)[1], data)
        elif address.path == "/v3/":
            self._send(200, SCRIPT % {"base": self.psp.base_url}, "text/javascript")
        elif address.path.startswith("/v1/") and self._may(address.path, data):
            status, answer = self.psp.answer(method, address.path.removeprefix("/v1"), data,
                                             self.headers.get("Idempotency-Key"))
            if status == 0:
                self.close_connection = True
                return
            self._send(status, json.dumps(answer), "application/json")
        else:
            self._send(401, json.dumps({"error": {"message": "Invalid API Key provided."}}), "application/json")

    def _may(self, path: str, data: dict[str, Any]) -> bool:
        """The merchant with the secret key everything; a browser may confirm the intent whose secret it has."""
        if self.headers.get("Authorization") == f"Bearer {self.psp.secret_key}":
            return True
        parts = path.split("/")
        intent = self.psp.intents.get(parts[3]) if len(parts) == 5 and parts[4] == "confirm" else None
        return bool(intent) and intent["client_secret"] == data.pop("client_secret", None)

    def _bank(self, method: str, intent_id: str, data: dict[str, Any]) -> None:
        intent = self.psp.intents[intent_id]
        if method == "GET":
            amount = f"{intent['amount'] / 100:.2f} {intent['currency'].upper()}"
            self._send(200, PAGE % {"amount": amount}, "text/html")
            return
        back = intent["next_action"]["redirect_to_url"]["return_url"]
        self.psp.authenticate(intent_id, passed=bool(data.get("passed")))
        joint = "&" if "?" in back else "?"
        self.send_response(303)
        self.send_header("Location", back + joint + urlencode({"payment_intent": intent_id}))
        self.end_headers()

    def _send(self, status: int, text: str, content_type: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(psp: Psp, port: int) -> Iterator[Psp]:
    with serving_rest(psp, port, Handler) as running:
        yield running
