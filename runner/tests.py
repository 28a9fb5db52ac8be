"""`./run test`: lint, pure tests, Odoo tests, journeys; one line with the counts at the end."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from runner import coverage, lint, odoo
from runner.console import RunError, fail, say, step
from runner.paths import LOGS, OUR_ADDONS, ROOT
from runner.postgres import Server, running
from runner.services import free_port
from runner.setup import set_up

PURE = ("tests/rating", "tests/ocpi", "tests/psp", "tests/terminal", "tests/runner", "bridge/tests")
JOURNEYS = "tests/journeys"
# Journeys that make databases of their own; the others share one product. The two kinds run side by side.
ON_THEIR_OWN = ("test_month.py", "test_roaming.py", "test_roaming_adhoc.py", "test_roaming_month.py", "test_serve.py")
TEST_DATABASE = "emobility_test"
PREPARATION = """
from odoo.addons.emobility_billing.tests.common import prepare_company
prepare_company(env)
env.cr.commit()
"""
LOWER_HALF = ("emobility_billing", "emobility_crm", "emobility_crm_lead", "report_weasyprint")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed)


def test(selection: list[str]) -> int:
    """Runs the stages named (`lint`, `pure`, `odoo`, `journeys`), an addon's tests, or single pytest paths; all
    without a selection."""
    stages, addons, paths = _sort_out(selection)
    set_up(browser=True)
    coverage.forget()
    total = Count()
    with running() as server:
        for name in stages:
            with step(f"Tests: {name}"):
                total += STAGES[name](server)
        if addons:
            with step(f"Tests: {', '.join(addons)}"):
                total += _odoo(server, addons)
        if paths:
            total += _pytest(server, paths)
    if not selection:
        coverage.report()
    say(f"{total.passed} passed, {total.failed} failed")
    return fail("there are failed tests") if total.failed or not total.passed else 0


def _sort_out(selection: list[str]) -> tuple[list[str], list[str], list[str]]:
    if not selection:
        return list(STAGES), [], []
    stages = [name for name in selection if name in STAGES]
    addons = [name for name in selection if name in OUR_ADDONS]
    paths = [name for name in selection if name not in STAGES and name not in OUR_ADDONS]
    for path in paths:
        if not (ROOT / path.split("::")[0]).exists():
            raise RunError(f"nothing to test is called {path}; say one of {', '.join((*STAGES, *OUR_ADDONS))}"
                           ", or the path of a pytest file")
    return stages, addons, paths


def _lint(_server: Server) -> Count:
    failed = lint.lint()
    return Count(0 if failed else 1, failed)


def _pure(server: Server) -> Count:
    return _pytest(server, [path for path in PURE if (ROOT / path).is_dir()])


def _journeys(server: Server) -> Count:
    # Both halves start from this database, which is made only once.
    odoo.installed(server, odoo.write_config("test", server, workers=0, max_cron_threads=0, proxy_mode=False))
    files = [path for path in sorted((ROOT / JOURNEYS).glob("test_*.py"))]
    halves = [[file for file in files if (file.name in ON_THEIR_OWN) is alone] for alone in (True, False)]
    with ThreadPoolExecutor() as pool:
        counts = pool.map(lambda half: _pytest(server, [str(file.relative_to(ROOT)) for file in half]), halves)
    return sum(counts, Count())


def _pytest(server: Server, paths: list[str]) -> Count:
    if not paths:
        return Count()
    env = os.environ | server.environment() | {
        "EMOBILITY_TEST_PG": f"host={server.host} port={server.port} user={server.user}",
        "PYTHONUNBUFFERED": "1",
    }
    LOGS.mkdir(exist_ok=True)
    report = LOGS / f"pytest-{Path(paths[0]).stem}.txt"
    options = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning", "--durations=8")
    command = coverage.covered(f"pytest-{Path(paths[0]).stem}", "-m", "pytest", *options, *paths)
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process, report.open("w") as out:
        assert process.stdout is not None
        for line in process.stdout:
            out.write(line)
            print(line, end="", flush=True)
    counts = dict((word, int(number)) for number, word in
                  re.findall(r"(\d+) (passed|failed|errors?)", report.read_text().rsplit("\n", 2)[-2]))
    failed = sum(number for word, number in counts.items() if word != "passed")
    # An interpreter that dies without a closing line must not pass for a green run.
    return Count(counts.get("passed", 0), failed or int(process.returncode != 0))


def _odoo(server: Server, addons: list[str] | None = None) -> Count:
    """The tests of these addons, which alone are installed then; or of all, in halves on databases that have all."""
    config = odoo.write_config("test", server, workers=0, max_cron_threads=0, proxy_mode=False)
    shards = [Shard(f"{TEST_DATABASE}_{number}", tested) for number, tested in enumerate(_shards(addons), start=1)]
    running_shards = []
    if not addons:
        odoo.installed_database(server, config, TEST_DATABASE)
        odoo.run_script(config, TEST_DATABASE, PREPARATION, {}, log="test-company")
    for shard in shards:
        if addons:
            odoo.fresh_database(server, config, shard.database)
        else:
            server.drop(shard.database)
            server.create(shard.database, TEST_DATABASE)
        port = free_port(8169 + 20 * len(running_shards))
        running_shards.append((shard, _start_shard(config, shard, port, *(["-i", ",".join(addons)] if addons else []))))
    total = Count()
    for shard, process in running_shards:
        process.wait()
        total += _count_odoo(shard.log, process.returncode)
    return total


@dataclass
class Shard:
    """Addons that are tested by one process."""

    database: str
    addons: list[str]

    @property
    def log(self) -> Path:
        return LOGS / f"odoo-tests-{self.database}.log"


def _shards(addons: list[str] | None) -> list[list[str]]:
    """Two halves that take about the same time: billing with what it stands on, and all that stands on it."""
    if addons:
        return [addons]
    lower = [name for name in OUR_ADDONS if name in LOWER_HALF]
    return [lower, [name for name in OUR_ADDONS if name not in LOWER_HALF]]


def _start_shard(config: Path, shard: Shard, port: int, *options: str) -> subprocess.Popen[bytes]:
    args = coverage.covered(
        f"odoo-{shard.database}", str(ROOT / "runner" / "bin" / "odoo"), "server", "-c", str(config),
        "-d", shard.database, *options, "--test-tags", ",".join(f"/{name}" for name in shard.addons),
        "--http-port", str(port), "--stop-after-init"
    )
    with shard.log.open("w") as out:
        return subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT)


def _count_odoo(log: Path, returncode: int) -> Count:
    """Odoo says at the end how many tests ran and how many failed; errors in the log count as failures too."""
    text = log.read_text(errors="replace")
    found = re.search(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading", text)
    problems = [line for line in text.splitlines() if re.search(r" \d+ (ERROR|CRITICAL) ", line)]
    problems = [line for line in problems if "selfie_segmentation" not in line and "pg_trgm" not in line]
    if found is None or problems or returncode:
        say("\n".join(problems[-40:] or text.splitlines()[-40:]))
    if found is None:
        return Count(0, 1)
    bad = int(found[1]) + int(found[2])
    count = Count(int(found[3]) - bad, bad or int(bool(problems) or returncode != 0))
    say(f"    {count.passed} passed, {count.failed} failed; log: {log}")
    return count


STAGES: dict[str, Callable[[Server], Count]] = {"lint": _lint, "pure": _pure, "odoo": _odoo, "journeys": _journeys}
