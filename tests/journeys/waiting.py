"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(what: str, condition: Callable[[], Any], seconds: float = 120) -> Any:
    """What the condition returns once it is true; fails after so many seconds, which only a hanging process takes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited in vain: {what}")
