"""Lines in words, in English and German."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

from .tariff import METERED, WEEKDAYS, Dimension, Restrictions, Tariff, TariffElement, Weekday

if TYPE_CHECKING:
    from .result import Line


@dataclass(frozen=True, slots=True)
class Words:
    """The vocabulary of a language. Texts with braces are filled with ``str.format``."""

    decimal_point: str
    dimension: Mapping[Dimension, str]
    days: tuple[str, ...]
    date_format: str
    metered: str
    fixed: str
    per: Mapping[str, str]
    price: str
    otherwise: str
    bounds: Mapping[Dimension, str]
    from_to: str
    starting: str
    until: str
    at_least: str
    less_than: str
    power: str
    energy: str
    duration: str
    parking: str
    rounded_up: str


ENGLISH = Words(
    decimal_point=".",
    dimension={
        Dimension.FLAT: "Start fee",
        Dimension.ENERGY: "Energy",
        Dimension.TIME: "Charging time",
        Dimension.PARKING_TIME: "Parking time after charging",
        Dimension.MIN_PRICE: "Surcharge up to the lowest price of a session",
        Dimension.MAX_PRICE: "Reduction to the highest price of a session",
    },
    days=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    date_format="%d %b %Y",
    metered="{name}: {quantity} at {price} {currency} per {unit} = {amount} {currency}",
    fixed="{name}: {amount} {currency}",
    per={"kWh": "kWh", "h": "hour"},
    price="{name} {price} {currency} per {unit}",
    otherwise="otherwise: ",
    bounds={
        Dimension.MIN_PRICE: "at least {price} {currency} per session",
        Dimension.MAX_PRICE: "at most {price} {currency} per session",
    },
    from_to="{0} to {1}",
    starting="from {0}",
    until="until {0}",
    at_least="from {0} {1}",
    less_than="below {0} {1}",
    power="kW",
    energy="kWh",
    duration="min of the session",
    parking="min of parking",
    rounded_up="including {0} rounded up",
)
GERMAN = Words(
    decimal_point=",",
    dimension={
        Dimension.FLAT: "Startgebühr",
        Dimension.ENERGY: "Energie",
        Dimension.TIME: "Ladezeit",
        Dimension.PARKING_TIME: "Standzeit nach dem Laden",
        Dimension.MIN_PRICE: "Aufschlag auf den Mindestpreis eines Ladevorgangs",
        Dimension.MAX_PRICE: "Abzug auf den Höchstpreis eines Ladevorgangs",
    },
    days=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    date_format="%d.%m.%Y",
    metered="{name}: {quantity} zu {price} {currency} je {unit} = {amount} {currency}",
    fixed="{name}: {amount} {currency}",
    per={"kWh": "kWh", "h": "Stunde"},
    price="{name} {price} {currency} je {unit}",
    otherwise="sonst: ",
    bounds={
        Dimension.MIN_PRICE: "mindestens {price} {currency} je Ladevorgang",
        Dimension.MAX_PRICE: "höchstens {price} {currency} je Ladevorgang",
    },
    from_to="{0} bis {1}",
    starting="ab {0}",
    until="bis {0}",
    at_least="ab {0} {1}",
    less_than="unter {0} {1}",
    power="kW",
    energy="kWh",
    duration="Min. Dauer",
    parking="Min. Standzeit",
    rounded_up="davon {0} aufgerundet",
)
LANGUAGES = {"en": ENGLISH, "de": GERMAN}


def words_of(lang: str) -> Words:
    """The vocabulary of a language or locale code; English when there is none."""
    return LANGUAGES.get(lang[:2].lower(), ENGLISH)


def line_sentence(line: "Line", lang: str) -> str:
    words = words_of(lang)
    notes = list(_restriction_notes(line.restrictions, words))
    if line.rounded_up:
        notes.append(words.rounded_up.format(_quantity(line.rounded_up, line.unit, words)))
    values = {
        "name": words.dimension[line.dimension],
        "quantity": _quantity(line.quantity, line.unit, words),
        "price": _number(_trimmed(line.unit_price, 2), words),
        "currency": line.currency,
        "unit": words.per.get(line.unit, line.unit),
        "amount": _number(line.amount, words),
    }
    sentence = (words.fixed if line.unit == "session" else words.metered).format(**values)
    return f"{sentence} ({', '.join(notes)})" if notes else sentence


def tariff_sentences(tariff: Tariff, lang: str = "en") -> tuple[str, ...]:
    """A tariff in words: one text per element in order, then the bounds of the price of a session."""
    words = words_of(lang)
    texts = [_element_sentence(tariff, element, words) for element in tariff.elements if element.components]
    bounds = ((Dimension.MIN_PRICE, tariff.min_price), (Dimension.MAX_PRICE, tariff.max_price))
    for dimension, bound in bounds:
        if bound is not None:
            price = _number(_trimmed(bound, tariff.digits), words)
            texts.append(words.bounds[dimension].format(price=price, currency=tariff.currency))
    return tuple(texts)


def _element_sentence(tariff: Tariff, element: TariffElement, words: Words) -> str:
    prices = []
    for component in element.components:
        unit = "kWh" if component.dimension is Dimension.ENERGY else "h"
        name = words.dimension[component.dimension]
        price = _number(_trimmed(component.price, tariff.digits), words)
        if component.dimension in METERED:
            values = {"name": name, "price": price, "currency": tariff.currency, "unit": words.per[unit]}
            prices.append(words.price.format(**values))
        else:
            prices.append(f"{name} {price} {tariff.currency}")
    notes = ", ".join(_restriction_notes(element.restrictions, words))
    if notes:
        prefix = f"{notes}: "
    else:
        prefix = words.otherwise if element is not tariff.elements[0] else ""
    return prefix + ", ".join(prices)


def describe(restrictions: Restrictions, lang: str = "en") -> str:
    """Restrictions in words; empty when there are none."""
    return ", ".join(_restriction_notes(restrictions, words_of(lang)))


def _restriction_notes(r: Restrictions, words: Words) -> Iterator[str]:
    if r.day_of_week:
        yield _days(r.day_of_week, words)
    yield from _bounds(_clock(r.start_time), _clock(r.end_time), words)
    yield from _bounds(_day(r.start_date, words), _day(r.end_date, words), words)
    yield from _limits(r.min_kwh, r.max_kwh, words.energy, words)
    yield from _limits(r.min_power, r.max_power, words.power, words)
    yield from _limits(_minutes(r.min_duration), _minutes(r.max_duration), words.duration, words)
    yield from _limits(_minutes(r.min_parking), _minutes(r.max_parking), words.parking, words)


def _days(days: frozenset[Weekday], words: Words) -> str:
    return " ".join(name for name, day in zip(words.days, WEEKDAYS, strict=True) if day in days)


def _bounds(lower: str | None, upper: str | None, words: Words) -> Iterator[str]:
    if lower and upper:
        yield words.from_to.format(lower, upper)
    elif lower:
        yield words.starting.format(lower)
    elif upper:
        yield words.until.format(upper)


def _limits(lower: Decimal | None, upper: Decimal | None, unit: str, words: Words) -> Iterator[str]:
    if lower is not None:
        yield words.at_least.format(_number(_trimmed(lower, 0), words), unit)
    if upper is not None:
        yield words.less_than.format(_number(_trimmed(upper, 0), words), unit)


def _clock(value: time | None) -> str | None:
    return value.strftime("%H:%M") if value is not None else None


def _day(value: date | None, words: Words) -> str | None:
    return value.strftime(words.date_format) if value is not None else None


def _minutes(seconds: int | None) -> Decimal | None:
    return (Decimal(seconds) / 60).quantize(Decimal("0.01")) if seconds is not None else None


def _number(value: Decimal, words: Words) -> str:
    return format(value, "f").replace(".", words.decimal_point)


def _trimmed(value: Decimal, digits: int) -> Decimal:
    """Without trailing zeros, but with at least ``digits`` decimals."""
    short = value.normalize()
    exponent = short.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= -digits:
        return short
    return value.quantize(Decimal(1).scaleb(-digits))


def _quantity(quantity: Decimal, unit: str, words: Words) -> str:
    if unit != "h":
        return f"{_number(quantity, words)} {unit}"
    seconds = int((quantity * 3600).to_integral_value())
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {name}" for number, name in parts if number) or "0 s"
