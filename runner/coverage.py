"""Which lines of ours the tests have run, over all their processes."""

from __future__ import annotations

import json
import subprocess

from runner.console import say
from runner.paths import ADDONS, BRIDGE, PYTHON, ROOT, RUNTIME

SOURCES = (str(ADDONS), str(BRIDGE / "src"))
OMITTED = ("*/tests/*", "*/__manifest__.py")
FOLDER = RUNTIME / "coverage"
WORST = 40
COVERED = ROOT / "runner" / "bin" / "covered"


def forget() -> None:
    """What was run before does not count."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()


def covered(name: str, *program: str) -> list[str]:
    """The command that runs a program of Python (a file, or -m and a module) and keeps under a name what it ran."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return [str(PYTHON), str(COVERED), str(FOLDER / f"{name}.json"), *program]


def report() -> None:
    """Print how much was run of all, and of the files of which least was."""
    merged = FOLDER / "all.json"
    files = [str(file) for file in sorted(FOLDER.glob("*.json"))]
    command = [str(PYTHON), "-m", "slipcover", "--out", str(merged), "--merge", *files]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    told = json.loads(merged.read_text())
    rows = [(name, file["summary"]) for name, file in told["files"].items() if file["missing_lines"]]
    for name, row in sorted(rows, key=lambda each: each[1]["percent_covered"])[:WORST]:
        say(f"    {row['percent_covered']:5.1f} %  {row['missing_lines']:4} lines missing  {name}")
    say(f"Our lines that were run: {told['summary']['percent_covered']:.1f} %")
