"""`python -m station_simulator`: let a simulated station charge."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from dataclasses import replace

from websockets.exceptions import InvalidHandshake

from .station import FAULTS, Simulator, StationSettings, unset_clock


def main() -> None:
    """Run one session (or, with --serve, wait for remote starts for ever)."""
    parser = argparse.ArgumentParser(prog="station_simulator", description=__doc__)
    parser.add_argument("--url", required=True, help="ws://host:port/ocpp; the identity is added to the path")
    parser.add_argument("--identity", required=True)
    parser.add_argument("--password", default="")
    parser.add_argument("--ca", help="PEM file with the authority that is trusted, when the address is wss://")
    parser.add_argument("--certificate", help="PEM file with the certificate of the station, in place of a password")
    parser.add_argument("--key", help="PEM file with the key of the certificate")
    parser.add_argument("--ocpp", choices=["1.6", "2.0.1", "2.1"], default="1.6")
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
    parser.add_argument("--taper", action="store_true", help="charge with less and less power, as batteries do")
    parser.add_argument("--fault", choices=FAULTS, help="what goes wrong in the middle of a session")
    parser.add_argument(
        "--count", type=int, default=1, help="that many stations at once: identities get -1, -2 and so on"
    )
    parser.add_argument("--serve", action="store_true", help="stay connected and obey remote starts")
    options = vars(parser.parse_args())
    token, serve, count = options.pop("token"), options.pop("serve"), options.pop("count")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    try:
        asyncio.run(_run(_fleet(StationSettings(**options), count), token, serve))
    except InvalidHandshake as refusal:
        sys.exit(f"The station is not let in: {refusal}")
    except KeyboardInterrupt:
        return


def _fleet(settings: StationSettings, count: int) -> list[Simulator]:
    clock = {"clock": unset_clock} if settings.fault == "bad-clock" else {}
    if count == 1:
        return [Simulator(settings, **clock)]
    identities = [f"{settings.identity}-{number}" for number in range(1, count + 1)]
    return [Simulator(replace(settings, identity=identity), **clock) for identity in identities]


async def _run(fleet: list[Simulator], token: str | None, serve: bool) -> None:
    await asyncio.gather(*(simulator.run(token, serve=serve) for simulator in fleet))


if __name__ == "__main__":
    main()
