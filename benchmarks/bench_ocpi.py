"""Messages of OCPI coming in: CDRs pushed singly and pulled in pages, full syncs, real-time authorisation.

The baseline of what is kept is Odoo's own `create` of the same rows in the same run; that of the authorisation is the
list of versions, a route that only authenticates. BENCH_OCPI_CDRS and BENCH_OCPI_OBJECTS set other numbers.
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

DATABASE = "emobility_bench_ocpi"
SCRIPT = ROOT / "benchmarks" / "ocpi_in_odoo.py"
# name, value, baseline, unit
ROWS = (
    ("cdr_pull_vs_create", "cdr_pull", "cdr_create", "CDR/s"),
    ("cdr_push_vs_create", "cdr_push", "cdr_create", "CDR/s"),
    ("cdr_to_session_vs_create", "cdr_to_session", "cdr_create", "CDR/s"),
    ("token_sync_vs_create", "token_sync", "token_create", "token/s"),
    ("location_sync_vs_create", "location_sync", "location_create", "place/s"),
    ("authorize_p99_vs_empty_route", "authorize_p99", "empty_p99", "ms"),
)


def main() -> int:
    stdout, sys.stdout = sys.stdout, sys.stderr
    with running() as server, tempfile.TemporaryDirectory() as folder:
        config = odoo.write_config("bench", server, workers=0, max_cron_threads=0, proxy_mode=False)
        odoo.fresh_database(server, config, DATABASE)
        odoo.run(config, "-d", DATABASE, "-i", "emobility_roaming", "--stop-after-init", "--no-http", log="bench-ocpi")
        result = Path(folder) / "result.json"
        env = {
            "BENCH_CDRS": os.environ.get("BENCH_OCPI_CDRS", "20000"),
            "BENCH_OBJECTS": os.environ.get("BENCH_OCPI_OBJECTS", "100000"),
            "BENCH_RESULT": str(result),
        }
        odoo.run_script(config, DATABASE, SCRIPT.read_text(), env, log="bench-ocpi")
        found = json.loads(result.read_text())
        server.drop(DATABASE)
    sys.stdout = stdout
    print(json.dumps([
        {"name": name, "value": found[value], "unit": unit, "baseline": found[baseline]}
        for name, value, baseline, unit in ROWS
    ]))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
