"""Our tariffs as tariffs of OCPP 2.1, with a list of what OCPP cannot say.

As with OCPI nothing is approximated: what is lost is left out and named, for the station computes from it what a
driver reads on the display. OCPP has net prices and tax rates; a net price is rounded to ten decimals, which is far
less than a cent of any session.
"""

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

from .errors import TariffError
from .tariff import WEEKDAYS, Dimension, PriceComponent, Reservation, Restrictions, Tariff, TariffElement
from .terms import Grace, IdleFee

VatOf = Callable[[Dimension, int], Decimal | None]
"""From dimension and number of the element (from 0) to the VAT in percent, None when there is none."""

_LONGEST_ID = 60  # OCPP 2.1 part 2, TariffType
_MINUTES_PER_HOUR = 60
_FINEST = Decimal("1e-10")
# Where each price goes, and what it is called there (OCPP 2.1 part 2, TariffType).
_PLACES = {
    Dimension.FLAT: ("fixedFee", "priceFixed"),
    Dimension.ENERGY: ("energy", "priceKwh"),
    Dimension.TIME: ("chargingTime", "priceMinute"),
    Dimension.PARKING_TIME: ("idleTime", "priceMinute"),
    Dimension.RESERVATION_FLAT: ("reservationFixed", "priceFixed"),
    Dimension.RESERVATION_TIME: ("reservationTime", "priceMinute"),
}
_RESERVED = {Dimension.FLAT: Dimension.RESERVATION_FLAT, Dimension.TIME: Dimension.RESERVATION_TIME}
_FEES = (Dimension.FLAT, Dimension.RESERVATION_FLAT)
_WHILE_PARKED = {"minIdleTime", "maxIdleTime"}
_AT_THE_START = {"startTimeOfDay", "endTimeOfDay", "validFromDate", "validToDate", "dayOfWeek"}


def to_ocpp(tariff: Tariff, tariff_id: str, vat_of: VatOf) -> tuple[dict[str, Any], list[str]]:
    """The TariffType of OCPP 2.1 without ``description``, and what it lacks.

    :param tariff_id: unique on the station, at most 60 characters
    :return: JSON data with ``Decimal`` numbers, and sentences
    :raises TariffError: when the id is too long, a gross price has no VAT rate, or nothing can be told
    """
    if len(tariff_id) > _LONGEST_ID:
        raise TariffError(f"The id {tariff_id} is longer than {_LONGEST_ID} characters.")
    export = _Export(tariff, vat_of)
    data = {"tariffId": tariff_id, "currency": tariff.currency, **export.prices()}
    if len(data) == len(("tariffId", "currency")):
        raise TariffError(f"There is nothing in the tariff {tariff.id} that OCPP 2.1 can say.")
    data |= export.limits()
    return data, export.lost


class _Export:
    def __init__(self, tariff: Tariff, vat_of: VatOf) -> None:
        self.tariff, self._vat_of = tariff, vat_of
        self.lost: list[str] = []
        self._found: dict[Dimension, list[dict[str, Any]]] = {}
        self._rates: dict[Dimension, set[Decimal | None]] = {}

    def prices(self) -> dict[str, Any]:
        self._free_quantities()
        for index, element in enumerate(self.tariff.elements):
            self._element(index, element)
        if self.tariff.idle is not None:
            self._idle_fee(self.tariff.idle)
        self._terms()
        return {_PLACES[dimension][0]: self._block(dimension) for dimension in _PLACES if dimension in self._found}

    def limits(self) -> dict[str, Any]:
        """The lowest and the highest price of a session."""
        kind = "inclTax" if self.tariff.tax_included else "exclTax"
        bounds = {"minCost": self.tariff.min_price, "maxCost": self.tariff.max_price}
        return {name: {kind: limit} for name, limit in bounds.items() if limit is not None}

    # --- prices -----------------------------------------------------------------------------------

    def _element(self, index: int, element: TariffElement) -> None:
        where = f"element {index + 1}"
        if element.restrictions.reservation is Reservation.RESERVATION_EXPIRES:
            self.lost.append(f"{where}: what a reservation costs that expires")
            return
        conditions = self._conditions(where, element.restrictions)
        for component in element.components:
            self._component(index, component, element.restrictions, conditions)

    def _component(
        self, index: int, component: PriceComponent, restrictions: Restrictions, conditions: dict[str, Any]
    ) -> None:
        where = f"element {index + 1}, {component.dimension.value}"
        dimension = component.dimension if restrictions.reservation is None else _RESERVED[component.dimension]
        if dimension in _FEES and not conditions.keys() <= _AT_THE_START:
            self.lost.append(f"{where}: a fee can only depend on when the session begins, so it is left out")
            return
        if conditions.keys() & _WHILE_PARKED and dimension is not Dimension.PARKING_TIME:
            self.lost.append(f"{where}: that it depends on the time parked, so it is left out")
            return
        if component.step_size > 1:
            self.lost.append(f"{where}: that quantities are rounded up to {component.step_size}")
        if component.cap is not None:
            self.lost.append(f"{where}: the cap of {component.cap} per session")
        if component.spot is not None:
            self.lost.append(f"{where}: that the price follows the market; the fallback is sent")
        if component.needs_energy:
            self.lost.append(f"{where}: that the fee is due only if energy flowed")
        rate = component.vat if component.vat is not None else self._vat_of(component.dimension, index)
        self._add(dimension, component.price, rate, conditions, where)

    def _add(
        self, dimension: Dimension, price: Decimal, rate: Decimal | None, conditions: dict[str, Any], where: str
    ) -> None:
        name = _PLACES[dimension][1]
        if self.tariff.tax_included and price:
            if rate is None:
                raise TariffError(f"OCPP 2.1 has net prices, and {where} is gross without a VAT rate.")
            price = price * 100 / (100 + rate)
        if name == "priceMinute":
            price /= _MINUTES_PER_HOUR
        entry: dict[str, Any] = {name: price.quantize(_FINEST).normalize()}
        if conditions:
            entry["conditions"] = conditions
        self._found.setdefault(dimension, []).append(entry)
        self._rates.setdefault(dimension, set()).add(rate)

    def _block(self, dimension: Dimension) -> dict[str, Any]:
        block: dict[str, Any] = {"prices": self._found[dimension]}
        rates = self._rates.get(dimension, set())
        rate = next(iter(rates)) if len(rates) == 1 else None
        if rate is not None:
            block["taxRates"] = [{"type": "VAT", "tax": rate}]
        elif rates - {None}:
            self.lost.append(f"{dimension.value}: the VAT rates, of which OCPP has one for all prices of a kind")
        return block

    def _conditions(self, where: str, restrictions: Restrictions) -> dict[str, Any]:
        r = restrictions
        values = {
            **self._hours(where, r.start_time, r.end_time),
            "validFromDate": r.start_date.isoformat() if r.start_date is not None else None,
            "validToDate": r.end_date.isoformat() if r.end_date is not None else None,
            "dayOfWeek": [day.value.capitalize() for day in WEEKDAYS if day in r.day_of_week] or None,
            "minEnergy": _thousandfold(r.min_kwh),
            "maxEnergy": _thousandfold(r.max_kwh),
            "minCurrent": r.min_current,
            "maxCurrent": r.max_current,
            "minPower": _thousandfold(r.min_power),
            "maxPower": _thousandfold(r.max_power),
            "minTime": r.min_duration,
            "maxTime": r.max_duration,
            "minIdleTime": r.min_parking,
            "maxIdleTime": r.max_parking,
        }
        return {name: value for name, value in values.items() if value is not None}

    def _hours(self, where: str, start: time | None, end: time | None) -> dict[str, str]:
        """Both or none: 00:00 is the begin of a day and its end."""
        if start == end:
            return {}
        if any(at.second or at.microsecond for at in (start, end) if at is not None):
            self.lost.append(f"{where}: the seconds of its times of day")
        return {"startTimeOfDay": _clock(start), "endTimeOfDay": _clock(end)}

    # --- what OCPI cannot say, and OCPP can -------------------------------------------------------

    def _free_quantities(self) -> None:
        """Free energy and free time come first in their lists: the first price that fits counts."""
        tariff = self.tariff
        if tariff.free_kwh and tariff.has_price_for(Dimension.ENERGY):
            free = {"priceKwh": Decimal(0), "conditions": {"maxEnergy": _thousandfold(tariff.free_kwh)}}
            self._found[Dimension.ENERGY] = [free]
        if tariff.free_seconds and tariff.has_price_for(Dimension.TIME):
            free = {"priceMinute": Decimal(0), "conditions": {"maxChargingTime": tariff.free_seconds}}
            self._found[Dimension.TIME] = [free]

    def _idle_fee(self, idle: IdleFee) -> None:
        if Dimension.PARKING_TIME in self._found:
            self.lost.append("the idle fee beside a price for parking")
            return
        self.lost.append("that pauses by the station or of a car that charges on do not count for the idle fee")
        if idle.cap is not None:
            self.lost.append(f"the cap of {idle.cap} of the idle fee")
        if idle.grace and idle.grace_mode is Grace.RETROACTIVE:
            self.lost.append("that who stays longer than the grace time pays the idle fee from the first minute")
        conditions: dict[str, Any] = {"minIdleTime": idle.grace} if idle.grace else {}
        if idle.free_from is not None:
            conditions |= self._hours("the idle fee", idle.free_until, idle.free_from)
        self._add(Dimension.PARKING_TIME, idle.price, self._vat_of(Dimension.IDLE, 0), conditions, "the idle fee")

    def _terms(self) -> None:
        tariff = self.tariff
        if tariff.quota_kwh:
            self.lost.append(f"the quota of {tariff.quota_kwh} kWh per month")
        for dimension, cap in tariff.month_caps:
            what = "everything" if dimension is None else dimension.value
            self.lost.append(f"the cap of {cap} per month for {what}")
        if tariff.free_below_kwh or tariff.free_below_seconds:
            self.lost.append("small sessions are free")


def _thousandfold(value: Decimal | None) -> Decimal | None:
    """kWh as Wh, kW as W."""
    return None if value is None else value * 1000


def _clock(at: time | None) -> str:
    return "00:00" if at is None else at.strftime("%H:%M")

