"""What support and the stations ask, with 200,000 customers, contracts and tokens and 20,000 EVSEs.

The baseline is the same question in the same database with 1,000 customers and 100 EVSEs. Fails when a question takes
more queries with many rows than with few. BENCH_SEED_CUSTOMERS sets another number of customers.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner import odoo  # noqa: E402
from runner.postgres import running  # noqa: E402

DATABASE = "emobility_bench_seed"
SCRIPT = ROOT / "benchmarks" / "seed_in_odoo.py"


def measured(config: Path, customers: int, evses: int) -> dict[str, dict]:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        env = {"BENCH_CUSTOMERS": str(customers), "BENCH_EVSES": str(evses), "BENCH_RESULT": str(result),
               "PYTHONPATH": str(SCRIPT.parent)}
        odoo.run_script(config, DATABASE, SCRIPT.read_text(), env, log="bench-seed")
        return json.loads(result.read_text())


def main() -> int:
    customers = int(os.environ.get("BENCH_SEED_CUSTOMERS", "200000"))
    # What the helpers of the runner say is for people: the table is read from standard output.
    stdout, sys.stdout = sys.stdout, sys.stderr
    with running() as server:
        config = odoo.write_config("bench", server, workers=0, max_cron_threads=0, proxy_mode=False)
        odoo.fresh_database(server, config, DATABASE)
        odoo.run(config, "-d", DATABASE, "-i", "emobility_billing", "--stop-after-init", "--no-http", log="bench-seed")
        few = measured(config, 1_000, 100)
        many = measured(config, customers, max(100, customers // 10))
        server.drop(DATABASE)
    sys.stdout = stdout
    measures, grown = [], []
    for name, found in many["measures"].items():
        base = few["measures"][name]
        measures.append({"name": name, "value": found["ms"], "unit": "ms", "baseline": base["ms"]})
        measures.append({"name": f"{name}: queries", "value": found["queries"], "unit": "queries",
                         "baseline": base["queries"]})
        if found["queries"] > base["queries"]:
            grown.append(name)
    for name, lines in many["plans"].items():
        print(f"{name}:", *lines, sep="\n    ", file=sys.stderr)
    print(json.dumps(measures))
    if grown:
        print(f"the queries grow with the table: {', '.join(grown)}", file=sys.stderr)
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main())
