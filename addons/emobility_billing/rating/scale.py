"""JSON numbers as integers of one common scale, without a rounding error.

A JSON reader gives floats. The decimal number that a float was written as is the shortest one that reads as
the same float, as long as it had at most 15 digits; so multiplying and checking the way back is exact. Numbers
with more digits are refused with :class:`InexactError`, and the caller reads the message again with exact
decimals and a finer scale.
"""

from decimal import Decimal, InvalidOperation
from math import isfinite

from .errors import InexactError, InputError

LARGEST = 1_000_000_000
"""Nothing that a tariff or a charging session holds is larger."""
USUAL_DIGITS = 6
MOST_DIGITS = 40


class Scale:
    """Reads JSON numbers as multiples of ``10 ** -digits``."""

    __slots__ = ("_factor", "_fast", "digits", "unit")

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.unit: int = 10**digits
        self._factor = float(self.unit)
        # With more digits a float has no room for the largest numbers, and the way back proves nothing.
        self._fast = digits == USUAL_DIGITS

    def number(self, value: object) -> int:
        """A JSON number, or a text that is one (the 2.1.1 example of a CDR writes a price so).

        :raises InputError: when it is no finite number of a sensible size
        :raises InexactError: when it has more digits than the scale
        """
        if type(value) is float and self._fast:
            if not -LARGEST <= value <= LARGEST:
                raise _unusable(value)
            whole = round(value * self._factor)
            if whole / self._factor != value:
                raise InexactError(repr(value))
            return whole
        if type(value) is int:
            if not -LARGEST <= value <= LARGEST:
                raise _unusable(value)
            return value * self.unit
        return self._decimal(value)

    def _decimal(self, value: object) -> int:
        number = _as_decimal(value)
        if not number.is_finite() or abs(number) > LARGEST:
            raise _unusable(number)
        whole, rest = divmod(number.scaleb(self.digits), 1)
        if rest:
            raise InexactError(str(number))
        return int(whole)

    def decimal(self, value: int) -> Decimal:
        """The number that was read as ``value``."""
        return Decimal(value).scaleb(-self.digits)


USUAL = Scale(USUAL_DIGITS)
"""OCPI numbers have four decimals unless mentioned otherwise (types, "number")."""


def digits_needed(value: object) -> int:
    """How many decimals the numbers in a message have at most, however deep they are."""
    most = 0
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending += each.values()
        elif isinstance(each, list):
            pending += each
        elif isinstance(each, (Decimal, float, str)):
            most = max(most, _decimals(each))
    return most


def _decimals(value: Decimal | float | str) -> int:
    try:
        number = _as_decimal(value)
    except InputError:
        return 0
    exponent = number.as_tuple().exponent if number.is_finite() else 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _as_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and len(value) <= 60 and value and value[-1].isdigit() and value.isascii():
        try:
            return Decimal(value.replace("_", "?"))
        except InvalidOperation:
            pass
    raise InputError("invalid_type", f"{str(value)[:40]!r} is not a number.")


def _unusable(value: float | int | Decimal) -> InputError:
    if isinstance(value, float) and not isfinite(value) or isinstance(value, Decimal) and not value.is_finite():
        return InputError("not_a_number", f"{value} is not a number that can be charged.")
    return InputError("out_of_range", f"{str(value)[:30]} is more than anything in a charging session.")
