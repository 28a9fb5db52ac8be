"""The pages of charging without a contract while 500 phones watch their session over the bus: one process of Odoo for
pages, one for the sockets.

The baseline of each measure is Odoo's own log-in page, the smallest page of its web frontend, in the same run and under
the same load; the three are asked for in turn.

- `price_page_p95_vs_empty_page`: the page behind the code on a charging point, first view of a phone without cookies
- `status_p95_vs_empty_page`: the figures of a session, for phones that cannot be pushed to
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from statistics import quantiles
from typing import Any

import requests
import websockets

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner import odoo  # noqa: E402
from runner.postgres import running  # noqa: E402
from runner.services import Service, Services, free_port  # noqa: E402
from runner.stack import aim_queue, odoo_service  # noqa: E402

DATABASE = "emobility_bench_adhoc"
SCRIPT = ROOT / "benchmarks" / "adhoc_in_odoo.py"
WATCHING = int(os.environ.get("BENCH_ADHOC_WATCHING", "500"))
ROUNDS = int(os.environ.get("BENCH_ADHOC_ROUNDS", "200"))


class Phones:
    """Browsers that listen to their session."""

    def __init__(self, port: int, seed: dict[str, Any]) -> None:
        self.url = f"ws://127.0.0.1:{port}/websocket?version={seed['version']}"
        self.origin = f"http://127.0.0.1:{port}"
        self.channels = [channel for _path, channel in seed["sessions"]]
        self.tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        ready: list[asyncio.Future[None]] = []
        for index, channel in enumerate(self.channels):
            future = asyncio.get_running_loop().create_future()
            ready.append(future)
            self.tasks.append(asyncio.create_task(self._listen(channel, future)))
            if index % 4 == 3:
                await self._all(ready)
        await self._all(ready)

    async def _all(self, ready: list[asyncio.Future[None]]) -> None:
        """All that were begun are connected, or one of them failed."""
        await asyncio.wait([asyncio.gather(*ready), *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self.tasks:
            if task.done():
                task.result()

    async def _listen(self, channel: str, ready: asyncio.Future[None]) -> None:
        async with websockets.connect(self.url, origin=self.origin, open_timeout=60) as socket:
            await socket.send(json.dumps({"event_name": "subscribe", "data": {"channels": [channel], "last": 0}}))
            ready.set_result(None)
            async for _message in socket:
                pass

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()


def ask(url: str) -> float:
    start = time.perf_counter()
    response = requests.get(url, timeout=30)
    took = time.perf_counter() - start
    response.raise_for_status()
    return 1000 * took


def measure(base: str, paths: dict[str, str]) -> dict[str, float]:
    """95th percentile in milliseconds of each path; they take turns, so that a busy moment meets them all."""
    times: dict[str, list[float]] = {name: [] for name in paths}
    for path in paths.values():
        for _time in range(5):
            ask(base + path)
    for _round in range(ROUNDS):
        for name, path in paths.items():
            times[name].append(ask(base + path))
    return {name: quantiles(found, n=20)[-1] for name, found in times.items()}


def sockets(config: Path, port: int) -> Service:
    """The process that keeps the connections of the bus."""
    return Service("bench-adhoc-sockets", odoo.command("gevent", "-c", str(config)),
                   health_url=f"http://127.0.0.1:{port}/web/health")


async def run(http_port: int, gevent_port: int, seed: dict[str, Any]) -> list[dict[str, Any]]:
    phones = Phones(gevent_port, seed)
    await phones.connect()
    base = f"http://127.0.0.1:{http_port}"
    paths = {"empty": "/web/login", "price": seed["page"], "status": seed["sessions"][0][0] + "/status"}
    found = await asyncio.to_thread(measure, base, paths)
    phones.close()
    rows = {"price_page_p95_vs_empty_page": "price", "status_p95_vs_empty_page": "status"}
    return [{"name": name, "value": found[key], "unit": "ms", "baseline": found["empty"]} for name, key in rows.items()]


def main() -> None:
    with redirect_stdout(sys.stderr), running() as server, Services() as services, tempfile.TemporaryDirectory() as box:
        http_port, gevent_port = free_port(8069), free_port(8072)
        config = odoo.write_config("bench-adhoc", server, workers=0, max_cron_threads=0, proxy_mode=False,
                                   http_port=http_port, gevent_port=gevent_port, db_name=DATABASE)
        aim_queue(config, http_port)
        odoo.fresh_database(server, config, DATABASE)
        odoo.run(config, "-d", DATABASE, "-i", "emobility_adhoc", "--stop-after-init", "--no-http", log="bench-adhoc")
        result = Path(box) / "seed.json"
        odoo.run_script(config, DATABASE, SCRIPT.read_text(),
                        {"BENCH_WATCHING": str(WATCHING), "BENCH_RESULT": str(result)}, log="bench-adhoc")
        services.start(odoo_service("bench-adhoc-odoo", config, http_port)).wait_until_healthy()
        services.start(sockets(config, gevent_port)).wait_until_healthy()
        measures = asyncio.run(run(http_port, gevent_port, json.loads(result.read_text())))
    print(json.dumps(measures))


if __name__ == "__main__":
    main()
