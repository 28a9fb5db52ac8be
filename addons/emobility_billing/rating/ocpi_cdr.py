"""Reads the charging periods of an OCPI CDR (2.1.1, 2.2.1, 2.3.0) into integers, and refuses what cannot be.

A period ends when the next one starts, the last one when the session ends (mod_cdrs, ChargingPeriod).
"""

from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .instants import DAY, parse_instant
from .ocpi_tariff import JsonObject, as_object, currency_of, required_list
from .scale import USUAL, Scale

MOST_PERIODS = 100_000
LONGEST = 366 * DAY
VOLUMES = ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME", "RESERVATION_EXPIRES")
MEASURES = ("MAX_POWER", "MIN_POWER", "POWER", "MAX_CURRENT", "MIN_CURRENT", "CURRENT")
NOT_PRICED = ("FLAT", "ENERGY_IMPORT", "ENERGY_EXPORT", "STATE_OF_CHARGE", "RESERVATION_OVERTIME")
"""Known to OCPI, but nothing in a tariff prices them: a flat fee comes from the tariff (ocpi#176)."""


@dataclass(slots=True)
class Usage:
    """What was used from ``start`` on.

    :ivar start: microseconds since 1970
    :ivar text: ``start`` as it was written
    :ivar energy: kWh, as multiples of the scale's unit; time, parking, reserved: hours, likewise
    :ivar measures: power (kW) and current (A, sum of the phases) by name of their CDR dimension, or None
    :ivar metered: whether the period tells its energy; without it, no mean power is known
    :ivar tariff_id: the tariff that the period says it was priced by
    """

    start: int
    text: str
    energy: int
    time: int
    parking: int
    reserved: int
    measures: dict[str, int] | None
    metered: bool
    tariff_id: str | None


@dataclass(slots=True)
class Session:
    """A session or a reservation, or both, in periods."""

    start: int
    end: int
    end_text: str
    currency: str
    expired: bool
    periods: list[Usage]


def read_cdr(data: object, scale: Scale = USUAL) -> Session:
    """An OCPI CDR object, or as much of it as pricing needs.

    :raises InputError: when the periods contradict each other or the session; the path starts at the CDR
    :raises InexactError: when a number has more decimals than the scale
    """
    cdr = as_object(data)
    currency = currency_of(cdr)
    start = _instant(cdr, "start_date_time")
    end_name = "stop_date_time" if "stop_date_time" in cdr and "end_date_time" not in cdr else "end_date_time"
    end = _instant(cdr, end_name)
    if end < start:
        raise InputError("invalid_period", "The session ends before it starts.", end_name)
    if end - start > LONGEST:
        raise InputError("out_of_range", "The session lasts for more than a year.", end_name)
    periods: list[Usage] = []
    before = start
    try:
        for entry in required_list(cdr, "charging_periods", MOST_PERIODS):
            usage = _read_period(entry, scale)
            if not before <= usage.start <= end:
                raise _misplaced(usage.start, start, end)
            before = usage.start
            periods.append(usage)
    except InputError as error:
        place = "" if error.path == "charging_periods" else f"charging_periods[{len(periods)}]"
        raise error.under(place) from None
    return _session(cdr, start, end, end_name, currency, periods)


def _session(
    cdr: JsonObject, start: int, end: int, end_name: str, currency: str, periods: list[Usage]
) -> Session:
    charged = any(usage.energy or usage.time or usage.parking for usage in periods)
    expired = not charged and any(usage.reserved for usage in periods)
    return Session(start, end, cdr[end_name], currency, expired, periods)


def _misplaced(at: int, start: int, end: int) -> InputError:
    if at < start:
        return InputError("invalid_period", "The period starts before the session.", "start_date_time")
    if at > end:
        return InputError("invalid_period", "The period starts after the session ends.", "start_date_time")
    return InputError("invalid_period", "The period starts before the one that it follows.", "start_date_time")


def _instant(data: JsonObject, name: str) -> int:
    value = data.get(name)
    if value is None:
        raise InputError("missing", f"The field {name} is missing.", name)
    try:
        return parse_instant(value)
    except InputError as error:
        raise error.under(name) from None


def _read_period(period: Any, scale: Scale) -> Usage:
    if type(period) is not dict:
        period = as_object(period)
    text: Any = period.get("start_date_time")
    try:
        start = parse_instant(text)
    except InputError as error:
        if text is None:
            raise InputError("missing", "The field start_date_time is missing.", "start_date_time") from None
        raise error.under("start_date_time") from None
    energy: int | None = None
    time: int | None = None
    parking: int | None = None
    reserved: int | None = None
    measures: dict[str, int] | None = None
    dimensions = period.get("dimensions")
    if not isinstance(dimensions, list):
        raise _no_dimensions(dimensions)
    number = scale.number
    factor, most = scale.factor, 1e6 if scale.fast else 0.0
    dimension: Any = None
    try:
        for dimension in dimensions:
            kind = dimension["type"]
            value = dimension["volume"]
            # What `number` does with nearly all volumes, without the call.
            if type(value) is float and 0.0 <= value < most and (whole := round(value * factor)) / factor == value:
                value = whole
            else:
                value = number(value)
            if kind == "ENERGY" and energy is None:
                energy = value
            elif kind == "TIME" and time is None:
                time = value
            elif kind in MEASURES and (measures is None or kind not in measures):
                measures = measures or {}
                measures[kind] = value
            elif kind == "PARKING_TIME" and parking is None:
                parking = value
            elif kind in ("RESERVATION_TIME", "RESERVATION_EXPIRES") and reserved is None:
                reserved = value
            elif kind not in NOT_PRICED:
                raise _odd_dimension(kind)
    except InputError as error:
        place = _place(dimensions, dimension)
        raise (error if error.path else error.under("volume")).under(place) from None
    except (KeyError, TypeError):
        raise _broken_dimension(dimension).under(_place(dimensions, dimension)) from None
    usage = Usage(
        start, text, energy or 0, time or 0, parking or 0, reserved or 0, measures, energy is not None,
        period.get("tariff_id"),
    )  # fmt: skip
    if (
        not 0 <= usage.energy <= scale.most_energy
        or not 0 <= usage.time <= scale.most_hours
        or not 0 <= usage.parking <= scale.most_hours
        or not 0 <= usage.reserved <= scale.most_hours
    ):
        raise _odd_volume(usage.energy, usage.time, usage.parking, usage.reserved)
    return usage


def _place(dimensions: list[Any], dimension: Any) -> str:
    index = next(index for index, each in enumerate(dimensions) if each is dimension)
    return f"dimensions[{index}]"


def _no_dimensions(dimensions: object) -> InputError:
    if dimensions is None:
        return InputError("missing", "The field dimensions is missing.", "dimensions")
    return InputError("invalid_type", "dimensions must be a list.", "dimensions")


def _odd_dimension(kind: object) -> InputError:
    if kind in VOLUMES or kind in MEASURES:
        return InputError("duplicate", f"{kind} is told twice.", "type")
    return InputError("unknown_dimension", f"{str(kind)[:40]!r} is not a dimension of a CDR.", "type")


def _broken_dimension(dimension: Any) -> InputError:
    if not isinstance(dimension, dict):
        return InputError("invalid_type", "Here must be an object.")
    for name in ("type", "volume"):
        if dimension.get(name) is None:
            return InputError("missing", f"The field {name} is missing.", name)
    return InputError("invalid_type", "The type of a dimension is a text.", "type")


def _odd_volume(*values: int) -> InputError:
    """Energy may be negative in OCPI (fed into the grid), but no price of a tariff is meant for that."""
    for name, value in zip(("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"), values, strict=True):
        if value < 0:
            return InputError("negative", f"The volume of {name} is negative.", "dimensions")
    return InputError("out_of_range", "A volume is more than a charging session can have.", "dimensions")
