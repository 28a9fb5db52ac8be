"""From the engine's terms to OCPI 2.2.1: tariffs, and the periods and costs of a rated session. No ORM."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal

from odoo.addons.emobility_billing.rating import (
    Activity,
    Dimension,
    Period,
    PriceComponent,
    Restrictions,
    Tariff,
    TariffElement,
)

from .ocpi import v221

VatOf = Callable[[str, int], Decimal | None]
"""(dimension, index of the element) -> VAT in percent, or None when no VAT applies."""
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
    """Whether OCPI can say all of the tariff: it knows no rules on how long a car has parked."""
    return not any(
        element.restrictions.min_parking or element.restrictions.max_parking for element in tariff.elements
    )


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
    """The tariff in OCPI's words; prices of a gross tariff are turned into net ones of four decimals."""

    def bound(amount: Decimal | None, dimension: Dimension) -> v221.Price | None:
        return amount and price(amount, vat_of(dimension.value, 0), tax_included=tariff.tax_included)

    return v221.Tariff(
        country_code=country_code,
        party_id=party_id,
        id=tariff_id,
        currency=tariff.currency,
        min_price=bound(tariff.min_price, Dimension.MIN_PRICE),
        max_price=bound(tariff.max_price, Dimension.MAX_PRICE),
        elements=tuple(
            _element(element, index, vat_of, tariff.tax_included)
            for index, element in enumerate(tariff.elements)
        ),
        start_date_time=valid_from,
        end_date_time=valid_to,
        last_updated=last_updated,
    )


def _element(element: TariffElement, index: int, vat_of: VatOf, tax_included: bool) -> v221.TariffElement:
    components = tuple(
        _component(component, vat_of(component.dimension.value, index), tax_included)
        for component in element.components
    )
    return v221.TariffElement(price_components=components, restrictions=_restrictions(element.restrictions))


def _component(component: PriceComponent, vat: Decimal | None, tax_included: bool) -> v221.PriceComponent:
    return v221.PriceComponent(
        type=v221.TariffDimensionType(component.dimension.value),
        price=price(component.price, vat, tax_included=tax_included).excl_vat,
        vat=vat,
        step_size=component.step_size,
    )


def _restrictions(restrictions: Restrictions) -> v221.TariffRestrictions | None:
    if restrictions == Restrictions():
        return None
    return v221.TariffRestrictions(
        start_time=_clock(restrictions.start_time),
        end_time=_clock(restrictions.end_time),
        start_date=_day(restrictions.start_date),
        end_date=_day(restrictions.end_date),
        min_kwh=restrictions.min_kwh,
        max_kwh=restrictions.max_kwh,
        min_power=restrictions.min_power,
        max_power=restrictions.max_power,
        min_duration=restrictions.min_duration,
        max_duration=restrictions.max_duration,
        day_of_week=tuple(v221.DayOfWeek(day.value) for day in sorted(restrictions.day_of_week, key=_weekday))
        or None,
    )


def _weekday(day: str) -> int:
    return list(v221.DayOfWeek).index(v221.DayOfWeek(day))


def _clock(value: time | None) -> str | None:
    return None if value is None else f"{value:%H:%M}"


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
