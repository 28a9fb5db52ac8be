"""`./run demo`: the product at work on demonstration data."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from runner.console import RunError, say, step
from runner.paths import RUNTIME
from runner.services import Services, free_port
from runner.setup import set_up
from runner.stack import Stack, stack

DATABASE = "emobility_demo"
DATABASE_ONCE = "emobility_demo_once"
LENGTH = 47  # minutes of a session
SHORTEST = 3
REMOTE_BAY = 2  # where the demo's stations wait for a remote start; played sessions are at bay 1
REMOTE_EVSE = "DE*LIN*E0102"
PATIENCE = 180  # seconds that one session may take from its end to the paid invoice, on a slow machine


def demo() -> int:
    """Plays a session, says where to look, and keeps running until Ctrl-C."""
    set_up()
    with stack(DATABASE, fresh=False) as product:
        station = product.seed["stations"][0]
        minutes = _free_minutes(product, station)
        result = play(product, station, minutes=minutes) if minutes >= SHORTEST else None
        with Services() as stations:
            for each in product.seed["stations"]:
                stations.start(product.waiting_station(each, REMOTE_BAY))
            terminal = free_port(8050)
            if "terminal" in product.seed:  # a database of before has none
                stations.start(product.card_terminal(terminal))
            _tell(product, result, terminal)
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                say("\nstopping")
    return 0


def demo_once() -> int:
    """Plays one session for each OCPP version on a database of its own; the last line is a JSON summary."""
    set_up()
    with stack(DATABASE_ONCE, fresh=True) as product:
        sessions = [play(product, station) for station in product.seed["stations"]]
    say(json.dumps({"sessions": sessions}))
    return 0


def _free_minutes(product: Stack, station: dict[str, Any]) -> int:
    """How long a session that ends now can be without overlapping the one that an earlier run of the demo played."""
    ends = [row["end_at"] for row in _sessions(product, station) if row["end_at"]]
    if not ends:
        return LENGTH
    last = datetime.fromisoformat(max(ends)).replace(tzinfo=timezone.utc)
    return min(LENGTH, int((datetime.now(timezone.utc) - last) / timedelta(minutes=1)) - 1)


def play(product: Stack, station: dict[str, Any], *, minutes: int = LENGTH, evse: int = 1) -> dict[str, Any]:
    """One session from the plug to the paid invoice; every value of the result is read back from the product."""
    known = {row["id"] for row in _sessions(product, station)}
    with step(f"Charging at {station['identity']} (OCPP {station['ocpp']})"):
        done = subprocess.run(product.station_command(station, "--energy-kwh", f"{minutes * 0.3:.1f}",
                                                      "--minutes", str(minutes), "--evse", str(evse)),
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(f"the station failed:\n{done.stdout}{done.stderr}\n{product.bridge.tail()}")
    with step("Waiting for the invoice to be paid"):
        move = _wait_for_payment(product, station, known)
    mail = _mail_with_invoice(product, move["name"])
    return {
        "ocpp": station["ocpp"],
        "energy_kwh": f"{move['session']['energy_kwh']:.3f}",
        "total": f"{move['amount_total']:.2f}",
        "currency": move["currency_id"][1],
        "invoice": move["name"],
        "pdf": str(_save_pdf(product, move)),
        "mail": str(mail),
        "payment_state": move["payment_state"],
    }


def _sessions(product: Stack, station: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = product.clerk(
        "emobility.session", "search_read", [("token_uid", "=", station["token"])],
        fields=["state", "energy_kwh", "end_at"])
    return rows


def _wait_for_payment(product: Stack, station: dict[str, Any], known: set[int]) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    seen: object = "no session"
    while time.monotonic() < until:
        new = [row for row in _sessions(product, station) if row["id"] not in known]
        if new:
            seen = new
            moves = product.clerk("account.move", "search_read", [("rating_ids.cdr_id.session_id", "=", new[0]["id"])],
                                  fields=["name", "amount_total", "currency_id", "payment_state", "state",
                                          "invoice_pdf_report_id"])
            seen = moves or seen
            if moves and moves[0]["payment_state"] == "paid" and moves[0]["invoice_pdf_report_id"]:
                return moves[0] | {"session": new[0]}
        time.sleep(0.5)
    raise RunError(f"the session did not become a paid invoice; seen last: {seen}\n{product.odoo.tail()}")


def _save_pdf(product: Stack, move: dict[str, Any]) -> Path:
    [attachment] = product.clerk("ir.attachment", "read", [move["invoice_pdf_report_id"][0]], fields=["datas"])
    folder = RUNTIME / "demo"
    folder.mkdir(exist_ok=True)
    file = folder / f"{move['name'].replace('/', '-')}.pdf"
    file.write_bytes(base64.b64decode(attachment["datas"]))
    return file


def _mail_with_invoice(product: Stack, invoice: str) -> Path:
    """The mail that carries this invoice as a PDF; it must really have arrived at the mail server."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for file in sorted(product.mail_folder.glob("*.eml")):
            message = message_from_bytes(file.read_bytes(), policy=default)
            names = [part.get_filename() or "" for part in message.iter_attachments()]
            if invoice in str(message["subject"]) and any(name.endswith(".pdf") for name in names):
                return file
        time.sleep(0.5)
    raise RunError(f"no mail with invoice {invoice} arrived in {product.mail_folder}")


def _adhoc_address(product: Stack) -> str:
    """The page behind the sticker, on the address at which the demo answers."""
    [evse] = product.clerk("emobility.evse", "search_read", [("evse_id", "=", REMOTE_EVSE)], fields=["adhoc_url"])
    return f"{product.odoo_url}{evse['adhoc_url'][evse['adhoc_url'].index('/charge/'):]}"


def _tell(product: Stack, result: dict[str, Any] | None, terminal: int) -> None:
    say()
    if result is None:
        say("No session was played: the last one ended less than five minutes ago.")
    else:
        say(f"A session of {result['energy_kwh']} kWh became invoice {result['invoice']}: {result['total']} "
            f"{result['currency']}, {result['payment_state']}.\n\n"
            f"  Invoice PDF   {result['pdf']}\n  Mail          {result['mail']}")
    say(f"""  Back office   {product.odoo_url}/odoo        menu E-Mobility, Operations, Charging sessions
  Portal        {product.odoo_url}/my/charging
  Remote start  Infrastructure, EVSEs, {REMOTE_EVSE}: press Remote Start, then watch the session live
  No contract   {_adhoc_address(product)}   what a phone sees that scans the sticker at {REMOTE_EVSE}; pay with Demo
  Card terminal http://127.0.0.1:{terminal}    show a card, watch the session, take the receipt
  Stations      {product.bridge_url}/<identity>

Logins (demonstration only):""")
    for role, user in product.seed["users"].items():
        say(f"  {role:<14}{user['login']} / {user['password']}")
    say("\nCtrl-C stops everything.")
