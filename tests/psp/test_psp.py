"""The local payment provider keeps the rules that the product relies on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from local_psp import Psp, serving
from local_psp.form import nested


@pytest.fixture
def psp() -> Iterator[Psp]:
    with serving(Psp(), 0) as running:
        yield running


def post(psp: Psp, path: str, key: str | None = None, **data: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {psp.secret_key}"} | ({"Idempotency-Key": key} if key else {})
    return requests.post(f"{psp.base_url}/v1/{path}", data=data, headers=headers, timeout=5)


def hold(psp: Psp, amount: int = 5000, **data: Any) -> dict[str, Any]:
    values = {"amount": amount, "currency": "eur", "capture_method": "manual", "description": "HOLD-1",
              "payment_method": "pm_card_visa", "confirm": "true"}
    answer = post(psp, "payment_intents", **(values | data))
    assert answer.status_code == 200, answer.text
    return answer.json()


INCREMENTAL = {"payment_method_options[card][request_incremental_authorization]": "if_available"}


def test_form_names_with_brackets_become_mappings_and_lists() -> None:
    assert nested("a[b][c]=1&d[]=2&d[]=3&e=") == {"a": {"b": {"c": "1"}}, "d": ["2", "3"], "e": ""}


def test_a_part_of_a_hold_is_captured_and_the_rest_is_free_again(psp: Psp) -> None:
    intent = hold(psp)
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 5000)
    done = post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=1723).json()
    assert (done["status"], done["amount"], done["amount_received"]) == ("succeeded", 5000, 1723)
    assert (psp.captured(intent["id"]), psp.held(intent["id"])) == (1723, 0)


def test_a_hold_is_captured_once(psp: Psp) -> None:
    intent = hold(psp)
    post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=1723)
    again = post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=1723)
    assert again.status_code == 400
    assert psp.captured(intent["id"]) == 1723


@pytest.mark.parametrize("amount", [5001, 0, -1, "1.5", ""])
def test_what_cannot_be_captured_is_refused(psp: Psp, amount: Any) -> None:
    intent = hold(psp)
    assert post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=amount).status_code == 400
    assert psp.held(intent["id"]) == 5000


def test_the_same_key_gets_the_same_answer_and_another_request_with_it_is_refused(psp: Psp) -> None:
    intent = hold(psp)
    first = post(psp, f"payment_intents/{intent['id']}/capture", "key-1", amount_to_capture=1000)
    again = post(psp, f"payment_intents/{intent['id']}/capture", "key-1", amount_to_capture=1000)
    other = post(psp, f"payment_intents/{intent['id']}/capture", "key-1", amount_to_capture=2000)
    assert first.json() == again.json()
    assert (again.status_code, other.status_code) == (200, 400)


def test_a_cancelled_hold_cannot_be_captured(psp: Psp) -> None:
    intent = hold(psp)
    assert post(psp, f"payment_intents/{intent['id']}/cancel").json()["status"] == "canceled"
    assert post(psp, f"payment_intents/{intent['id']}/capture").status_code == 400
    assert (psp.captured(intent["id"]), psp.held(intent["id"])) == (0, 0)


def test_an_uncaptured_hold_cannot_be_refunded(psp: Psp) -> None:
    assert post(psp, "refunds", payment_intent=hold(psp)["id"]).status_code == 400


def test_refunds_never_exceed_what_was_captured(psp: Psp) -> None:
    intent = hold(psp)
    post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=1000)
    assert post(psp, "refunds", payment_intent=intent["id"], amount=400).status_code == 200
    assert post(psp, "refunds", payment_intent=intent["id"], amount=700).status_code == 400
    assert psp.captured(intent["id"]) == 600


def test_a_hold_is_increased_when_that_was_asked_for(psp: Psp) -> None:
    intent = hold(psp, **INCREMENTAL)
    assert post(psp, f"payment_intents/{intent['id']}/increment_authorization", amount=8000).status_code == 200
    assert psp.held(intent["id"]) == 8000
    plain = hold(psp)
    assert post(psp, f"payment_intents/{plain['id']}/increment_authorization", amount=8000).status_code == 400


def test_a_declined_card_holds_nothing(psp: Psp) -> None:
    answer = post(psp, "payment_intents", amount=5000, currency="eur", capture_method="manual",
                  payment_method="pm_card_chargeDeclined", confirm="true")
    assert answer.status_code == 402
    assert [event["type"] for event in psp.events] == ["payment_intent.payment_failed"]


@pytest.mark.parametrize(("passed", "status"), [("1", "requires_capture"), ("", "requires_payment_method")])
def test_strong_authentication_happens_on_the_page_of_the_bank(psp: Psp, passed: str, status: str) -> None:
    intent = hold(psp, payment_method="pm_card_threeDSecureRequired", return_url="http://shop.test/back?reference=R")
    url = intent["next_action"]["redirect_to_url"]["url"]
    assert intent["status"] == "requires_action"
    assert "50.00 EUR" in requests.get(url, timeout=5).text
    answer = requests.post(url, data={"passed": passed}, allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == f"http://shop.test/back?reference=R&payment_intent={intent['id']}"
    assert psp.intents[intent["id"]]["status"] == status


def test_a_card_that_needs_authentication_cannot_be_charged_off_session(psp: Psp) -> None:
    answer = post(psp, "payment_intents", amount=5000, payment_method="pm_card_threeDSecureRequired", confirm="true",
                  off_session="true")
    assert answer.json()["error"]["code"] == "authentication_required"


def test_captured_but_answered_with_an_error(psp: Psp) -> None:
    intent = hold(psp)
    psp.fault("/capture", "after")
    assert post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=900).status_code == 500
    assert psp.captured(intent["id"]) == 900


def test_refused_before_anything_was_done_and_answer_lost_on_the_way(psp: Psp) -> None:
    intent = hold(psp)
    psp.fault("/capture", "before")
    assert post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=900).status_code == 500
    assert psp.captured(intent["id"]) == 0
    psp.fault("/capture", "drop")
    with pytest.raises(requests.ConnectionError):
        post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=900)
    assert psp.captured(intent["id"]) == 900


def test_a_browser_may_confirm_only_the_intent_whose_secret_it_has(psp: Psp) -> None:
    intent = post(psp, "payment_intents", amount=5000, capture_method="manual").json()
    url = f"{psp.base_url}/v1/payment_intents/{intent['id']}/confirm"
    card = {"payment_method_data[card][number]": "4242 4242 4242 4242"}
    assert requests.post(url, data=card | {"client_secret": "guess"}, timeout=5).status_code == 401
    done = requests.post(url, data=card | {"client_secret": intent["client_secret"]}, timeout=5)
    assert done.json()["status"] == "requires_capture"


def test_a_setup_stores_the_card_of_the_customer(psp: Psp) -> None:
    customer = post(psp, "customers", name="Anna").json()
    setup = post(psp, "setup_intents", customer=customer["id"], payment_method="pm_card_visa", confirm="true").json()
    assert setup["status"] == "succeeded"
    stored = psp.answer("GET", f"/customers/{customer['id']}/payment_methods", {})[1]["data"]
    assert [method["id"] for method in stored] == ["pm_card_visa"]


def test_a_payout_is_what_was_captured_less_fees_and_refunds(psp: Psp) -> None:
    intent = hold(psp)
    post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=1000)
    post(psp, "refunds", payment_intent=intent["id"], amount=300)
    payout = psp.pay_out()
    rows = psp.answer("GET", "/balance_transactions", {"payout": payout["id"]})[1]["data"]
    assert [(row["type"], row["amount"], row["fee"]) for row in rows] == [("charge", 1000, 40), ("refund", -300, 0)]
    assert payout["amount"] == sum(row["net"] for row in rows) == 660
    assert psp.pay_out()["amount"] == 0


def test_events_are_signed_and_can_be_sent_twice_and_in_any_order(psp: Psp) -> None:
    seen: list[tuple[str, str]] = []

    class Shop(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            at = int(self.headers["Stripe-Signature"].split(",")[0].removeprefix("t="))
            valid = self.headers["Stripe-Signature"] == psp.signature(body, at)
            seen.append((json.loads(body)["type"], str(valid)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    intent = hold(psp)
    post(psp, f"payment_intents/{intent['id']}/capture", amount_to_capture=900)
    shop = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    Thread(target=shop.serve_forever, args=(0.05,), daemon=True).start()
    authorized, succeeded = psp.events
    url = f"http://127.0.0.1:{shop.server_address[1]}/"
    assert [psp.deliver(event, url) for event in (succeeded, authorized, succeeded)] == [200, 200, 200]
    shop.shutdown()
    shop.server_close()
    assert [kind for kind, _valid in seen] == [
        "payment_intent.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"]
    assert {valid for _kind, valid in seen} == {"True"}


def at_reader(psp: Psp, **data: Any) -> str:
    """An intent for a card that is shown at a reader."""
    values = {"amount": 5000, "currency": "eur", "capture_method": "manual", "payment_method_types[]": "card_present"}
    return str(post(psp, "payment_intents", **(values | data)).json()["id"])


def test_reader_holds_what_it_is_told_when_a_card_is_shown(psp: Psp) -> None:
    psp.add_reader()
    intent = at_reader(psp)
    path = "terminal/readers/tmr_local/process_payment_intent"
    assert post(psp, path, payment_intent=intent).json()["action"]["status"] == "in_progress"
    busy = post(psp, path, payment_intent=at_reader(psp))
    assert (busy.status_code, busy.json()["error"]["code"]) == (400, "terminal_reader_busy")
    psp.show_card()
    assert (psp.held(intent), psp.readers["tmr_local"]["action"]["status"]) == (5000, "succeeded")
    assert [event["type"] for event in psp.events][-1] == "terminal.reader.action_succeeded"


def test_reader_that_is_offline_or_whose_card_is_declined_holds_nothing(psp: Psp) -> None:
    psp.add_reader()["status"] = "offline"
    intent = at_reader(psp)
    path = "terminal/readers/tmr_local/process_payment_intent"
    assert post(psp, path, payment_intent=intent).json()["error"]["code"] == "terminal_reader_offline"
    psp.readers["tmr_local"]["status"] = "online"
    post(psp, path, payment_intent=intent)
    psp.show_card(method="pm_card_chargeDeclined")
    action = psp.readers["tmr_local"]["action"]
    assert (psp.held(intent), action["status"], action["failure_code"]) == (0, "failed", "card_declined")


def test_long_lists_come_in_pages(psp: Psp) -> None:
    for _number in range(3):
        intent = hold(psp)["id"]
        post(psp, f"payment_intents/{intent}/capture", amount_to_capture=1000)
    headers = {"Authorization": f"Bearer {psp.secret_key}"}
    url = f"{psp.base_url}/v1/balance_transactions"
    first = requests.get(url, params={"limit": 2}, headers=headers, timeout=5).json()
    params = {"limit": 2, "starting_after": first["data"][-1]["id"]}
    second = requests.get(url, params=params, headers=headers, timeout=5).json()
    assert [len(first["data"]), first["has_more"], len(second["data"]), second["has_more"]] == [2, True, 1, False]
