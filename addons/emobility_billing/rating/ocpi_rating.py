"""Prices one message that holds an OCPI tariff and a CDR: what `./run rate` reads line by line."""

import marshal
from collections.abc import Mapping
from typing import Any

from .cdr_pricing import collect
from .compiled import Compiled
from .errors import InexactError, InputError
from .instants import local_clock
from .ocpi_cdr import read_cdr
from .ocpi_tariff import VERSIONS, as_object, non_negative, read_tariff, required, required_list
from .policy import DEFAULT_POLICY, Policy
from .scale import MOST_DIGITS, USUAL, USUAL_DIGITS, Scale, digits_needed
from .settlement import LocalTax, Priced, settle


def rate_ocpi(
    message: object, *, policy: Policy = DEFAULT_POLICY, digits: int | None = None
) -> Priced:
    """Prices a CDR by an OCPI tariff.

    :param message: ``{"timezone", "version"?, "tariff", "cdr"}`` as JSON data. ``taxes``, a list of ``{"name",
        "percentage", "account_number"?}``, are those that the place knows and the tariff does not
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
    local_taxes = _local_taxes(data, scale) if data.get("taxes") is not None else ()
    return settle(found, tariff, session, digits, local_taxes)


def _local_taxes(data: Mapping[str, Any], scale: Scale) -> tuple[LocalTax, ...]:
    """The taxes of the place, in the shape of OCPI's TaxAmount without the amount."""
    taxes = []
    index = 0
    try:
        for entry in required_list(data, "taxes", MOST_TAXES):
            tax = as_object(entry)
            name, number = required(tax, "name"), tax.get("account_number")
            if not isinstance(name, str) or not isinstance(number, str | None):
                raise InputError("invalid_type", "The name and the account number of a tax are texts.")
            rate = non_negative(tax, "percentage", scale.number)
            if rate > 100 * scale.unit:
                raise InputError("out_of_range", "A percentage is at most 100.", "percentage")
            taxes.append(LocalTax(name, rate, number))
            index += 1
    except InputError as error:
        raise (error if error.path == "taxes" else error.under(f"taxes[{index}]")) from None
    return tuple(taxes)


MOST_TAXES = 20
MOST_COMPILED = 4096
MOST_SEEN = 10_000
_Key = tuple[str, str | None, int, int]
_seen: set[_Key] = set()
_compiled_tariffs: dict[_Key, tuple[bytes, Policy, Compiled]] = {}


def _compiled(data: Any, version: str | None, policy: Policy, scale: Scale) -> Compiled:
    """A tariff that is compiled once as long as its content stays the same: the CDRs of a day have few tariffs.

    It is kept when its id comes for the second time. To keep all would cost more than it saves where each CDR has
    another tariff.
    """
    identifier = data.get("id") if type(data) is dict else None
    if type(identifier) is not str:
        return read_tariff(data, version=version, policy=policy, scale=scale)
    key = identifier, version, scale.digits, id(policy)
    if key not in _seen:
        if len(_seen) >= MOST_SEEN:
            _seen.clear()
        _seen.add(key)
        return read_tariff(data, version=version, policy=policy, scale=scale)
    try:
        # Not compared as they are: 1 is True for Python. Version 2 does not depend on which objects are the same.
        content = marshal.dumps(data, 2)
    except ValueError:
        return read_tariff(data, version=version, policy=policy, scale=scale)
    known = _compiled_tariffs.get(key)
    if known is not None and known[0] == content:
        return known[2]
    compiled = read_tariff(data, version=version, policy=policy, scale=scale)
    if len(_compiled_tariffs) >= MOST_COMPILED:
        _compiled_tariffs.clear()
    # The policy is kept so that its id stays its own.
    _compiled_tariffs[key] = content, policy, compiled
    return compiled
