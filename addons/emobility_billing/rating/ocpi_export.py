"""Our tariffs as OCPI tariffs, with a list of what OCPI cannot say.

Nothing is approximated: what is lost is left out and named, so that the price that a partner computes may be
another one, and a person decides whether that may be published.
"""

from decimal import Decimal
from typing import Any

from .errors import TariffError
from .ocpi_tariff import VERSIONS
from .tariff import WEEKDAYS, Dimension, PriceComponent, Restrictions, Tariff, TariffElement

LIMITS = {"2.2.1": ("excl_vat", "incl_vat"), "2.3.0": ("before_taxes", "after_taxes")}
SINCE_2_2 = ("min_current", "max_current", "reservation")


def to_ocpi(tariff: Tariff, version: str = "2.3.0") -> tuple[dict[str, Any], list[str]]:
    """The Tariff object without ``country_code``, ``party_id`` and ``last_updated``, and what it lacks.

    2.1.1 and 2.2.1 have prices without taxes only: a gross tariff is exported net when each of its prices names
    its VAT rate, and else not at all.

    :param version: 2.1.1, 2.2.1 or 2.3.0
    :return: JSON data with ``Decimal`` numbers, and sentences
    :raises TariffError: when the version is not known, a gross tariff cannot be told net, or nothing can be told
    """
    if version not in VERSIONS:
        raise TariffError(f"OCPI {version} is not known; there are {', '.join(VERSIONS)}.")
    export = _Export(tariff, version)
    data = export.tariff_object()
    return data, export.lost


class _Export:
    def __init__(self, tariff: Tariff, version: str) -> None:
        self.tariff = tariff
        self.version = version
        self.net_of_gross = tariff.tax_included and version != "2.3.0"
        self.lost: list[str] = []

    def tariff_object(self) -> dict[str, Any]:
        tariff = self.tariff
        exported = (self._element(index, each) for index, each in enumerate(tariff.elements))
        elements = [element for element in exported if element is not None]
        if not elements:
            raise TariffError(f"There is nothing in the tariff {tariff.id} that OCPI {self.version} can say.")
        data: dict[str, Any] = {"id": tariff.id, "currency": tariff.currency, "elements": elements}
        if tariff.alt_text:
            data["tariff_alt_text"] = [{"language": lang, "text": text} for lang, text in tariff.alt_text]
        if self.version == "2.3.0":
            data["tax_included"] = "YES" if tariff.tax_included else "NO"
        self._limits(data)
        self._terms()
        return data

    # --- elements ---------------------------------------------------------------------------------

    def _element(self, index: int, element: TariffElement) -> dict[str, Any] | None:
        if not element.components:
            return None
        restrictions = self._restrictions(index, element.restrictions)
        if restrictions is None:
            return None
        data: dict[str, Any] = {"price_components": [self._component(index, each) for each in element.components]}
        if restrictions:
            data["restrictions"] = restrictions
        return data

    def _component(self, index: int, component: PriceComponent) -> dict[str, Any]:
        where = f"element {index + 1}, {component.dimension.value}"
        if component.cap is not None:
            self.lost.append(f"{where}: the cap of {component.cap} per session")
        if component.spot is not None:
            self.lost.append(f"{where}: that the price follows the market; the fallback is exported")
        if component.needs_energy:
            self.lost.append(f"{where}: that the fee is due only if energy flowed")
        data: dict[str, Any] = {
            "type": component.dimension.value,
            "price": self._price(component, where),
            "step_size": component.step_size,
        }
        if component.vat is not None:
            if self.version == "2.1.1":
                self.lost.append(f"{where}: the VAT rate of {component.vat} %")
            else:
                data["vat"] = component.vat
        return data

    def _price(self, component: PriceComponent, where: str) -> Decimal:
        if not self.net_of_gross or not component.price:
            return component.price
        if component.vat is None:
            raise TariffError(f"OCPI {self.version} needs net prices, and {where} is gross without a VAT rate.")
        net = (component.price * 100 / (100 + component.vat)).quantize(Decimal("1e-10")).normalize()
        if net * (100 + component.vat) != component.price * 100:
            self.lost.append(f"{where}: the exact gross price of {component.price}; its net has no end")
        return net

    def _restrictions(self, index: int, restrictions: Restrictions) -> dict[str, Any] | None:
        """JSON data; None when the element must not be exported, because it would apply where it should not."""
        r = restrictions
        where = f"element {index + 1}"
        if r.min_parking is not None or r.max_parking is not None:
            self.lost.append(f"{where}: it depends on the time parked (ocpi#368), so it is left out")
            return None
        values: dict[str, Any] = {
            "start_time": r.start_time.strftime("%H:%M") if r.start_time is not None else None,
            "end_time": r.end_time.strftime("%H:%M") if r.end_time is not None else None,
            "start_date": r.start_date.isoformat() if r.start_date is not None else None,
            "end_date": r.end_date.isoformat() if r.end_date is not None else None,
            "min_kwh": r.min_kwh,
            "max_kwh": r.max_kwh,
            "min_current": r.min_current,
            "max_current": r.max_current,
            "min_power": r.min_power,
            "max_power": r.max_power,
            "min_duration": r.min_duration,
            "max_duration": r.max_duration,
            "day_of_week": [day.value for day in WEEKDAYS if day in r.day_of_week] or None,
            "reservation": r.reservation.value if r.reservation is not None else None,
        }
        told = {name: value for name, value in values.items() if value is not None}
        if self.version == "2.1.1" and any(name in told for name in SINCE_2_2):
            self.lost.append(f"{where}: 2.1.1 has no currents and reservations, so it is left out")
            return None
        if any(at is not None and (at.second or at.microsecond) for at in (r.start_time, r.end_time)):
            self.lost.append(f"{where}: the seconds of its times of day")
        return told

    # --- the rest ---------------------------------------------------------------------------------

    def _limits(self, data: dict[str, Any]) -> None:
        for name, limit in (("min_price", self.tariff.min_price), ("max_price", self.tariff.max_price)):
            if limit is None:
                continue
            rates = {c.vat for element in self.tariff.elements for c in element.components}
            rate = next(iter(rates)) if len(rates) == 1 else None
            if self.version == "2.1.1":
                self.lost.append(f"{name} {limit}: 2.1.1 has none")
            elif not self.tariff.tax_included:
                data[name] = {LIMITS[self.version][0]: limit}
            elif rate is not None:
                net = (limit * 100 / (100 + rate)).quantize(Decimal("1e-4")).normalize()
                data[name] = dict(zip(LIMITS[self.version], (net, limit), strict=True))
            else:
                self.lost.append(f"{name} {limit}: it is gross, and the prices have no common VAT rate")

    def _terms(self) -> None:
        tariff = self.tariff
        if tariff.idle is not None:
            self.lost.append("the idle fee after charging with its grace time and cap (ocpi#368, #543)")
        if tariff.free_kwh:
            self.lost.append(f"the first {tariff.free_kwh} kWh of each session are free")
        if tariff.free_seconds:
            self.lost.append(f"the first {tariff.free_seconds} seconds of each session are free")
        if tariff.quota_kwh:
            self.lost.append(f"the quota of {tariff.quota_kwh} kWh per month")
        for dimension, cap in tariff.month_caps:
            what = "everything" if dimension is None else dimension.value
            self.lost.append(f"the cap of {cap} per month for {what}")
        if tariff.free_below_kwh or tariff.free_below_seconds:
            self.lost.append("small sessions are free")
        if sum(c.dimension is Dimension.FLAT for e in tariff.elements for c in e.components) > 1:
            self.lost.append("that only the first of several start fees is due: OCPI does not say so (ocpi#176)")
