"""Progress and errors for a person at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class RunError(Exception):
    """Something that the user can put right; shown without a traceback."""


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Says what is going on, and how long it took."""
    say(f"==> {title}")
    begin = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - begin:.1f} s")


def fail(text: str) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return 1
