"""`./run bench NAME`: runs `benchmarks/bench_NAME.py`, which prints its measures as JSON, and shows them as a table."""

from __future__ import annotations

import json
import os
import subprocess

from runner.console import RunError, say
from runner.paths import ADDONS, PYTHON, ROOT
from runner.setup import set_up

FOLDER = ROOT / "benchmarks"


def bench(name: str, options: list[str]) -> int:
    names = sorted(file.stem.removeprefix("bench_") for file in FOLDER.glob("bench_*.py"))
    if name not in names:
        raise RunError(f"there is no benchmark {name}; there are: {', '.join(names)}")
    set_up()
    env = os.environ | {"PYTHONPATH": str(ADDONS / "emobility_billing")}
    command = [str(PYTHON), str(FOLDER / f"bench_{name}.py"), *options]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    measures = json.loads(done.stdout)
    for row in measures:
        row["ratio"] = round(row["value"] / row["baseline"], 3)
    say(f"{'measure':<44}{'value':>12} {'unit':<8}{'baseline':>12}{'ratio':>9}")
    for row in measures:
        say(f"{row['name']:<44}{row['value']:>12.3f} {row['unit']:<8}{row['baseline']:>12.3f}{row['ratio']:>9.3f}")
    say(json.dumps({"bench": name, "measures": measures}))
    return 0
