"""A card terminal for the demonstration: a page in place of its display, and a card that always works.

It is attached to the product as any terminal is, by its key; holds and captures are only in its memory.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs, quote, urlsplit

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "terminal"))

from local_terminal import LocalTerminal  # noqa: E402

POLL_SECONDS = 2
BEAT_EVERY = 15  # polls
OVER = ("settled", "released")
STATES = {"draft": "Checking the card", "held": "Checking the card", "starting": "Plug in your car now",
          "charging": "Charging", "ended": "Your receipt is being made", "settled": "Thank you",
          "released": "Nothing was charged"}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Card terminal</title>{refresh}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:1.1rem sans-serif;max-width:26rem;margin:2rem auto;padding:1rem;background:#10241c;color:#fff;
border-radius:1rem}}article{{background:#fff;color:#10241c;padding:1rem;margin:1rem 0;border-radius:.5rem}}
button{{font-size:1rem;padding:.7rem 1rem;width:100%;border:0;border-radius:.5rem;background:#1d7a4f;color:#fff}}
pre{{white-space:pre-wrap}}</style><h1>Card terminal</h1>{body}</html>"""


class Display:
    """What the terminal shows. One customer after the other talks to it, and so does its clock."""

    def __init__(self, terminal: LocalTerminal) -> None:
        self.terminal = terminal
        self.lock = threading.Lock()

    def run(self) -> None:
        """Fetch orders, do them, and give signs of life, for ever."""
        for turn in range(sys.maxsize):
            try:
                with self.lock:
                    if turn % BEAT_EVERY == 0:
                        self.terminal.do_heartbeat()
                    self.terminal.do_poll()
            except (URLError, OSError, KeyError):
                pass  # the product is not there: later again
            time.sleep(POLL_SECONDS)

    def points(self) -> str:
        with self.lock:
            _status, told = self.terminal.do_evses()
        return "".join(self._point(one) for one in told["evses"])

    def _point(self, point: dict[str, Any]) -> str:
        prices = "<br>".join(escape(line["text"]) for line in point["prices"])
        title = f"<h2>{escape(point['name'])}</h2><p>{prices}</p>"
        if not point["available"]:
            return f"<article>{title}<p>Not free</p></article>"
        amount = f"{point['preauthorize_amount']} {escape(point['currency'])}"
        return (f'<article>{title}<form method="post" action="/pay"><input type="hidden" name="evse" '
                f'value="{escape(point["evse_uid"])}"><button>Show card: {amount} are held</button></form></article>')

    def pay(self, evse: str) -> str:
        with self.lock:
            status, told = self.terminal.do_authorise(evse)
        return told["authorization_reference"] if status == 200 else ""

    def session(self, reference: str) -> str:
        with self.lock:
            _status, told = self.terminal.do_status(reference)
        lines = [f"<h2>{STATES.get(told['state'], '')}</h2>",
                 f"<p>{told['energy_kwh']} kWh, {told['power_kw']} kW<br>{told['amount']} {told['currency']}</p>"]
        if told["state"] in OVER:
            slip = escape("\n".join(told["receipt"]))
            lines.append(f'<pre>{slip}</pre><p><a href="/">Next customer</a></p>')
        elif not told["stopping"]:
            lines.append(f'<form method="post" action="/stop?ref={quote(reference)}"><button>Stop</button></form>')
        return f"<article>{''.join(lines)}</article>"

    def stop(self, reference: str) -> None:
        with self.lock:
            self.terminal.do_stop(reference)


class Handler(BaseHTTPRequestHandler):
    display: Display

    def do_GET(self) -> None:  # noqa: N802
        reference = parse_qs(urlsplit(self.path).query).get("ref", [""])[0]
        body = self.display.session(reference) if reference else self.display.points()
        page = PAGE.format(refresh='<meta http-equiv="refresh" content="3">', body=body)
        self._send(200, page)

    def do_POST(self) -> None:  # noqa: N802
        address = urlsplit(self.path)
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        if address.path == "/pay":
            reference = self.display.pay(form.get("evse", [""])[0])
        else:
            reference = parse_qs(address.query).get("ref", [""])[0]
            self.display.stop(reference)
        self.send_response(303)
        self.send_header("Location", f"/?ref={quote(reference)}" if reference else "/")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Quiet."""

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "key", "port"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    display = Display(LocalTerminal(options.url, options.key))
    threading.Thread(target=display.run, daemon=True).start()
    handler = type("BoundHandler", (Handler,), {"display": display})
    ThreadingHTTPServer(("127.0.0.1", int(options.port)), handler).serve_forever()


if __name__ == "__main__":
    main()
