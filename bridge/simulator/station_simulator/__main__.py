"""`python -m station_simulator`: let a simulated station charge."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from websockets.exceptions import InvalidHandshake

from .station import Simulator, StationSettings


def main() -> None:
    """Run one session (or, with --serve, wait for remote starts for ever)."""
    parser = argparse.ArgumentParser(prog="station_simulator", description=__doc__)
    parser.add_argument("--url", required=True, help="ws://host:port/ocpp; the identity is added to the path")
    parser.add_argument("--identity", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--ocpp", choices=["1.6", "2.0.1"], default="1.6")
    parser.add_argument("--evse", type=int, default=1)
    parser.add_argument(
        "--token", help="token that charges; without one the station waits for a remote start"
    )
    parser.add_argument("--energy-kwh", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the charging, ending now")
    parser.add_argument(
        "--idle-minutes", type=float, default=0.0, help="how long the cable stays in afterwards"
    )
    parser.add_argument("--time-scale", type=float, help="simulated seconds per second; default: all at once")
    parser.add_argument(
        "--live", action="store_true", help="sessions begin now, in real time, with a reading every 10 seconds"
    )
    parser.add_argument("--serve", action="store_true", help="stay connected and obey remote starts")
    options = vars(parser.parse_args())
    token, serve = options.pop("token"), options.pop("serve")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    try:
        asyncio.run(Simulator(StationSettings(**options)).run(token, serve=serve))
    except InvalidHandshake as refusal:
        sys.exit(f"The station is not let in: {refusal}")
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
