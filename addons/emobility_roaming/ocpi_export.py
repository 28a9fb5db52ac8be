"""From the engine's terms to OCPI 2.2.1: tariffs, and the periods and costs of a rated session. No ORM."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from odoo.addons.emobility_billing.rating import (
    Activity,
    Dimension,
    Period,
    Tariff,
    to_ocpi,
)

from .ocpi import v221
from .ocpi.internal import Party
from .ocpi.versions import as_json

VatOf = Callable[[str, int], Decimal | None]
"""(dimension, index of the element) -> VAT in percent, or None when no VAT applies."""
VERSION = "2.2.1"
_SECONDS_PER_HOUR = Decimal(3600)


def hours(start: datetime, end: datetime) -> Decimal:
    """Hours between two instants, exact to the microsecond."""
    return Decimal(str((end - start).total_seconds())) / _SECONDS_PER_HOUR


def price(amount: Decimal, vat: Decimal | None, *, tax_included: bool) -> v221.Price:
    """An amount of a gross or net tariff as OCPI's Price."""
    return v221.Price.of_gross(amount, vat) if tax_included else v221.Price.of_net(amount, vat)


def charging_periods(periods: Iterable[Period], tariff_id: str) -> tuple[v221.ChargingPeriod, ...]:
    """The periods of the engine, which begin exactly where a price or the activity changes.

    Time in which the station withheld energy is neither TIME nor PARKING_TIME: nobody pays for it.
    """
    result = []
    for period in periods:
        volumes = {v221.CdrDimensionType.ENERGY: period.energy_kwh}
        if period.activity is Activity.CHARGING:
            volumes[v221.CdrDimensionType.TIME] = hours(period.start, period.end)
        elif period.activity is Activity.PARKING:
            volumes[v221.CdrDimensionType.PARKING_TIME] = hours(period.start, period.end)
        dimensions = tuple(v221.CdrDimension(type=kind, volume=volume) for kind, volume in volumes.items())
        result.append(
            v221.ChargingPeriod(start_date_time=period.start, dimensions=dimensions, tariff_id=tariff_id)
        )
    return tuple(result)


def parking_hours(periods: Iterable[Period]) -> Decimal:
    """Hours in which the car parked without charging."""
    parked = (period for period in periods if period.activity is Activity.PARKING)
    return sum((hours(period.start, period.end) for period in parked), Decimal(0))


def can_express(tariff: Tariff) -> bool:
    """Whether OCPI can say all of the tariff. How gross prices become net ones is decided here, not by the engine."""
    return not to_ocpi(_net(tariff), VERSION)[1]


def _net(tariff: Tariff) -> Tariff:
    return replace(tariff, tax_included=False, min_price=None, max_price=None)


def ocpi_tariff(
    tariff: Tariff,
    vat_of: VatOf,
    *,
    country_code: str,
    party_id: str,
    tariff_id: str,
    valid_from: datetime,
    valid_to: datetime | None,
    last_updated: datetime,
) -> v221.Tariff:
    """A tariff that OCPI can express, in its words; gross prices are turned into net ones of four decimals."""

    def bound(amount: Decimal | None, dimension: Dimension) -> v221.Price | None:
        return amount and price(amount, vat_of(dimension.value, 0), tax_included=tariff.tax_included)

    data, _lost = to_ocpi(_net(tariff), VERSION)
    priced = [index for index, element in enumerate(tariff.elements) if element.components]
    for index, element in zip(priced, data["elements"], strict=True):
        for component in element["price_components"]:
            vat = vat_of(component["type"], index)
            net = price(component["price"], vat, tax_included=tariff.tax_included).excl_vat
            component |= {"price": net, "vat": vat}
    return v221.Tariff.model_validate(
        data
        | {
            "id": tariff_id,
            "country_code": country_code,
            "party_id": party_id,
            "min_price": bound(tariff.min_price, Dimension.MIN_PRICE),
            "max_price": bound(tariff.max_price, Dimension.MAX_PRICE),
            "start_date_time": valid_from,
            "end_date_time": valid_to,
            "last_updated": last_updated,
        }
    )


def tariff_data(
    tariff: Tariff,
    version: str,
    vat_of: VatOf,
    *,
    party: Party,
    tariff_id: str,
    valid_from: datetime,
    valid_to: datetime | None,
    last_updated: datetime,
) -> dict[str, Any]:
    """A tariff that OCPI can express as JSON data of a version. 2.1.1 and 2.2.1 have net prices only."""
    net = ocpi_tariff(
        tariff,
        vat_of,
        country_code=party.country_code,
        party_id=party.party_id,
        tariff_id=tariff_id,
        valid_from=valid_from,
        valid_to=valid_to,
        last_updated=last_updated,
    )
    if version == "2.2.1":
        return as_json(net)
    if version == "2.1.1":
        data = as_json(net)
        dropped = ("country_code", "party_id", "type", "min_price", "max_price")
        for element in data["elements"]:
            for component in element["price_components"]:
                component.pop("vat", None)
        return {name: value for name, value in data.items() if name not in dropped}
    data, _lost = to_ocpi(tariff, version)
    for index, element in enumerate(data["elements"]):
        for component in element["price_components"]:
            component["vat"] = vat_of(component["type"], index)
    return _plain(
        data
        | {
            "id": tariff_id,
            "country_code": party.country_code,
            "party_id": party.party_id,
            "start_date_time": v221.instant_text(valid_from),
            "end_date_time": v221.instant_text(valid_to) if valid_to else None,
            "last_updated": v221.instant_text(last_updated),
        }
    )


def _plain(value: Any) -> Any:
    """JSON data without ``Decimal`` and without what is absent."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value
