"""From CDRs to posted invoices, against Odoo creating and posting the same moves from values that are given.

100,000 rated CDRs of 5,000 payers become invoices by a billing run: its snapshot, its jobs and theirs, each in a
transaction of its own, until the last invoice is posted. What follows (PDF, mail, charge) is not in that time.
After each chunk the same process has Odoo make and post the same moves again from prepared values: the limit. With two
workers, two processes take jobs until none is left, and then two processes make the moves of the limit. Measures:

- `cdr_to_posted_vs_limit`, `cdr_to_posted_vs_limit_two_workers`: seconds for all on the clock, with snapshot and jobs
- `..._processor`: the same in processor time of the workers, which other work on the machine disturbs less
- `memory_of_worker`: MiB after all chunks, against after the first tenth of them
- `queries_per_payer`: of the last tenth of the chunks, against the first tenth
- `pdf_per_second`: invoices of 20 sessions with their annex per second of processor time, against plain WeasyPrint that
  gets the finished HTML and reads the stylesheet each time

For a quick try: `./run bench billing --cdrs 10000 --payers 500`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner import odoo  # noqa: E402
from runner.postgres import running  # noqa: E402

DATABASE = "emobility_bench_billing"
SCRIPT = ROOT / "benchmarks" / "billing_in_odoo.py"
FILES = {
    "BENCH_LOGO": str(ROOT / "addons" / "emobility_crm" / "static" / "description" / "icon.png"),
    "BENCH_STYLE": str(ROOT / "addons" / "emobility_billing" / "static" / "src" / "report" / "charging_invoice.css"),
    "PYTHONPATH": str(SCRIPT.parent),
}


class Bench:
    """Steps of the benchmark, each in a process of Odoo of its own."""

    def __init__(self, config: Path, cdrs: int, payers: int) -> None:
        self._config = config
        self._env = FILES | {"BENCH_CDRS": str(cdrs), "BENCH_PAYERS": str(payers)}

    def step(self, database: str, name: str, number: int = 0, **env: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            result, progress = Path(folder) / "result.json", Path(folder) / "progress"
            values = self._env | env | {
                "BENCH_STEP": name, "BENCH_RESULT": str(result), "BENCH_PROGRESS": str(progress)}
            with followed(f"{database}: {name} {number}", progress):
                log = f"bench-billing-{name}-{number}"
                odoo.run_script(self._config, database, SCRIPT.read_text(), values, log=log)
            found = json.loads(result.read_text())
        # Nothing that was measured is lost when a later step fails.
        print(json.dumps(found), file=sys.stderr, flush=True)
        return found

    def two(self, database: str, name: str) -> list[Any]:
        """The step in two processes at once."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda n: self.step(database, name, n, BENCH_SHARE=f"{n}/2"), range(2)))


@contextmanager
def followed(title: str, progress: Path) -> Iterator[None]:
    """Says on standard error what a step says of itself in a file, when there is something new."""
    begun = time.perf_counter()
    done = threading.Event()

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {title}: {text}", file=sys.stderr, flush=True)

    def follow() -> None:
        said = ""
        while not done.wait(5):
            text = progress.read_text() if progress.exists() else ""
            if text != said:
                said = text
                say(text)

    say("begins")
    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    say(f"done in {time.perf_counter() - begun:.0f} s")


def tenth(queries: list[list[int]], *, last: bool) -> float:
    """Queries per payer in the first or last tenth of the chunks."""
    count = max(1, len(queries) // 10)
    some = queries[-count:] if last else queries[:count]
    return sum(number for number, _payers in some) / sum(payers for _number, payers in some)


def measured(server: Any, config: Path, bench: Bench) -> list[dict[str, Any]]:
    odoo.fresh_database(server, config, DATABASE)
    odoo.run(config, "-d", DATABASE, "-i", "emobility_billing", "--stop-after-init", "--no-http", log="bench-billing")
    bench.step(DATABASE, "seed")
    # As autovacuum leaves rows that came in over a month; it shall not begin with them in the midst of a measure.
    server.run("vacuumdb", "--analyze", "--quiet", DATABASE)
    copy = f"{DATABASE}_two"
    server.drop(copy)
    server.create(copy, DATABASE)

    started = bench.step(DATABASE, "start")
    one = bench.step(DATABASE, "work", BENCH_LIMIT="1")
    pdf = bench.step(DATABASE, "pdf")
    server.drop(DATABASE)

    started_two = bench.step(copy, "start")
    two = bench.two(copy, "work")
    limit = bench.two(copy, "work_limit")
    server.drop(copy)

    memory = one["memory"]
    first = memory[max(1, len(memory) // 10) - 1]
    rows = [
        ("cdr_to_posted_vs_limit", started["seconds"] + one["ours"], "s", one["limit"]),
        ("cdr_to_posted_vs_limit_two_workers", started_two["seconds"] + max(each["ours"] for each in two), "s",
         max(each["limit"] for each in limit)),
        ("cdr_to_posted_vs_limit_processor", one["ours_processor"], "s", one["limit_processor"]),
        ("cdr_to_posted_vs_limit_two_workers_processor", sum(each["ours_processor"] for each in two), "s",
         sum(each["limit_processor"] for each in limit)),
        ("memory_of_worker", memory[-1], "MiB", first),
        ("queries_per_payer", tenth(one["queries"], last=True), "queries", tenth(one["queries"], last=False)),
        ("pdf_per_second", 1 / pdf["ours"], "/s", 1 / pdf["plain"]),
    ]
    print(f"{one['moves']} invoices, {pdf['sessions']} sessions on each; snapshot and jobs: {started['seconds']:.1f} s;"
          f" with two workers repeated after a conflict: {sum(each['repeated'] for each in two)} jobs,"
          f" {sum(each['repeated'] for each in limit)} of the limit", file=sys.stderr)
    return [{"name": name, "value": value, "unit": unit, "baseline": base} for name, value, unit, base in rows]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench billing")
    parser.add_argument("--cdrs", type=int, default=100_000)
    parser.add_argument("--payers", type=int, default=5_000)
    args = parser.parse_args()
    begun = time.perf_counter()
    # What the helpers of the runner say is for people: the table is read from standard output.
    stdout, sys.stdout = sys.stdout, sys.stderr
    with running() as server:
        config = odoo.write_config("bench", server, workers=0, max_cron_threads=0, proxy_mode=False)
        measures = measured(server, config, Bench(config, args.cdrs, args.payers))
    sys.stdout = stdout
    print(f"{time.perf_counter() - begun:.0f} s in all", file=sys.stderr)
    print(json.dumps(measures))


if __name__ == "__main__":
    main()
