"""`./run rate` and `./run lint-tariff`: the tariff engine on the command line.

Standard output belongs to the engine, so what the set-up has to say goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys

from runner.paths import ADDONS, PYTHON
from runner.setup import set_up

MODULE = "rating.cli"


def engine(arguments: list[str]) -> int:
    """Replaces this process by the engine's command line; returns only where a process cannot be replaced."""
    with contextlib.redirect_stdout(sys.stderr):
        set_up()
    sys.stdout.flush()
    env = os.environ | {"PYTHONPATH": str(ADDONS / "emobility_billing")}
    os.execve(PYTHON, [str(PYTHON), "-m", MODULE, *arguments], env)
    return 1
