"""Real charging sessions, dirty as they are, from a CSV file to posted invoices.

The file of Perth & Kinross Council is not part of the project; where it is missing, this journey is skipped. The month
is one in which the clocks were put back.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import odoo
from runner.paths import ADDONS, OUR_ADDONS, ROOT, RUNTIME
from runner.postgres import Server, running

SOURCE = ROOT.parent / "shared" / "data" / "perth_kinross_2016_17.csv"
MONTH = "2016-10"
DATABASE = "emobility_import"

# A tariff in pounds for the company, which is put into the United Kingdom; the profile makes a contract per site.
PREPARE = """
company = env.company
company.country_id = env.ref("base.uk")
env["account.chart.template"].try_loading("uk", company, install_demo=False)
tariff = env["emobility.tariff"].create({
    "name": "Public", "code": "PUBLIC", "company_id": company.id, "currency_id": company.currency_id.id,
    "price_mode": "gross", "version_ids": [(0, 0, {"valid_from": "2016-01-01", "element_ids": [
        (0, 0, {"start_time": 8, "end_time": 20, "component_ids": [(0, 0, {"dimension": "ENERGY", "price": 0.35})]}),
        (0, 0, {"component_ids": [(0, 0, {"dimension": "ENERGY", "price": 0.29}),
                                  (0, 0, {"dimension": "FLAT", "price": 0.38})]}),
    ]})],
})
env["emobility.price.rule"].create({"tariff_id": tariff.id, "relation": "retail", "company_id": company.id})
env.cr.commit()
"""

# The billing run of the month, its job, and what came out.
BILL = """
import json, os
run = env["emobility.billing.run"].create({"date_to": "2016-11-01", "auto_collect": False})
run.action_prepare()
run.action_start()
run._run_chunk(run.line_ids.ids)
run._finish()
moves = run.line_ids.move_ids
moves.action_post()
moves.flush_recordset()
result = {
    "state": run.state, "errors": run.line_ids.mapped("error"), "posted": list(set(moves.mapped("state"))),
    "moves": [{"total": round(move.amount_total, 2), "ratings": len(move.rating_ids),
               "rated": round(sum(move.rating_ids.mapped("amount_total")), 2),
               "annex": round(sum(row.amount for row in move._emobility_annex().rows), 2)} for move in moves],
    "open_before": env["emobility.rating"].search_count([("state", "=", "open"), ("end_at", "<", "2016-11-01")]),
}
with open(os.environ["EMOBILITY_RESULT"], "w") as out:
    json.dump(result, out)
env.cr.commit()
"""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of one month, those whose start cannot be read included."""
    if not SOURCE.exists():
        pytest.skip(f"{SOURCE.name} is not here")
    file = tmp_path_factory.mktemp("import") / "month.csv"
    with SOURCE.open(newline="") as source, file.open("w", newline="") as out:
        reader = csv.DictReader(source)
        assert reader.fieldnames
        writer = csv.DictWriter(out, reader.fieldnames)
        writer.writeheader()
        writer.writerows(row for row in reader if row["Start Date"][:7] == MONTH or not row["Start Date"][:4].isdigit())
    return file


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[Server, Path]]:
    with running() as server:
        config = odoo.write_config(DATABASE, server, db_name=DATABASE, workers=0)
        odoo.fresh_database(server, config, DATABASE)
        odoo.run(config, "-d", DATABASE, "-i", ",".join(OUR_ADDONS), "--stop-after-init", "--no-http",
                 log=f"{DATABASE}-install")
        odoo.run_script(config, DATABASE, PREPARE, {}, log=f"{DATABASE}-prepare")
        yield server, config


def take_in(config: Path, file: Path) -> dict[str, int]:
    """Runs the import command; returns the numbers of its last sentence."""
    command = odoo.command(f"--addons-path={ADDONS}", "import_sessions", "-c", str(config), "-d", DATABASE,
                           "-p", "perth_kinross", str(file))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) rows: (\d+) known before, (\d+) with problems. (\d+) sessions: (\d+) CDRs, (\d+) held",
                      done.stdout)
    assert found, done.stdout
    return dict(zip(("rows", "known", "problems", "sessions", "cdrs", "held"), map(int, found.groups()), strict=True))


def counts(server: Server) -> str:
    tables = ("session", "session_event", "hold", "cdr", "rating", "location", "evse")
    query = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM emobility_{table}" for table in tables)
    return server.run("psql", "-AtX", "-d", DATABASE, "-c", query)


def test_a_month_of_real_sessions_becomes_posted_invoices_that_add_up(
    database: tuple[Server, Path], month: Path
) -> None:
    server, config = database
    rows = len(month.read_text().splitlines()) - 1
    first = take_in(config, month)
    assert (first["rows"], first["sessions"], first["known"]) == (rows, rows, 0)
    assert first["cdrs"] + first["held"] == rows, "every row is a CDR or a hold"
    assert first["cdrs"] > rows * 0.8
    assert first["problems"] > 0, "the month has the hour that came twice"

    before = counts(server)
    again = take_in(config, month)
    assert again["known"] == rows
    assert counts(server) == before, "importing twice changes nothing"

    result_file = RUNTIME / "import-result.json"
    odoo.run_script(config, DATABASE, BILL, {"EMOBILITY_RESULT": str(result_file)}, log=f"{DATABASE}-bill")
    result: dict[str, Any] = json.loads(result_file.read_text())
    assert (result["state"], result["posted"], result["open_before"]) == ("done", ["posted"], 0)
    assert len(result["moves"]) == number(server, "count(DISTINCT location_id)", "<"), "one invoice for each site"
    for move in result["moves"]:
        assert move["total"] == move["rated"] == move["annex"], "the invoice is the sum of its sessions"
    # Sessions that ended in the next month are for its billing run.
    assert sum(move["ratings"] for move in result["moves"]) == first["cdrs"] - number(server, "count(*)", ">=")


def number(server: Server, what: str, operator: str) -> int:
    """Of the CDRs before, or from, the end of the month."""
    query = f"SELECT {what} FROM emobility_cdr WHERE end_at {operator} '2016-11-01'"
    return int(server.run("psql", "-AtX", "-d", DATABASE, "-c", query))
