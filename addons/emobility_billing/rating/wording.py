"""Lines in words, in English and German."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

from .tariff import (
    METERED,
    WEEKDAYS,
    Dimension,
    PriceComponent,
    Reservation,
    Restrictions,
    Tariff,
    TariffElement,
    Weekday,
)
from .terms import IdleFee

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
    free: str
    current: str
    reservation: Mapping[Reservation, str]
    terms: Mapping[str, str]


ENGLISH = Words(
    decimal_point=".",
    dimension={
        Dimension.FLAT: "Start fee",
        Dimension.ENERGY: "Energy",
        Dimension.TIME: "Charging time",
        Dimension.PARKING_TIME: "Parking time after charging",
        Dimension.RESERVATION_FLAT: "Reservation fee",
        Dimension.RESERVATION_TIME: "Reservation time",
        Dimension.IDLE: "Blocking after charging",
        Dimension.CAP: "Reduction to the highest amount for it",
        Dimension.MIN_PRICE: "Surcharge up to the lowest price of a session",
        Dimension.MAX_PRICE: "Reduction to the highest price of a session",
        Dimension.MONTH_CAP: "Reduction to the highest amount of a month",
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
    free="{0} free",
    current="A",
    reservation={
        Reservation.RESERVATION: "reservation",
        Reservation.RESERVATION_EXPIRES: "reservation that expires",
    },
    terms={
        "cap": "at most {0} {1}",
        "spot": "follows the market price (x {0} + {1}), at least {2}",
        "spot_cap": "follows the market price (x {0} + {1}), at least {2}, at most {3}",
        "needs_energy": "only if energy flowed",
        "idle": "Blocking after charging {0} {1} per hour",
        "deducted": "the first {0} min are free",
        "retroactive": "from the first minute when longer than {0} min",
        "window": "not from {0} to {1}",
        "free_kwh": "the first {0} kWh of each session are free",
        "free_minutes": "the first {0} min of each session are free",
        "quota": "{0} kWh per month are included",
        "month_cap": "at most {0} {1} per month",
        "month_cap_for": "{2}: at most {0} {1} per month",
        "below_kwh": "sessions below {0} kWh are free",
        "below_minutes": "sessions below {0} min are free",
    },
)
GERMAN = Words(
    decimal_point=",",
    dimension={
        Dimension.FLAT: "Startgebühr",
        Dimension.ENERGY: "Energie",
        Dimension.TIME: "Ladezeit",
        Dimension.PARKING_TIME: "Standzeit nach dem Laden",
        Dimension.RESERVATION_FLAT: "Reservierungsgebühr",
        Dimension.RESERVATION_TIME: "Reservierungszeit",
        Dimension.IDLE: "Blockieren nach dem Laden",
        Dimension.CAP: "Abzug auf den Höchstbetrag dafür",
        Dimension.MIN_PRICE: "Aufschlag auf den Mindestpreis eines Ladevorgangs",
        Dimension.MAX_PRICE: "Abzug auf den Höchstpreis eines Ladevorgangs",
        Dimension.MONTH_CAP: "Abzug auf den Höchstbetrag eines Monats",
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
    free="{0} frei",
    current="A",
    reservation={
        Reservation.RESERVATION: "Reservierung",
        Reservation.RESERVATION_EXPIRES: "verfallene Reservierung",
    },
    terms={
        "cap": "höchstens {0} {1}",
        "spot": "folgt dem Marktpreis (x {0} + {1}), mindestens {2}",
        "spot_cap": "folgt dem Marktpreis (x {0} + {1}), mindestens {2}, höchstens {3}",
        "needs_energy": "nur wenn Energie geflossen ist",
        "idle": "Blockieren nach dem Laden {0} {1} je Stunde",
        "deducted": "die ersten {0} Min. sind frei",
        "retroactive": "ab der ersten Minute, wenn länger als {0} Min.",
        "window": "nicht von {0} bis {1}",
        "free_kwh": "die ersten {0} kWh jedes Ladevorgangs sind frei",
        "free_minutes": "die ersten {0} Min. jedes Ladevorgangs sind frei",
        "quota": "{0} kWh je Monat sind enthalten",
        "month_cap": "höchstens {0} {1} je Monat",
        "month_cap_for": "{2}: höchstens {0} {1} je Monat",
        "below_kwh": "Ladevorgänge unter {0} kWh sind frei",
        "below_minutes": "Ladevorgänge unter {0} Min. sind frei",
    },
)
LANGUAGES = {"en": ENGLISH, "de": GERMAN}


def words_of(lang: str) -> Words:
    """The vocabulary of a language or locale code; English when there is none."""
    return LANGUAGES.get(lang[:2].lower(), ENGLISH)


def line_sentence(line: "Line", lang: str) -> str:
    words = words_of(lang)
    notes = list(_restriction_notes(line.restrictions, words))
    if line.free:
        notes.append(words.free.format(_quantity(line.free, line.unit, words)))
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
    return (*texts, *_term_sentences(tariff, words))


def _term_sentences(tariff: Tariff, words: Words) -> Iterator[str]:
    """What the tariff says beside its elements and the bounds of a session."""
    if tariff.idle is not None:
        yield _idle_sentence(tariff.idle, tariff, words)
    amounts = (
        ("free_kwh", tariff.free_kwh), ("free_minutes", _minutes(tariff.free_seconds)), ("quota", tariff.quota_kwh),
        ("below_kwh", tariff.free_below_kwh), ("below_minutes", _minutes(tariff.free_below_seconds)),
    )  # fmt: skip
    for name, amount in amounts:
        if amount:
            yield words.terms[name].format(_number(_trimmed(amount, 0), words))
    for dimension, cap in tariff.month_caps:
        name = "month_cap" if dimension is None else "month_cap_for"
        what = "" if dimension is None else words.dimension[dimension]
        yield words.terms[name].format(_money(cap, tariff, words), tariff.currency, what)


def _idle_sentence(fee: IdleFee, tariff: Tariff, words: Words) -> str:
    notes = []
    if fee.grace:
        minutes = _number(_trimmed(Decimal(fee.grace) / 60, 0), words)
        notes.append(words.terms[fee.grace_mode.value].format(minutes))
    if fee.cap is not None:
        notes.append(words.terms["cap"].format(_money(fee.cap, tariff, words), tariff.currency))
    if fee.free_from is not None and fee.free_until is not None:
        notes.append(words.terms["window"].format(_clock(fee.free_from), _clock(fee.free_until)))
    text = words.terms["idle"].format(_money(fee.price, tariff, words), tariff.currency)
    return f"{text} ({', '.join(notes)})" if notes else text


def _component_notes(component: PriceComponent, tariff: Tariff, words: Words) -> Iterator[str]:
    if component.cap is not None:
        yield words.terms["cap"].format(_money(component.cap, tariff, words), tariff.currency)
    if component.needs_energy:
        yield words.terms["needs_energy"]
    spot = component.spot
    if spot is not None:
        numbers = [_number(value, words) for value in (spot.factor, spot.markup, spot.floor)]
        if spot.cap is None:
            yield words.terms["spot"].format(*numbers)
        else:
            yield words.terms["spot_cap"].format(*numbers, _number(spot.cap, words))


def _money(amount: Decimal, tariff: Tariff, words: Words) -> str:
    return _number(_trimmed(amount, tariff.digits), words)


def _element_sentence(tariff: Tariff, element: TariffElement, words: Words) -> str:
    prices = []
    for component in element.components:
        unit = "kWh" if component.dimension is Dimension.ENERGY else "h"
        name = words.dimension[_named(component.dimension, element)]
        price = _number(_trimmed(component.price, tariff.digits), words)
        if component.dimension in METERED:
            values = {"name": name, "price": price, "currency": tariff.currency, "unit": words.per[unit]}
            text = words.price.format(**values)
        else:
            text = f"{name} {price} {tariff.currency}"
        notes_of_price = ", ".join(_component_notes(component, tariff, words))
        prices.append(f"{text} ({notes_of_price})" if notes_of_price else text)
    notes = ", ".join(_restriction_notes(element.restrictions, words))
    if notes:
        prefix = f"{notes}: "
    else:
        prefix = words.otherwise if element is not tariff.elements[0] else ""
    return prefix + ", ".join(prices)


def _named(dimension: Dimension, element: TariffElement) -> Dimension:
    """TIME and FLAT have names of their own where they are for a reservation."""
    if element.restrictions.reservation is None:
        return dimension
    return Dimension.RESERVATION_FLAT if dimension is Dimension.FLAT else Dimension.RESERVATION_TIME


def describe(restrictions: Restrictions, lang: str = "en") -> str:
    """Restrictions in words; empty when there are none."""
    return ", ".join(_restriction_notes(restrictions, words_of(lang)))


def _restriction_notes(r: Restrictions, words: Words) -> Iterator[str]:
    if r.reservation is not None:
        yield words.reservation[r.reservation]
    if r.day_of_week:
        yield _days(r.day_of_week, words)
    yield from _bounds(_clock(r.start_time), _clock(r.end_time), words)
    yield from _bounds(_day(r.start_date, words), _day(r.end_date, words), words)
    yield from _limits(r.min_kwh, r.max_kwh, words.energy, words)
    yield from _limits(r.min_power, r.max_power, words.power, words)
    yield from _limits(r.min_current, r.max_current, words.current, words)
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
