"""`python -m emobility_bridge`: run the bridge."""

from __future__ import annotations

import logging
import sys

import psycopg
import uvloop

from .app import Bridge
from .config import Config


def main() -> None:
    """Read the settings and serve; exits with a sentence when the database cannot be used."""
    config = Config.load(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it writes two lines for every health check
    try:
        uvloop.run(Bridge(config).run())
    except psycopg.OperationalError as error:
        sys.exit(f"The bridge cannot use its database: {error}")


if __name__ == "__main__":
    main()
