"""`python -m rating.cli rate` and `lint-tariff`: JSON in, JSON lines out. The only module of the engine with I/O.

A line that cannot be priced gives a line that says why. Nothing else is ever written to standard output.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from .errors import InexactError, InputError, TariffError
from .ocpi_import import from_ocpi
from .ocpi_rating import rate_ocpi, rate_usual
from .ocpi_tariff import VERSIONS, as_object
from .policy import DEFAULT_POLICY, Policy
from .tariff_lint import Context, Severity, lint

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
    lint = commands.add_parser("lint-tariff", help="find what is wrong with the OCPI tariffs in a file")
    lint.add_argument("file", type=Path, help="a tariff, a list of them, or one per line; - is standard input")
    lint.add_argument("--context", type=_context, default=Context(), metavar="JSON")
    lint.set_defaults(command=_lint)
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


def _context(text: str) -> Context:
    """`{"power_kw": 150, "adhoc": true, "country": "DE", "clock_certified": false}`, each of them or none."""
    try:
        values = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        return Context(**values)
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"this is no context: {text}") from None


def _lint(options: argparse.Namespace) -> int:
    """Writes what is found per tariff; returns 1 when there is an error among it."""
    try:
        content = sys.stdin.buffer.read() if str(options.file) == "-" else options.file.read_bytes()
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    answers = [_lint_one(tariff, options.context) for tariff in _tariffs(content)]
    for found in answers:
        sys.stdout.buffer.write(_encode(found) + b"\n")
    return int(any("error" in found or _has_error(found["findings"]) for found in answers))


def _has_error(findings: list[dict[str, str]]) -> bool:
    return any(finding["severity"] == Severity.ERROR.value for finding in findings)


def _tariffs(content: bytes) -> list[Any]:
    """The tariffs in a file: one object, a list, or one object per line. What cannot be read stays as it is."""
    try:
        whole = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return [_tariff_of(line) for line in content.splitlines() if line.strip()] or [content]
    return whole if isinstance(whole, list) else [whole]


def _tariff_of(line: bytes) -> Any:
    try:
        return json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError):
        return line


def _lint_one(data: Any, context: Context) -> dict[str, Any]:
    """A tariff, or a line of `rate` with one."""
    version = None
    if isinstance(data, dict) and isinstance(data.get("tariff"), dict):
        data, version = data["tariff"], data.get("version")
    identifier = _identifier_of(data)
    try:
        if isinstance(data, bytes):
            raise InputError("invalid_json", "This is not JSON.")
        if version is not None and version not in VERSIONS:
            raise InputError("invalid_value", f"version is one of {', '.join(VERSIONS)}.", "version")
        findings = lint(from_ocpi(data, version), context)
    except InputError as error:
        return {"id": identifier, "error": {"code": error.code, "message": error.message, "path": error.path}}
    except TariffError as error:
        return {"id": identifier, "error": {"code": "invalid_value", "message": str(error), "path": ""}}
    return {"id": identifier, "findings": [asdict(finding) for finding in findings]}


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
