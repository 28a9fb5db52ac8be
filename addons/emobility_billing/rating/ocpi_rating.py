"""Prices one message that holds an OCPI tariff and a CDR: what `./run rate` reads line by line."""

import marshal
from collections.abc import Mapping
from typing import Any

from .cdr_pricing import collect
from .compiled import Compiled
from .errors import InexactError, InputError
from .instants import local_clock
from .ocpi_cdr import read_cdr
from .ocpi_tariff import VERSIONS, as_object, read_tariff, required
from .policy import DEFAULT_POLICY, Policy
from .scale import MOST_DIGITS, USUAL, USUAL_DIGITS, Scale, digits_needed
from .settlement import Priced, settle


def rate_ocpi(
    message: object, *, policy: Policy = DEFAULT_POLICY, digits: int | None = None
) -> Priced:
    """Prices a CDR by an OCPI tariff.

    :param message: ``{"timezone", "version"?, "tariff", "cdr"}`` as JSON data
    :param digits: decimals that each line is rounded to, as on an invoice; None does not round
    :raises InputError: when it cannot be priced, with the path of what is wrong
    """
    try:
        return rate_usual(message, policy, digits)
    except InexactError:
        needed = digits_needed(message)
        if needed > MOST_DIGITS:
            raise InputError("out_of_range", f"A number has more than {MOST_DIGITS} decimals.") from None
        return _rate(as_object(message), policy, digits, Scale(max(needed, USUAL_DIGITS)))


def rate_usual(message: object, policy: Policy, digits: int | None) -> Priced:
    """As :func:`rate_ocpi`, for numbers with no more decimals than usual.

    :raises InexactError: when there is a number with more
    """
    return _rate(as_object(message), policy, digits, USUAL)


def _rate(data: Mapping[str, Any], policy: Policy, digits: int | None, scale: Scale) -> Priced:
    zone = required(data, "timezone")
    if not isinstance(zone, str):
        raise InputError("invalid_type", "timezone is the name of a time zone.", "timezone")
    try:
        clock = local_clock(zone)
    except InputError as error:
        raise error.under("timezone") from None
    tariff_data, cdr_data = required(data, "tariff"), required(data, "cdr")
    version = data.get("version")
    if version is not None and version not in VERSIONS:
        raise InputError("invalid_value", f"version is one of {', '.join(VERSIONS)}.", "version")
    if version is None and isinstance(cdr_data, Mapping) and "stop_date_time" in cdr_data:
        version = "2.1.1"
    try:
        tariff = _compiled(tariff_data, version, policy, scale)
    except InputError as error:
        raise error.under("tariff") from None
    try:
        session = read_cdr(cdr_data, scale)
        found = collect(tariff, session, clock, policy)
    except InputError as error:
        raise error.under("cdr") from None
    return settle(found, tariff, session, digits)


MOST_COMPILED = 256
"""More would not fit into the caches of a processor, which costs more than compiling."""
_compiled_tariffs: dict[tuple[bytes, str | None, int, int], tuple[Policy, Compiled]] = {}


def _compiled(data: Any, version: str | None, policy: Policy, scale: Scale) -> Compiled:
    """A tariff that is compiled once for each content: the CDRs of a day have few tariffs."""
    try:
        # Version 2 of the format does not depend on which objects happen to be the same.
        key = marshal.dumps(data, 2), version, scale.digits, id(policy)
    except ValueError:
        return read_tariff(data, version=version, policy=policy, scale=scale)
    known = _compiled_tariffs.get(key)
    if known is not None:
        return known[1]
    if len(_compiled_tariffs) >= MOST_COMPILED:
        _compiled_tariffs.clear()
    compiled = read_tariff(data, version=version, policy=policy, scale=scale)
    # The policy is kept so that its id stays its own.
    _compiled_tariffs[key] = policy, compiled
    return compiled
