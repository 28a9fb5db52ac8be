"""The commands of `./run`."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from runner.console import RunError, fail, say
from runner.paths import RUNTIME


def main(argv: list[str]) -> int:
    args, rest = _parser().parse_known_args(argv)
    if rest and args.command not in (_station, _bench):
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    args.rest = rest
    # Being told to end is like Ctrl-C: what was started is stopped, in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(args.command(args) or 0)
    except RunError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run", description="Sets up what is missing, then does what you ask.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="start the product on demonstration data and play a charging session")
    demo.add_argument("--once", action="store_true", help="play OCPP 1.6 and 2.0.1, print a JSON summary, stop")
    demo.set_defaults(command=_demo)

    setup = commands.add_parser("setup", help="only set up what is missing")
    setup.set_defaults(command=_setup)

    test = commands.add_parser("test", help="run all tests, or: lint, pure, odoo, journeys, an addon, a pytest path")
    test.add_argument("selection", nargs="*")
    test.set_defaults(command=_test)

    serve = commands.add_parser("serve", help="run the product for real use, from odoo.conf")
    serve.add_argument("--database", default="emobility")
    serve.add_argument("--port", type=int, help="of Odoo; default: that of odoo.conf")
    serve.add_argument("--gevent-port", type=int, help="of Odoo's live connections; default: that of odoo.conf")
    serve.add_argument("--station-port", type=int, default=9000, help="where stations connect")
    serve.set_defaults(command=_serve)

    shell = commands.add_parser("shell", help="open an Odoo shell")
    shell.add_argument("--database", default="emobility_demo")
    shell.set_defaults(command=_shell)

    imports = commands.add_parser("import", help="take in charging sessions from a CSV file")
    imports.add_argument("file", type=Path)
    imports.add_argument("--database", default="emobility_demo")
    imports.add_argument("--profile", default="perth_kinross", help="code of the import profile: which column is what")
    imports.set_defaults(command=_import)

    bench = commands.add_parser("bench", help="measure against a baseline in the same run; prints JSON last")
    bench.add_argument("name", help="which one; see the folder benchmarks/. Its own options follow")
    bench.set_defaults(command=_bench)

    rate = commands.add_parser("rate", help="price OCPI CDRs: JSON lines on standard input to JSON lines")
    rate.add_argument("--round", metavar="DIGITS", help="round each line as an invoice does")
    rate.add_argument("--policy", action="append", default=[], metavar="NAME=VALUE",
                      help="decide a question that OCPI leaves open; docs/tariff-engine.md lists them")
    rate.set_defaults(command=_rate)

    lint_tariff = commands.add_parser("lint-tariff", help="find what is wrong with an OCPI tariff in a JSON file")
    lint_tariff.add_argument("file")
    lint_tariff.add_argument("--context", metavar="JSON", help='what is known of the place, such as {"power_kw": 150}')
    lint_tariff.set_defaults(command=_lint_tariff)

    station = commands.add_parser(
        "station", add_help=False, help="simulate stations: --ocpp 1.6|2.0.1|2.1 --count N --fault …; see --help"
    )
    station.set_defaults(command=_station)

    lint = commands.add_parser("lint", help="check the code: ruff, pylint-odoo, OCA hooks, mypy")
    lint.set_defaults(command=_lint)

    lock = commands.add_parser("lock", help="resolve requirements.in into requirements.lock anew")
    lock.set_defaults(command=_lock)

    clean = commands.add_parser("clean", help="remove all that the set-up and the runs made")
    clean.set_defaults(command=_clean)
    return parser


def _demo(args: argparse.Namespace) -> int:
    from runner.demo import demo, demo_once

    return demo_once() if args.once else demo()


def _setup(_args: argparse.Namespace) -> None:
    from runner.setup import set_up

    set_up()


def _test(args: argparse.Namespace) -> int:
    from runner.tests import test

    return test(args.selection)


def _serve(args: argparse.Namespace) -> int:
    from runner.serve import serve

    return serve(args.database, args.port, args.gevent_port, args.station_port)


def _shell(args: argparse.Namespace) -> int:
    from runner.serve import shell

    return shell(args.database)


def _import(args: argparse.Namespace) -> int:
    from runner.serve import import_sessions

    return import_sessions(args.file, args.database, args.profile)


def _bench(args: argparse.Namespace) -> int:
    from runner.bench import bench

    return bench(args.name, args.rest)


def _rate(args: argparse.Namespace) -> int:
    from runner.rate import engine

    arguments = ["rate"]
    if args.round is not None:
        arguments += ["--round", args.round]
    for choice in args.policy:
        arguments += ["--policy", choice]
    return engine(arguments)


def _lint_tariff(args: argparse.Namespace) -> int:
    from runner.rate import engine

    context = ["--context", args.context] if args.context is not None else []
    return engine(["lint-tariff", args.file, *context])


def _station(args: argparse.Namespace) -> int:
    """All options are those of the simulator."""
    from runner.paths import PYTHON
    from runner.setup import set_up

    set_up()
    return subprocess.call([str(PYTHON), "-m", "station_simulator", *args.rest])


def _lint(_args: argparse.Namespace) -> int:
    from runner.lint import lint
    from runner.setup import set_up

    set_up()
    return lint()


def _lock(_args: argparse.Namespace) -> None:
    from runner.setup import lock

    lock()


def _clean(_args: argparse.Namespace) -> None:
    shutil.rmtree(RUNTIME, ignore_errors=True)
    say(f"removed {RUNTIME}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
