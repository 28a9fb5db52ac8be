"""`python -m rating.cli rate`: JSON lines in, JSON lines out. The only module of the engine with I/O.

A line that cannot be priced gives a line that says why. Nothing else is ever written to standard output.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from .errors import InexactError, InputError
from .ocpi_rating import rate_ocpi, rate_usual
from .ocpi_tariff import as_object
from .policy import DEFAULT_POLICY, Policy

CHUNK = 1 << 18
LONGEST_LINE = 32 << 20


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        # The reader has seen enough. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rating")
    commands = parser.add_subparsers(required=True)
    rate = commands.add_parser("rate", help="price the CDRs on standard input, one JSON object per line")
    rate.add_argument("--round", type=_digits, metavar="DIGITS", help="round each line as an invoice does")
    rate.add_argument("--policy", type=_choice, action="append", default=[], metavar="NAME=VALUE")
    rate.set_defaults(command=_rate)
    return parser


def _digits(text: str) -> int:
    if not text.isdigit() or int(text) > 10:
        raise argparse.ArgumentTypeError("a number of decimals is 0 to 10")
    return int(text)


def _choice(text: str) -> tuple[str, Any]:
    """`overnight_day=start` as a field of the policy and its value."""
    name, _, value = text.partition("=")
    default = getattr(DEFAULT_POLICY, name, None)
    try:
        if isinstance(default, bool):
            return name, {"true": True, "false": False}[value]
        if isinstance(default, StrEnum):
            return name, type(default)(value)
    except (KeyError, ValueError):
        pass
    raise argparse.ArgumentTypeError(f"there is no choice {text}")


def _rate(options: argparse.Namespace) -> int:
    policy = replace(DEFAULT_POLICY, **dict(options.policy))
    # Nothing that is made here refers back to itself, and looking for that takes a tenth of the time.
    gc.disable()
    write = sys.stdout.buffer.write
    for lines in _batches(sys.stdin.fileno()):
        answers = [_encode(answer(line, policy, options.round)) for line in lines if line.strip()]
        if answers:
            answers.append(b"")
            write(b"\n".join(answers))
            sys.stdout.buffer.flush()
    return 0


def _batches(source: int) -> Iterator[list[bytes]]:
    """Lines as they come: all that are complete at once, so that a pipe is fast and a dialogue does not wait."""
    rest = b""
    while chunk := os.read(source, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines
        if len(rest) > LONGEST_LINE:
            yield [rest]
            rest = _skip_line(source)
    if rest:
        yield [rest]


def _skip_line(source: int) -> bytes:
    """Reads on to the end of a line that is too long to be kept."""
    while chunk := os.read(source, CHUNK):
        _, found, rest = chunk.partition(b"\n")
        if found:
            return rest
    return b""


def answer(line: bytes, policy: Policy, digits: int | None) -> dict[str, Any]:
    """What one line of input is answered with; never raises."""
    identifier: Any = None
    try:
        if len(line) > LONGEST_LINE:
            raise InputError("out_of_range", f"A line of more than {LONGEST_LINE} bytes is not read.")
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            message = _read_leniently(line, error)
            identifier = _identifier_of(message)
            rate_ocpi(message, policy=policy, digits=digits)
            raise InputError("invalid_json", f"The line is not JSON: {error}.") from None
        identifier = _identifier_of(as_object(message))
        if identifier is None:
            raise InputError("missing", "The field id is missing; it is a text or a number.", "id")
        try:
            priced = rate_usual(message, policy, digits)
        except InexactError:
            priced = rate_ocpi(json.loads(line, parse_float=Decimal), policy=policy, digits=digits)
        return {"id": identifier, **priced.to_json()}
    except InputError as error:
        return {"id": identifier, "error": {"code": error.code, "message": error.message, "path": error.path}}
    except Exception as error:  # the last resort that keeps the other lines going
        message = f"The line cannot be priced ({type(error).__name__})."
        return {"id": identifier, "error": {"code": "internal", "message": message, "path": ""}}


def _encode(answer: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(answer)
    except TypeError:
        # An id that came from lenient reading: half of a surrogate pair, or an integer of more than 64 bits.
        return json.dumps(answer).encode()


def _read_leniently(line: bytes, error: orjson.JSONDecodeError) -> Any:
    """What strict JSON refuses but Python reads, such as NaN, so that the answer can say where it is."""
    try:
        return json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise InputError("invalid_json", f"The line is not JSON: {error}.") from None


def _identifier_of(message: object) -> str | int | None:
    identifier = message.get("id") if isinstance(message, dict) else None
    return identifier if isinstance(identifier, (str, int)) and not isinstance(identifier, bool) else None


if __name__ == "__main__":
    sys.exit(main())
