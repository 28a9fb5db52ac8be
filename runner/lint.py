"""`./run lint`: ruff, pylint-odoo, OCA's hooks and mypy."""

from __future__ import annotations

import subprocess
from pathlib import Path

from runner.console import say
from runner.paths import ADDONS, BRIDGE, OUR_ADDONS, PYTHON, ROOT, VENV

MYPY_PACKAGES = (
    (ADDONS / "emobility_billing", "rating"),
    (ADDONS / "emobility_roaming", "ocpi"),
    (ADDONS / "emobility_nap", "datex"),
    (BRIDGE / "src", "emobility_bridge"),
)
MYPY = (str(PYTHON), "-m", "mypy", "--strict", "--no-error-summary", "--python-version", "3.11")
# Our fragments are Markdown without the README that OCA's bot makes of them; and a model that does several things is
# several classes on purpose, one concern in a file.
PYLINT_OFF = ("--disable=missing-readme,consider-merging-classes-inherited",)


def lint() -> int:
    """Runs all checks and returns how many failed."""
    return sum(not _check(title, command, folder) for title, command, folder in _checks())


def _checks() -> list[tuple[str, list[str], Path]]:
    binary = VENV / "bin"
    addons = [str(ADDONS / name) for name in OUR_ADDONS]
    checks = [
        ("ruff", [str(binary / "ruff"), "check", "."], ROOT),
        ("pylint-odoo", [str(binary / "pylint"), "--rcfile", str(ROOT / ".pylintrc"), *PYLINT_OFF, *addons], ROOT),
        ("OCA hooks", [str(binary / "oca-checks-odoo-module"), *addons], ROOT),
    ]
    for folder, package in MYPY_PACKAGES:
        if not (folder / package).is_dir():
            continue
        checks.append((f"mypy --strict {package}", [*MYPY, "-p", package], folder))
    return checks


def _check(title: str, command: list[str], folder: Path) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    say(f"    {'ok    ' if done.returncode == 0 else 'FAILED'} {title}")
    if done.returncode:
        say(done.stdout + done.stderr)
    return done.returncode == 0
