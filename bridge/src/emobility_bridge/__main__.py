"""`python -m emobility_bridge`: run the bridge."""

from __future__ import annotations

import logging
import sys

import psycopg
import uvloop
from pydantic import ValidationError

from . import logs
from .back import Back
from .config import PREFIX, Config
from .front import Front
from .node import LostNode


def main() -> None:
    """Read the settings and serve; exits with a sentence when they are wrong or the database cannot be used."""
    try:
        config = Config.load(sys.argv[1:])
    except ValidationError as error:
        sys.exit(f"The settings are not complete or not right.\n{_problems(error)}")
    logs.set_up(config.log_level, config.log_json)
    try:
        # The front gives its number to its back.
        uvloop.run(Back(config).run() if config.node else Front(config).run())
    except psycopg.OperationalError as error:
        sys.exit(f"The bridge cannot use its database: {error}")
    except LostNode as error:
        logging.getLogger(__name__).error("The bridge gives up its number and has to be started again: %s", error)
        sys.exit(1)


def _problems(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        lines.append(f"  {PREFIX}{name.upper()}: {problem['msg']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
