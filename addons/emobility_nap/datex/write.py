"""The two publications as XML, in the order of elements that the schema of version 3.5 wants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree  # type: ignore[import-untyped]

from .shapes import Connector, Point, Price, Publication, Rate, Site, State, Station

NAMESPACES = {
    "d2": "http://datex2.eu/schema/3/d2Payload",
    "com": "http://datex2.eu/schema/3/common",
    "egi": "http://datex2.eu/schema/3/energyInfrastructure",
    "fac": "http://datex2.eu/schema/3/facilities",
    "loc": "http://datex2.eu/schema/3/locationReferencing",
    "locx": "http://datex2.eu/schema/3/locationExtension",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
PROFILE = {"profileName": "Level C profile Energy Infrastructure", "profileVersion": "00-01-00"}
MAX_TEXT = 1024
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CONNECTORS = {
    "CHADEMO": "chademo",
    "IEC_60309_2_single_16": "iec60309x2single16",
    "IEC_60309_2_three_16": "iec60309x2three16",
    "IEC_60309_2_three_32": "iec60309x2three32",
    "IEC_60309_2_three_64": "iec60309x2three64",
    "IEC_62196_T1": "iec62196T1",
    "IEC_62196_T1_COMBO": "iec62196T1COMBO",
    "IEC_62196_T2": "iec62196T2",
    "IEC_62196_T2_COMBO": "iec62196T2COMBO",
    "IEC_62196_T3A": "iec62196T3A",
    "IEC_62196_T3C": "iec62196T3C",
    "MCS": "mcs",
    "PANTOGRAPH_BOTTOM_UP": "pantographBottomUp",
    "PANTOGRAPH_TOP_DOWN": "pantographTopDown",
    "SAE_J3400": "teslaConnectorAmerica",
    "TESLA_R": "teslaR",
    "TESLA_S": "teslaS",
    **{f"DOMESTIC_{letter}": f"domestic{letter}" for letter in "ABCDEFGHIJKLMNO"},
}
_PRICES = {"energy": "pricePerKWh", "time": "pricePerMinute", "session": "basePrice"}
# The schema gives money two decimals and eight digits.
_CENT = Decimal("0.01")
_TOO_MUCH = Decimal(1_000_000)


def table_publication(publication: Publication, sites: Iterable[Site]) -> bytes:
    """The static data. The schema has no table without a site: publish nothing when there is none."""
    root = _payload("EnergyInfrastructureTablePublication", publication)
    _header(root, publication)
    table = _add(root, "egi:energyInfrastructureTable", id=publication.table_id, version=publication.version)
    _add(table, "egi:tableName", publication.table_name)
    for site in sites:
        _site(table, site, publication.language)
    return _bytes(root)


def status_publication(publication: Publication, states: Iterable[State]) -> bytes:
    """The dynamic data; it refers to the table by id and version."""
    root = _payload("EnergyInfrastructureStatusPublication", publication)
    _add(
        root,
        "egi:tableReference",
        targetClass="egi:EnergyInfrastructureTable",
        id=publication.table_id,
        version=publication.version,
    )
    _header(root, publication)
    sites: dict[str, Any] = {}
    stations: dict[tuple[str, str], Any] = {}
    for state in states:
        if state.site_id not in sites:
            sites[state.site_id] = _add(root, "egi:energyInfrastructureSiteStatus")
            _reference(sites[state.site_id], state.site_id, state.version)
        station = (state.site_id, state.station_id)
        if station not in stations:
            stations[station] = _add(sites[state.site_id], "egi:energyInfrastructureStationStatus")
            _reference(stations[station], state.station_id, state.version)
        _state(stations[station], state, publication.language)
    return _bytes(root)


# The frame


def _payload(kind: str, publication: Publication) -> Any:
    spaces = dict(NAMESPACES)
    root = etree.Element(_tag("d2:payload"), nsmap=spaces)
    root.set(_tag("xsi:type"), f"egi:{kind}")
    root.set("lang", publication.language)
    root.set("modelBaseVersion", "3")
    for name, value in PROFILE.items():
        root.set(name, value)
    _add(root, "com:publicationTime", _instant(publication.at))
    creator = _add(root, "com:publicationCreator")
    _add(creator, "com:country", publication.country.lower())
    _add(creator, "com:nationalIdentifier", publication.national_identifier)
    return root


def _header(root: Any, publication: Publication) -> None:
    header = _add(root, "egi:headerInformation")
    _add(header, "com:confidentiality", "noRestriction")
    _add(header, "com:allowedDeliveryChannel", "anyGeneralDeliveryService")
    _add(header, "com:informationStatus", "test" if publication.is_test else "real")


# Static data


def _site(table: Any, site: Site, language: str) -> None:
    node = _add(table, "egi:energyInfrastructureSite", id=site.id, version=site.version)
    _text(node, "fac:name", site.name, language)
    _add(node, "fac:lastUpdated", _instant(site.updated))
    _hours(node, site)
    _place(node, site, language)
    operator = _add(node, "fac:operator", id=f"{site.id}-operator", version=site.version)
    operator.set(_tag("xsi:type"), "fac:OrganisationSpecification")
    _add(operator, "fac:operatorId", site.operator_id)
    _text(operator, "fac:name", site.operator_name, language)
    for station in site.stations:
        _station(node, site, station, language)


def _hours(node: Any, site: Site) -> None:
    hours = _add(node, "fac:operatingHours")
    if not site.hours:
        kind = "OpenAllHours" if site.hours is None else "UnknownOperatingHours"
        hours.set(_tag("xsi:type"), f"fac:{kind}")
        return
    hours.set(_tag("xsi:type"), "fac:OperatingHoursSpecification")
    hours.set("id", f"{site.id}-hours")
    hours.set("version", site.version)
    overall = _add(hours, "fac:overallPeriod")
    _add(overall, "com:overallStartTime", _instant(site.since))
    for span in site.hours:
        period = _add(overall, "com:validPeriod")
        of_day = _add(period, "com:recurringTimePeriodOfDay")
        _add(of_day, "com:startTimeOfPeriod", f"{span.begin}:00")
        _add(of_day, "com:endTimeOfPeriod", f"{span.end}:00")
        _add(_add(period, "com:recurringDayWeekMonthPeriod"), "com:applicableDay", _DAYS[span.weekday - 1])


def _place(node: Any, site: Site, language: str) -> None:
    place = _add(node, "fac:locationReference")
    place.set(_tag("xsi:type"), "loc:PointLocation")
    facility = _add(place, "loc:facilityLocation")
    _add(facility, "locx:timeZone", _standard_offset(site.time_zone, site.updated))
    address = _add(facility, "locx:address")
    if site.postcode:
        _add(address, "locx:postcode", site.postcode)
    _text(address, "locx:city", site.city, language)
    _add(address, "locx:countryCode", site.country)
    if site.street:
        line = _add(address, "locx:addressLine", order="0")
        _add(line, "locx:type", "street")
        _text(line, "locx:text", site.street, language)
    point = _add(_add(place, "loc:pointByCoordinates"), "loc:pointCoordinates")
    _add(point, "loc:latitude", site.latitude)
    _add(point, "loc:longitude", site.longitude)


def _station(parent: Any, site: Site, station: Station, language: str) -> None:
    node = _add(parent, "egi:energyInfrastructureStation", id=station.id, version=site.version)
    _add(node, "fac:lastUpdated", _instant(site.updated))
    _place(node, site, language)
    _add(node, "egi:stationIdBNetzA", station.registered_id)
    _add(node, "egi:totalMaximumPower", str(sum(_point_watts(point) for point in station.points)))
    for method in station.authentication:
        _add(node, "egi:authenticationAndIdentificationMethods", method)
    _add(node, "egi:numberOfRefillPoints", str(len(station.points)))
    _add(node, "egi:userInterfaceLanguage", language)
    _add(_add(node, "egi:serviceType"), "egi:serviceType", "unattended")
    for point in station.points:
        _point(node, site, point, language)


def _point(parent: Any, site: Site, point: Point, language: str) -> None:
    node = _add(parent, "egi:refillPoint", id=point.id, version=site.version)
    node.set(_tag("xsi:type"), "egi:ElectricChargingPoint")
    if point.name:
        _text(node, "fac:name", point.name, language)
    _add(node, "fac:lastUpdated", _instant(point.updated))
    _add(node, "egi:deliveryUnit", "kWh")
    if point.evse_id:
        _add(node, "egi:evseId", point.evse_id)
    _add(node, "egi:usageType", "electricVehicle")
    _add(node, "egi:numberOfConnectors", str(len(point.connectors)))
    _add(node, "egi:availableChargingPower", str(_point_watts(point)))
    for connector in point.connectors:
        _connector(node, connector)
    if point.rate:
        _rate(_add(node, "egi:electricEnergy"), point, point.rate, language)


def _point_watts(point: Point) -> int:
    """Only one connector of a point charges at a time."""
    return max((connector.watts for connector in point.connectors), default=0)


def _connector(parent: Any, connector: Connector) -> None:
    node = _add(parent, "egi:connector")
    kind = _CONNECTORS.get(connector.standard)
    _add(node, "egi:connectorType", kind or "other")
    if not kind:
        _add(node, "egi:otherConnector", connector.standard)
    # The schema has no word for mode 3 with one phase.
    mode = {"DC": "mode4DC", "AC_3_PHASE": "mode3AC3p"}.get(connector.power_type)
    if mode and not connector.standard.startswith("DOMESTIC"):
        _add(node, "egi:chargingMode", mode)
    cable = "otherCable" if connector.power_type == "DC" else "cableMode3"
    _add(node, "egi:connectorFormat", "socket" if connector.format == "SOCKET" else cable)
    _add(node, "egi:maxPowerAtSocket", str(connector.watts))
    _add(node, "egi:voltage", str(connector.volts))
    _add(node, "egi:maximumCurrent", str(connector.amperes))


def _rate(parent: Any, point: Point, rate: Rate, language: str) -> None:
    node = _add(parent, "egi:energyRate", id=_rate_id(point.id))
    _add(node, "egi:ratePolicy", "adHoc")
    _add(node, "egi:lastUpdated", _instant(point.updated))
    _add(node, "egi:applicableCurrency", rate.currency)
    _words(node, rate, language)
    if point.payment:
        method = _add(node, "egi:paymentMethod")
        for means in point.payment:
            _add(method, "fac:paymentMeans", means)
    _prices(node, rate, language)


# Dynamic data


def _state(parent: Any, state: State, language: str) -> None:
    node = _add(parent, "egi:refillPointStatus")
    node.set(_tag("xsi:type"), "egi:ElectricChargingPointStatus")
    _reference(node, state.point_id, state.version)
    _add(node, "fac:lastUpdated", _instant(state.updated))
    _add(node, "egi:status", state.status)
    if not state.rate:
        return
    update = _add(node, "egi:energyRateUpdate")
    _add(update, "egi:lastUpdated", _instant(state.updated))
    _add(update, "egi:energyRateReference", targetClass="egi:EnergyRate", id=_rate_id(state.point_id))
    _words(update, state.rate, language)
    _prices(update, state.rate, language)


def _reference(node: Any, key: str, version: str) -> None:
    _add(node, "fac:reference", targetClass="fac:FacilityObject", id=key, version=version)


# Prices


def _rate_id(point_id: str) -> str:
    return f"{point_id}-adhoc"


def _fits(amount: Decimal) -> bool:
    """Whether the schema can say this price exactly. It is never rounded: then it is said in words."""
    return amount == amount.quantize(_CENT) and abs(amount) < _TOO_MUCH


def _words(node: Any, rate: Rate, language: str) -> None:
    inexact = (f"{price.text} ({price.note})" if price.note else price.text
               for price in rate.prices if not _fits(price.amount))  # fmt: skip
    text = "; ".join((*inexact, *rate.other))
    if text:
        _text(node, "egi:additionalInformation", text, language)


def _prices(node: Any, rate: Rate, language: str) -> None:
    if not rate.other and all(price.amount == 0 for price in rate.prices):
        _price(node, "free", Price("session", Decimal(0), ""), rate, language)
        return
    for price in rate.prices:
        if _fits(price.amount):
            kind = "flatRate" if price.kind == "session" and len(rate.prices) == 1 else _PRICES[price.kind]
            _price(node, kind, price, rate, language)


def _price(parent: Any, kind: str, price: Price, rate: Rate, language: str) -> None:
    node = _add(parent, "egi:energyPrice")
    _add(node, "egi:priceType", kind)
    _add(node, "egi:value", f"{price.amount.quantize(_CENT):f}")
    _add(node, "egi:taxIncluded", "true" if rate.tax_included else "false")
    if price.note:
        _text(node, "egi:additionalInformation", price.note, language)


# XML


def _tag(name: str) -> str:
    prefix, local = name.split(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    node = etree.SubElement(parent, _tag(name), attributes)
    if text is not None:
        node.text = text
    return node


def _text(parent: Any, name: str, text: str, language: str) -> None:
    values = _add(_add(parent, name), "com:values")
    _add(values, "com:value", text[:MAX_TEXT], lang=language)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _standard_offset(zone: str, at: datetime) -> str:
    """The offset without summer time: the data of a place does not change twice a year."""
    local = at.astimezone(ZoneInfo(zone))
    seconds = ((local.utcoffset() or local - local) - (local.dst() or local - local)).total_seconds()
    sign, minutes = "-" if seconds < 0 else "+", abs(int(seconds)) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _bytes(root: Any) -> bytes:
    body: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return body
