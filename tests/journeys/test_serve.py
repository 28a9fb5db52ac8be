"""`./run serve`: the product for real use, in its production shape, from nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError

import pytest

from runner.paths import ROOT, RUNTIME
from runner.postgres import running
from runner.services import free_port

DATABASE = "emobility_serve_test"


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with running() as server:
        server.drop(DATABASE)
        server.drop(f"{DATABASE}_bridge")
        (RUNTIME / f"{DATABASE}.bridge.json").unlink(missing_ok=True)
        yield {"--port": free_port(8469), "--gevent-port": free_port(8472), "--station-port": free_port(9400)}


def answer(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        body: bytes = response.read()
        return body


def told_live(port: int) -> bool:
    """Whether the process for websockets, which starts a little later than the others, answers within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return b"pass" in answer(f"http://127.0.0.1:{port}/websocket/health")
        except URLError:
            time.sleep(0.5)
    return False


def test_the_product_starts_from_nothing_and_stops_all_that_it_started(ports: dict[str, int]) -> None:
    options = [text for name, port in ports.items() for text in (name, str(port))]
    process = subprocess.Popen([sys.executable, str(ROOT / "run"), "serve", "--database", DATABASE, *options],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    try:
        assert process.poll() is None, "".join(lines)
        assert b"login" in answer(f"http://127.0.0.1:{ports['--port']}/web/login")
        assert told_live(ports["--gevent-port"]), "pages are told live"
        until = time.monotonic() + 60
        health: dict[str, Any] = {}
        while time.monotonic() < until and health.get("last_sync_seconds") is None:
            health = json.loads(answer(f"http://127.0.0.1:{ports['--station-port']}/healthz"))
            time.sleep(0.5)
        assert health["last_sync_seconds"] is not None, "the bridge has talked to Odoo as its own user"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert all(free_port(port) == port for port in ports.values()), "nothing is left running"
