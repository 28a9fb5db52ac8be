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
MOST_ENERGY = 1_000_000
"""kWh in a charging period, more than any vehicle holds."""
MOST_HOURS = 366 * 24
USUAL_DIGITS = 6
MOST_DIGITS = 40


class Scale:
    """Reads JSON numbers as multiples of ``10 ** -digits``."""

    __slots__ = ("digits", "factor", "fast", "most_energy", "most_hours", "unit")

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.unit: int = 10**digits
        self.factor = float(self.unit)
        self.most_energy = MOST_ENERGY * self.unit
        self.most_hours = MOST_HOURS * self.unit
        # With more digits a float has no room for the largest numbers, and the way back proves nothing.
        self.fast = digits == USUAL_DIGITS

    def number(self, value: object) -> int:
        """A JSON number, or a text that is one (the 2.1.1 example of a CDR writes a price so).

        :raises InputError: when it is no finite number of a sensible size
        :raises InexactError: when it has more digits than the scale
        """
        if type(value) is float and self.fast:
            if not -LARGEST <= value <= LARGEST:
                raise _unusable(value)
            whole = round(value * self.factor)
            if whole / self.factor != value:
                raise InexactError(repr(value))
            return whole
        if type(value) is int:
            if not -LARGEST <= value <= LARGEST:
                raise _unusable(value)
            return value * self.unit
        return self._decimal(value)

    def _decimal(self, value: object) -> int:
        number = _as_decimal(value)
        if not -LARGEST <= number <= LARGEST:
            raise _unusable(number)
        # By hand, because Decimal's own arithmetic rounds to 28 digits.
        sign, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)
        places = exponent + self.digits
        if places < -MOST_DIGITS:
            raise InexactError(str(number))
        whole = int("".join(map(str, digits)))
        if places >= 0:
            whole *= int(10**places)
        else:
            whole, rest = divmod(whole, int(10**-places))
            if rest:
                raise InexactError(str(number))
        return -whole if sign else whole

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
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _as_decimal(value: object) -> Decimal:
    if isinstance(value, (Decimal, float)):
        number = Decimal(repr(value)) if isinstance(value, float) else value
        if not number.is_finite():
            raise _unusable(number)
        return number
    if isinstance(value, str) and len(value) <= 60 and value and value[-1].isdigit() and value.isascii():
        try:
            return Decimal(value.replace("_", "?"))
        except InvalidOperation:
            pass
    raise InputError("invalid_type", f"{str(value)[:40]!r} is not a number.")


def _unusable(value: float | int | Decimal) -> InputError:
    if not (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
        return InputError("not_a_number", f"{value} is not a number that can be charged.")
    return InputError("out_of_range", f"{str(value)[:30]} is more than anything in a charging session.")
