"""The bridge under load, against a plain central system of the `ocpp` package, both in this run.

The baseline answers from memory: no database, nothing kept. The bridge answers after a durable commit. The load comes
from bare sockets, so that it costs both the same and little. Measures:

- `metervalues_per_second`: MeterValues with six sampled values, 200 stations that each wait for their answer; the best
  of three rounds, for both
- `metervalues_processor_us`: processor time of the process with the sockets for each of them
- `authorize_p99_ms`, `start_transaction_p99_ms`: of 500 messages, while those stations send 400 MeterValues a second
- `kib_per_idle_connection`: resident memory per connected station that says nothing
- `replay_transactions_per_second`: 50 stations send 10,000 queued transactions (start, values, stop) after an outage
- `ledger_messages_per_second`: from the journal to events for Odoo, which goes on behind the answers

A time or a size is better when it is smaller.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import uvloop

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bridge" / "tests"), str(ROOT / "bridge" / "simulator")]

from fake_odoo import API_KEY, PASSWORD, TOKEN, FakeOdoo, password_hash  # noqa: E402

from runner.postgres import running  # noqa: E402

SECONDS, ROUNDS = 3.0, 3
PATIENCE = 60.0
WARM_UP = 1.0
SENDERS = 200
LOAD, PROBES = 400, 500
IDLE = (1000, 5000)
REPLAYED, REPLAYING = 10_000, 50
SAMPLES = (("Energy.Active.Import.Register", "Wh"), ("Power.Active.Import", "W"), ("Current.Import", "A"),
           ("Voltage", "V"), ("SoC", "Percent"), ("Temperature", "Celsius"))
NOW = datetime.now(timezone.utc)

BASELINE = """
import asyncio, logging, sys
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import serve

class Plain(ChargePoint):
    @on("MeterValues")
    def meter_values(self, **_):
        return call_result.MeterValues()

    @on("Authorize")
    def authorize(self, **_):
        return call_result.Authorize({"status": "Accepted"})

    @on("StartTransaction")
    def start_transaction(self, **_):
        return call_result.StartTransaction(1, {"status": "Accepted"})

    @on("StopTransaction")
    def stop_transaction(self, **_):
        return call_result.StopTransaction()

async def station(socket):
    try:
        await Plain("x", socket).start()
    except Exception:
        pass

async def main():
    logging.disable(logging.CRITICAL)
    async with serve(station, "127.0.0.1", int(sys.argv[1]), subprotocols=["ocpp1.6"]) as server:
        await server.serve_forever()

asyncio.run(main())
"""


class Station(asyncio.Protocol):
    """A bare client: sends a frame, and calls back with the time that its answer took."""

    def __init__(self, identity: str, on_answer: Callable[[Station, float], None]) -> None:
        self.identity, self._on_answer = identity, on_answer
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers = 0
        self.last = b""
        self._transport: Any = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        login = base64.b64encode(f"{self.identity}:{PASSWORD}".encode()).decode()
        self._transport.write(
            f"GET /ocpp/{self.identity} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {login}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if b" 101 " not in data:
                self.opened.set_exception(RuntimeError(data.decode("latin-1")))
                return
            self.opened.set_result(None)
        elif data[0] & 0x0F == 1:
            self.answers += 1
            self.last = data
            self._on_answer(self, time.perf_counter() - self._sent_at)

    def send(self, frame: bytes) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(frame)

    def close(self) -> None:
        self._transport.abort()


def frame(action: str, payload: dict[str, Any]) -> bytes:
    """A masked text frame; the mask is zero, so that it is made once and sent often."""
    body = json.dumps([2, "m1", action, payload], separators=(",", ":")).encode()
    length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + body


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def meter_values(transaction: int, at: datetime, wh: int) -> bytes:
    samples = [{"value": str(wh), "measurand": name, "unit": unit, "context": "Sample.Periodic"}
               for name, unit in SAMPLES]
    value = {"timestamp": stamp(at), "sampledValue": samples}
    return frame("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": [value]})


def start(number: int) -> bytes:
    at = NOW - timedelta(days=1) + timedelta(seconds=number)
    return frame("StartTransaction", {"connectorId": 1, "idTag": TOKEN, "timestamp": stamp(at), "meterStart": number})


def stop(transaction: int, number: int) -> bytes:
    at = NOW - timedelta(days=1) + timedelta(seconds=number, minutes=30)
    return frame("StopTransaction", {"transactionId": transaction, "timestamp": stamp(at), "meterStop": number + 900})


async def connect(port: int, count: int, on_answer: Callable[[Station, float], None], offset: int = 0) -> list[Station]:
    loop = asyncio.get_running_loop()
    stations = []
    for first in range(0, count, 50):
        group = [(await loop.create_connection(lambda n=n: Station(f"B-{n}", on_answer), "127.0.0.1", port))[1]
                 for n in range(offset + first, offset + min(first + 50, count))]
        await asyncio.gather(*(station.opened for station in group))
        stations += group
    return stations


async def throughput(port: int, pid: int, cost: list[float]) -> float:
    """Answers per second when every station sends its next message as soon as the last one is answered.

    `cost` gets the processor time of the server for each of them, in microseconds, of each round.
    """
    messages: dict[str, bytes] = {}

    def next_message(station: Station, _seconds: float) -> None:
        if station.identity not in messages:
            transaction = json.loads(station.last[station.last.index(b"["):])[2]["transactionId"]
            messages[station.identity] = meter_values(transaction, NOW, 1000)
        station.send(messages[station.identity])

    stations = await connect(port, SENDERS, next_message)
    for number, station in enumerate(stations):
        station.send(start(number))
    await asyncio.sleep(WARM_UP)
    rates = []
    for _ in range(ROUNDS):
        before, begun, used = sum(s.answers for s in stations), time.perf_counter(), processor_time(pid)
        await asyncio.sleep(SECONDS)
        count = sum(s.answers for s in stations) - before
        rates.append(count / (time.perf_counter() - begun))
        cost.append((processor_time(pid) - used) * 1e6 / count)
    for station in stations:
        station.close()
    return max(rates)


async def latency(port: int, message_of: Callable[[int], bytes]) -> float:
    """p99 in ms of single messages, while other stations send MeterValues at a rate that the baseline can bear."""
    others = await connect(port, SENDERS, lambda _station, _seconds: None)
    load = asyncio.create_task(_steady(others, LOAD))
    times: list[float] = []
    answered = asyncio.Event()

    def note(_station: Station, seconds: float) -> None:
        times.append(seconds)
        answered.set()

    [station] = await connect(port, 1, note, offset=SENDERS)
    for number in range(PROBES):
        answered.clear()
        station.send(message_of(number))
        await answered.wait()
        await asyncio.sleep(0.002)
    load.cancel()
    for other in [*others, station]:
        other.close()
    return sorted(times)[PROBES * 99 // 100 - 1] * 1000


async def _steady(stations: list[Station], per_second: int) -> None:
    message = meter_values(1, NOW, 1000)
    number, begun = 0, time.perf_counter()
    while True:
        while number < (time.perf_counter() - begun) * per_second:
            stations[number % len(stations)].send(message)
            number += 1
        await asyncio.sleep(0.002)


async def memory(port: int, count: int, pid: int) -> float:
    """KiB of resident memory for each idle connection."""
    first = await connect(port, 20, lambda _station, _seconds: None)  # what is made once is made
    await asyncio.sleep(1)
    before = resident(pid)
    stations = await connect(port, count, lambda _station, _seconds: None, offset=20)
    await asyncio.sleep(2)
    used = resident(pid) - before
    for station in [*first, *stations]:
        station.close()
    return used / count


async def replay(port: int) -> float:
    """Transactions per second when stations send what they queued: start, values, stop, one after the other."""
    done = asyncio.Event()
    left = {f"B-{n}": list(range(n, REPLAYED, REPLAYING)) for n in range(REPLAYING)}
    step = dict.fromkeys(left, 0)
    transaction = dict.fromkeys(left, 1)
    finished = 0

    def next_message(station: Station, _seconds: float = 0.0) -> None:
        nonlocal finished
        name = station.identity
        if step[name] == 1:
            transaction[name] = json.loads(station.last[station.last.index(b"["):])[2]["transactionId"]
        if step[name] == 3:
            step[name] = 0
            left[name].pop()
            finished += 1
            if finished == REPLAYED:
                done.set()
        if left[name]:
            number = left[name][-1]
            at = NOW - timedelta(days=1) + timedelta(seconds=number, minutes=15)
            made = (lambda: start(number), lambda: meter_values(transaction[name], at, number + 500),
                    lambda: stop(transaction[name], number))
            station.send(made[step[name]]())
            step[name] += 1

    stations = await connect(port, REPLAYING, next_message)
    begun = time.perf_counter()
    for station in stations:
        next_message(station)
    await done.wait()
    rate = REPLAYED / (time.perf_counter() - begun)
    for station in stations:
        station.close()
    return rate


def measured(measuring: Coroutine[Any, Any, float]) -> float:
    """A measurement that hangs is an error, not a long measurement."""
    return uvloop.run(asyncio.wait_for(measuring, PATIENCE))


def processor_time(pid: int) -> float:
    """Seconds that a process has computed."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)


@contextmanager
def baseline() -> Iterator[tuple[int, int]]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", BASELINE, str(port)]) as process:
        try:
            wait_for(port)
            yield port, process.pid
        finally:
            process.kill()


@contextmanager
def bridge(server: Any, odoo: FakeOdoo) -> Iterator[tuple[int, int, str]]:
    port, name = free_port(), f"bench_{uuid.uuid4().hex[:10]}"
    server.create(name)
    settings = {"dsn": server.dsn(name), "odoo_url": odoo.url, "odoo_db": "odoo", "odoo_login": "bridge",
                "odoo_api_key": API_KEY, "port": port, "sync_interval": 3600, "log_level": "ERROR"}
    env = os.environ | server.environment() | {f"EMOBILITY_BRIDGE_{k.upper()}": str(v) for k, v in settings.items()}
    with subprocess.Popen([sys.executable, "-m", "emobility_bridge"], env=env) as process:
        try:
            wait_for(port)
            yield port, process.pid, server.dsn(name)
        finally:
            process.terminate()
            process.wait()
            server.drop(name)


def health(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as answer:
        return dict(json.load(answer))


def ledger_rate(port: int, dsn: str) -> float:
    """Messages per second of the ledger from a standing start, while no station says anything."""
    begun, before = time.perf_counter(), health(port)["ledger_behind"]
    while behind := health(port)["ledger_behind"]:
        time.sleep(0.2)
        if time.perf_counter() - begun > 10:
            return float((before - behind) / (time.perf_counter() - begun))
    return float(before / (time.perf_counter() - begun))


def kept(dsn: str, action: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM journal WHERE action = %s", [action]).fetchone()
        assert row is not None
        return int(row[0])


def main() -> None:
    odoo = FakeOdoo()
    odoo.stations = [{"identity": f"B-{n}", "password_hash": password_hash(PASSWORD, 1), "accepted": True,
                      "offline_policy": "accept_known"} for n in range(max(IDLE) + 20)]
    odoo.start()
    plain: dict[str, float] = {}
    ours: dict[str, float] = {}
    plain_cost: list[float] = []
    our_cost: list[float] = []
    with baseline() as (port, pid):
        for count in IDLE:
            plain[f"kib_{count}"] = measured(memory(port, count, pid))
    with baseline() as (port, pid):
        plain["metervalues"] = measured(throughput(port, pid, plain_cost))
        plain["authorize"] = measured(latency(port, lambda _n: frame("Authorize", {"idTag": TOKEN})))
        plain["start"] = measured(latency(port, start))
        plain["replay"] = measured(replay(port))
    with redirect_stdout(sys.stderr), running() as server:  # standard output is for the measures
        for count in IDLE:
            with bridge(server, odoo) as (port, pid, _dsn):
                ours[f"kib_{count}"] = measured(memory(port, count, pid))
        with bridge(server, odoo) as (port, _pid, dsn):
            ours["authorize"] = measured(latency(port, lambda _n: frame("Authorize", {"idTag": TOKEN})))
            ours["start"] = measured(latency(port, start))
        with bridge(server, odoo) as (port, pid, dsn):
            ours["metervalues"] = measured(throughput(port, pid, our_cost))
            ours["ledger"] = ledger_rate(port, dsn)
        with bridge(server, odoo) as (port, _pid, dsn):
            ours["replay"] = measured(replay(port))
            lost = REPLAYED - kept(dsn, "StopTransaction")
            if lost:
                raise RuntimeError(f"{lost} transactions that were answered are not in the journal")
    odoo.stop()
    print(json.dumps([
        measure("metervalues_per_second", "1/s", ours["metervalues"], plain["metervalues"]),
        measure("metervalues_processor_us", "us", min(our_cost), min(plain_cost)),
        measure("authorize_p99_ms", "ms", ours["authorize"], plain["authorize"]),
        measure("start_transaction_p99_ms", "ms", ours["start"], plain["start"]),
        measure("kib_per_idle_connection", "KiB", ours["kib_5000"], plain["kib_5000"]),
        measure("kib_per_idle_connection_of_1000", "KiB", ours["kib_1000"], plain["kib_1000"]),
        measure("replay_transactions_per_second", "1/s", ours["replay"], plain["replay"]),
        measure("ledger_messages_per_second", "1/s", ours["ledger"], plain["metervalues"]),
    ]))


def measure(name: str, unit: str, value: float, base: float) -> dict[str, Any]:
    return {"name": name, "unit": unit, "value": round(value, 3), "baseline": round(base, 3)}


if __name__ == "__main__":
    main()
