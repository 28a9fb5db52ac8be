"""OCPI tariffs as our tariffs, for the editor, the price sheet, the lint and the retail engine."""

from datetime import date, time
from decimal import Decimal
from typing import Any

from .errors import InexactError, InputError
from .ocpi_tariff import DAYS, as_object, read_tariff, recognise_version
from .scale import Scale
from .tariff import Dimension, PriceComponent, Reservation, Restrictions, Tariff, TariffElement, Weekday

NUMBERS = ("min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power")
SECONDS = ("min_duration", "max_duration")
FINEST = Scale(40)


def from_ocpi(data: object, version: str | None = None, *, digits: int = 2) -> Tariff:
    """Our tariff of an OCPI Tariff object. The prices stay net or gross as they are.

    The bounds of the price are those of the same mode; a tariff without taxes (N/A) is net.

    :param digits: decimals of the currency's minor unit
    :raises InputError: when it is no valid OCPI tariff, with the path of what is wrong
    """
    tariff = as_object(data)
    version = version or recognise_version(tariff)
    try:
        compiled = read_tariff(tariff, version=version, scale=FINEST)
    except InexactError:
        raise InputError("out_of_range", "A number has more than 40 decimals.") from None
    gross = compiled.tax_included == "YES"
    texts = tariff.get("tariff_alt_text") or []
    return Tariff(
        id=compiled.tariff_id,
        currency=compiled.currency,
        elements=tuple(_element(each, version) for each in tariff["elements"]),
        tax_included=gross,
        min_price=_decimal(compiled.min_price[gross]),
        max_price=_decimal(compiled.max_price[gross]),
        digits=digits,
        alt_text=tuple((str(text["language"]), str(text["text"])) for text in texts),
    )


def _decimal(value: int | None) -> Decimal | None:
    return None if value is None else _short(Decimal(value).scaleb(-FINEST.digits))


def _number(value: Any) -> Decimal:
    return _short(Decimal(repr(value) if isinstance(value, float) else value))


def _short(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    return Decimal(format(value.normalize(), "f"))


def _element(element: Any, version: str) -> TariffElement:
    return TariffElement(
        tuple(_component(each, version) for each in element["price_components"]),
        _restrictions(element.get("restrictions") or {}),
    )


def _component(component: Any, version: str) -> PriceComponent:
    vat = component.get("vat") if version != "2.1.1" else None
    return PriceComponent(
        Dimension(component["type"]),
        _number(component["price"]),
        int(component.get("step_size") or 0),
        vat=_number(vat) if vat is not None else None,
    )


def _restrictions(data: Any) -> Restrictions:
    """The names are the same; the reader has already checked the values."""
    values: dict[str, Any] = {}
    for name, value in data.items():
        if value is None:
            continue
        if name in NUMBERS:
            values[name] = _number(value)
        elif name in SECONDS:
            values[name] = int(value)
        elif name in ("start_time", "end_time"):
            values[name] = time(0) if value == "24:00" else time.fromisoformat(value)
        elif name in ("start_date", "end_date"):
            values[name] = date.fromisoformat(value)
        elif name == "day_of_week":
            values[name] = frozenset(Weekday(day) for day in value if day in DAYS)
        elif name == "reservation":
            values[name] = Reservation(value)
    return Restrictions(**values)
