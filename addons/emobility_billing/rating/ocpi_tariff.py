"""Reads OCPI tariffs of 2.1.1, 2.2.1 and 2.3.0 into the form in which they are priced.

One reader for all versions: 2.2.1 and 2.3.0 only add to 2.1.1, and where they use other names (``excl_vat``,
``before_taxes``) both are understood. What a version says about taxes is the only difference in meaning.

Fields that pricing does not need (``country_code``, ``last_updated``, texts) are not looked at, and fields that
OCPI does not know never cause a rejection (2.3.0, transport_and_format). A value that OCPI does not know does:
it could only be guessed what it does to the price.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

from .compiled import FOREVER, Checks, Compiled, Component
from .errors import InputError
from .instants import DAY, SECOND, parse_day, parse_instant, parse_time_of_day
from .policy import DEFAULT_POLICY, AbsentVat, EqualTimes, OvernightDay, Policy
from .scale import LARGEST, USUAL, Scale

VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
DAYS = {
    name: 1 << index
    for index, name in enumerate(
        ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
    )
}
RESERVATIONS = ("RESERVATION", "RESERVATION_EXPIRES")
TAX_INCLUDED = ("YES", "NO", "N/A")
COMMON_CURRENCIES = ("EUR", "GBP", "CHF", "SEK", "USD", "CAD")
MOST_ELEMENTS = 10_000
LARGEST_STEP = 366 * 24 * 3600
"""A year in seconds; more in Wh than a truck takes."""

NO_LIMIT = (None, None)
NO_TAX = -1
"""The rate of a component to which no tax is applicable."""

JsonObject = Mapping[str, Any]


def read_tariff(
    data: object, *, version: str | None = None, policy: Policy = DEFAULT_POLICY, scale: Scale = USUAL
) -> Compiled:
    """An OCPI Tariff object, ready to price charging periods.

    :param version: one of :data:`VERSIONS`; None recognises it by its fields
    :raises InputError: when the tariff cannot be priced by; the path starts at the tariff
    :raises InexactError: when a number has more decimals than the scale
    """
    tariff = as_object(data)
    if version is None:
        version = recognise_version(tariff)
    compiled = Compiled(
        scale, version, _identifier(tariff), currency_of(tariff), _tax_included(tariff, version),
        [], [], [], [], [], [], [], [],
        _price_limit(tariff, "min_price", version, scale), _price_limit(tariff, "max_price", version, scale),
        _instant_of(tariff, "start_date_time", -FOREVER), _instant_of(tariff, "end_date_time", FOREVER),
        False, False, False, [], [], [], [], [],
    )  # fmt: skip
    if compiled.min_price != NO_LIMIT and compiled.max_price != NO_LIMIT:
        _check_limits(compiled)
    elements = required_list(tariff, "elements", MOST_ELEMENTS)
    for index, element in enumerate(elements):
        try:
            _read_element(as_object(element), index, compiled, policy)
        except InputError as error:
            raise error.under(f"elements[{index}]") from None
    if compiled.without_vat:
        _decide_absent_vat(compiled, policy)
    return compiled


def recognise_version(tariff: JsonObject) -> str:
    """The version of a tariff by the fields that only one has; 2.2.1 when nothing tells."""
    if "tax_included" in tariff:
        return "2.3.0"
    for name in ("min_price", "max_price"):
        limit = tariff.get(name)
        if isinstance(limit, Mapping) and "before_taxes" in limit:
            return "2.3.0"
    return "2.2.1"


# --- fields ---------------------------------------------------------------------------------------


def as_object(value: object) -> JsonObject:
    if type(value) is dict or isinstance(value, Mapping):
        return value
    raise InputError("invalid_type", "Here must be an object.")


def required(data: JsonObject, name: str) -> Any:
    """The value of a field that must be there and not null."""
    value = data.get(name)
    if value is None:
        raise InputError("missing", f"The field {name} is missing.", name)
    return value


def required_list(data: JsonObject, name: str, most: int) -> list[Any]:
    """A list with at least one entry."""
    value = required(data, name)
    if not isinstance(value, list):
        raise InputError("invalid_type", f"{name} must be a list.", name)
    if not value:
        raise InputError("missing", f"{name} must not be empty.", name)
    if len(value) > most:
        raise InputError("out_of_range", f"{name} has {len(value)} entries, more than {most}.", name)
    return value


def currency_of(data: JsonObject) -> str:
    """An ISO 4217 code: three capital letters."""
    value = data.get("currency")
    if value in COMMON_CURRENCIES:
        return str(value)
    value = required(data, "currency")
    if not isinstance(value, str) or not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise InputError("invalid_value", f"{str(value)[:20]!r} is not a currency of ISO 4217.", "currency")
    return value


def non_negative(data: JsonObject, name: str, read: Callable[[object], int]) -> int:
    """A required number that is 0 or more, scaled."""
    value = data.get(name)
    if value is None:
        required(data, name)
    try:
        value = read(value)
    except InputError as error:
        raise error.under(name) from None
    if value < 0:
        raise InputError("negative", f"{name} must not be negative.", name)
    return int(value)


def _identifier(tariff: JsonObject) -> str:
    value = tariff.get("id")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError("invalid_type", "The id of a tariff is a text.", "id")
    return value


def _instant_of(tariff: JsonObject, name: str, default: int) -> int:
    value = tariff.get(name)
    if value is None:
        return default
    try:
        return parse_instant(value)
    except InputError as error:
        raise error.under(name) from None


def _tax_included(tariff: JsonObject, version: str) -> str:
    """2.3.0 requires the field, but its own example of a CDR leaves it out and means NO, as all versions before."""
    value = tariff.get("tax_included")
    if value is None:
        return "NO"
    if value not in TAX_INCLUDED:
        raise InputError("invalid_value", "tax_included is YES, NO or N/A.", "tax_included")
    return str(value)


def _price_limit(tariff: JsonObject, name: str, version: str, scale: Scale) -> tuple[int | None, int | None]:
    """The bounds before and after taxes. 2.1.1 has none, and its unknown fields are not looked at."""
    value = tariff.get(name)
    if value is None or version == "2.1.1":
        return NO_LIMIT
    try:
        limit = as_object(value)
        before = _bound(limit, "before_taxes", "excl_vat", scale)
        after = _bound(limit, "after_taxes", "incl_vat", scale)
        if before is None and after is None:
            raise InputError("missing", "A price limit has a value before taxes.")
        return before, after
    except InputError as error:
        raise error.under(name) from None


def _bound(limit: JsonObject, name: str, older_name: str, scale: Scale) -> int | None:
    for each in (name, older_name):
        if limit.get(each) is not None:
            return non_negative(limit, each, scale.number)
    return None


def _check_limits(compiled: Compiled) -> None:
    for lowest, highest in zip(compiled.min_price, compiled.max_price, strict=True):
        if lowest is not None and highest is not None and lowest > highest:
            raise InputError("invalid_value", "min_price is above max_price.", "min_price")


# --- elements -------------------------------------------------------------------------------------


def _read_element(element: JsonObject, index: int, compiled: Compiled, policy: Policy) -> None:
    checks = None
    reservation = None
    restrictions = element.get("restrictions")
    if restrictions is not None:
        try:
            checks, reservation = _read_restrictions(as_object(restrictions), compiled, policy)
        except InputError as error:
            raise error.under("restrictions") from None
    components: Any = element.get("price_components")
    if type(components) is not list or not 0 < len(components) <= len(DIMENSIONS):
        components = required_list(element, "price_components", len(DIMENSIONS))
    position = 0
    try:
        for data in components:
            component = _read_component(data if type(data) is dict else as_object(data), index, checks, compiled)
            prices = _list_for(reservation, component, compiled)
            if prices and prices[-1].element == index:
                raise InputError("duplicate", f"The element prices {component.kind} twice.", "type")
            prices.append(component)
            position += 1
    except InputError as error:
        raise error.under(f"price_components[{position}]") from None


def _list_for(reservation: str | None, component: Component, compiled: Compiled) -> list[Component]:
    """Where the component belongs."""
    dimension = component.kind
    if reservation is None:
        if dimension == "ENERGY":
            return compiled.energy
        if dimension == "TIME":
            return compiled.time
        return compiled.flat if dimension == "FLAT" else compiled.parking
    if dimension == "FLAT":
        component.kind = "RESERVATION_FLAT"
        return compiled.reservation_flat if reservation == "RESERVATION" else compiled.expiry_flat
    if dimension == "TIME":
        component.kind = "RESERVATION_TIME"
        return compiled.reservation_time if reservation == "RESERVATION" else compiled.expiry_time
    raise InputError("invalid_value", f"A reservation has only FLAT and TIME, not {dimension}.", "type")


def _read_component(data: JsonObject, element: int, checks: Checks | None, compiled: Compiled) -> Component:
    dimension: Any = data.get("type")
    if dimension not in DIMENSIONS:
        required(data, "type")
        raise InputError("unknown_dimension", f"{str(dimension)[:40]!r} is not a dimension of a tariff.", "type")
    scale = compiled.scale
    value = data.get("price")
    # What `non_negative` does with nearly all prices, without the calls.
    if not (
        scale.fast
        and type(value) is float
        and 0.0 <= value < 1e6
        and (price := round(value * scale.factor)) / scale.factor == value
    ):
        price = non_negative(data, "price", scale.number)
    # 2.1.1 has no such field: its prices are without taxes, whatever they are.
    vat = data.get("vat") if compiled.version != "2.1.1" else None
    if vat is not None:
        if (
            scale.fast
            and type(vat) is float
            and 0.0 <= vat <= 100.0
            and (rate := round(vat * scale.factor)) / scale.factor == vat
        ):
            vat = rate
        else:
            vat = non_negative(data, "vat", scale.number)
            if vat > 100 * scale.unit:
                raise InputError("out_of_range", "A VAT percentage is at most 100.", "vat")
        compiled.names_vat = True
    step = data.get("step_size")
    if type(step) is not int or not 0 <= step <= LARGEST_STEP:
        step = _odd_step(data, dimension)
    component = Component(dimension, element, price, step, vat, checks)
    if vat is None:
        compiled.without_vat.append(component)
    return component


def _odd_step(data: JsonObject, dimension: str) -> int:
    """A step that is no usual integer. FLAT has no unit for it, so there it may be missing."""
    if dimension == "FLAT":
        return 0
    step = _whole(required(data, "step_size"))
    if step is None:
        raise InputError("invalid_type", "A step_size is an integer.", "step_size")
    if step < 0:
        raise InputError("negative", "A step_size must not be negative.", "step_size")
    if step > LARGEST_STEP:
        raise InputError("out_of_range", f"A step_size of {str(step)[:30]} is more than a year.", "step_size")
    return step


def _whole(value: object) -> int | None:
    """An integer, however it is written: 1000.0 is one too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, (float, Decimal)) and isfinite(value) and -LARGEST <= value <= LARGEST:
        return int(value) if value == int(value) else None
    return None


def _decide_absent_vat(compiled: Compiled, policy: Policy) -> None:
    """Gives components without ``vat`` a rate of -1, "no tax is applicable", unless it is unknown (None)."""
    if policy.absent_vat is AbsentVat.UNKNOWN:
        return
    if policy.absent_vat is AbsentVat.VERSION:
        if compiled.version == "2.1.1" or compiled.version == "2.3.0" and not compiled.names_vat:
            return
    for component in compiled.without_vat:
        component.vat = NO_TAX


# --- restrictions ---------------------------------------------------------------------------------


def _read_restrictions(
    restrictions: JsonObject, compiled: Compiled, policy: Policy
) -> tuple[Checks | None, str | None]:
    """The checks, None when there are none, and the kind of reservation that the element is for."""
    checks: Checks | None = None
    reservation = None
    for name, value in restrictions.items():
        if value is None or name == "day_of_week" and value == []:
            continue
        if name == "reservation":
            if value not in RESERVATIONS:
                raise InputError("invalid_value", f"{str(value)[:40]!r} is no kind of reservation.", name)
            reservation = str(value)
            continue
        read = READERS.get(name)
        if read is None:
            compiled.flags.append(f"unknown_restriction_{name}"[:60])
            continue
        if checks is None:
            checks = Checks(restrictions)
        try:
            read(checks, value, compiled.scale)
        except InputError as error:
            raise (error if error.path else error.under(name)) from None
    if checks is not None:
        if checks.local:
            compiled.local = True
            _close_window(checks, policy)
        _note_limits(checks, compiled)
    return checks, reservation


def _note_limits(checks: Checks, compiled: Compiled) -> None:
    if checks.measured:
        compiled.measured = True
    if checks.local:
        compiled.clock_limits += (checks.start_time, checks.end_time)
    if checks.min_energy > 0 or checks.max_energy != FOREVER:
        compiled.energy_limits += (checks.min_energy, checks.max_energy)
    if checks.min_elapsed > 0 or checks.max_elapsed != FOREVER:
        compiled.elapsed_limits += (checks.min_elapsed, checks.max_elapsed)


def _close_window(checks: Checks, policy: Policy) -> None:
    """Makes midnight as the end the end of the day, and decides the questions that OCPI leaves open."""
    if checks.end_time == 0:
        equal = checks.start_time == 0 and checks.words.get("start_time") is not None
        checks.end_time = 0 if equal and policy.equal_times is EqualTimes.NEVER else DAY
    elif checks.start_time == checks.end_time and policy.equal_times is EqualTimes.ALL_DAY:
        checks.start_time, checks.end_time = 0, DAY
    checks.night_day = policy.overnight_day is OvernightDay.START


def _start_time(checks: Checks, value: object, _scale: Scale) -> None:
    checks.start_time = parse_time_of_day(value)
    checks.local = True


def _end_time(checks: Checks, value: object, _scale: Scale) -> None:
    checks.end_time = parse_time_of_day(value)
    checks.local = True


def _start_date(checks: Checks, value: object, _scale: Scale) -> None:
    checks.start_day = parse_day(value)
    checks.local = True


def _end_date(checks: Checks, value: object, _scale: Scale) -> None:
    checks.end_day = parse_day(value)
    checks.local = True


def _day_of_week(checks: Checks, value: object, _scale: Scale) -> None:
    if not isinstance(value, list):
        raise InputError("invalid_type", "day_of_week must be a list.")
    days = 0
    for name in value:
        day = DAYS.get(name) if isinstance(name, str) else None
        if day is None:
            raise InputError("invalid_value", f"{str(name)[:40]!r} is not a day of the week.")
        days |= day
    checks.weekdays = days
    checks.local = True


def _limit(value: object, scale: Scale) -> int:
    number = scale.number(value)
    if number < 0:
        raise InputError("negative", "A restriction must not be negative.")
    return number


def _min_kwh(checks: Checks, value: object, scale: Scale) -> None:
    checks.min_energy = _limit(value, scale)


def _max_kwh(checks: Checks, value: object, scale: Scale) -> None:
    checks.max_energy = _limit(value, scale)


def _min_duration(checks: Checks, value: object, scale: Scale) -> None:
    checks.min_elapsed = _limit(value, scale) * SECOND // scale.unit


def _max_duration(checks: Checks, value: object, scale: Scale) -> None:
    checks.max_elapsed = _limit(value, scale) * SECOND // scale.unit


def _min_power(checks: Checks, value: object, scale: Scale) -> None:
    checks.min_power = scale.number(value)
    checks.measured = True


def _max_power(checks: Checks, value: object, scale: Scale) -> None:
    checks.max_power = scale.number(value)
    checks.measured = True


def _min_current(checks: Checks, value: object, scale: Scale) -> None:
    checks.min_current = scale.number(value)
    checks.measured = True


def _max_current(checks: Checks, value: object, scale: Scale) -> None:
    checks.max_current = scale.number(value)
    checks.measured = True


READERS: dict[str, Callable[[Checks, object, Scale], None]] = {
    "start_time": _start_time,
    "end_time": _end_time,
    "start_date": _start_date,
    "end_date": _end_date,
    "day_of_week": _day_of_week,
    "min_kwh": _min_kwh,
    "max_kwh": _max_kwh,
    "min_duration": _min_duration,
    "max_duration": _max_duration,
    "min_power": _min_power,
    "max_power": _max_power,
    "min_current": _min_current,
    "max_current": _max_current,
}
