"""What the schema of DATEX II 3.5 wants of the elements that we write, for who does not have the schema at hand.

For each element: its children in their order. `!` has to be there, `*` may be there several times. The names of
parents are those of elements; where a name has several types, the type stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datex.write import NAMESPACES
from lxml import etree

_TABLE = """
egi:EnergyInfrastructureTablePublication: com:publicationTime! com:publicationCreator! egi:headerInformation
    egi:energyInfrastructureTable!*
egi:EnergyInfrastructureStatusPublication: com:publicationTime! com:publicationCreator! egi:tableReference*
    egi:headerInformation egi:energyInfrastructureSiteStatus*
com:publicationCreator: com:country! com:nationalIdentifier!
egi:headerInformation: com:confidentiality com:allowedDeliveryChannel* com:informationStatus!
egi:energyInfrastructureTable: egi:tableName egi:energyInfrastructureSite!*
egi:energyInfrastructureSite: fac:name fac:lastUpdated fac:operatingHours fac:locationReference fac:operator
    egi:energyInfrastructureStation*
fac:OperatingHoursSpecification: fac:overallPeriod!
fac:overallPeriod: com:overallStartTime! com:validPeriod*
com:validPeriod: com:recurringTimePeriodOfDay* com:recurringDayWeekMonthPeriod*
com:recurringTimePeriodOfDay: com:startTimeOfPeriod! com:endTimeOfPeriod!
loc:PointLocation: loc:facilityLocation loc:pointByCoordinates
loc:facilityLocation: locx:timeZone locx:address
locx:address: locx:postcode locx:city locx:countryCode locx:addressLine*
locx:addressLine: locx:type! locx:text!
loc:pointByCoordinates: loc:pointCoordinates!
loc:pointCoordinates: loc:latitude! loc:longitude!
fac:OrganisationSpecification: fac:operatorId fac:name!
egi:energyInfrastructureStation: fac:lastUpdated fac:locationReference egi:stationIdBNetzA! egi:totalMaximumPower!
    egi:authenticationAndIdentificationMethods!* egi:numberOfRefillPoints! egi:userInterfaceLanguage!*
    egi:serviceType!* egi:refillPoint*
egi:ElectricChargingPoint: fac:name fac:lastUpdated egi:deliveryUnit! egi:evseId egi:usageType* egi:numberOfConnectors
    egi:availableChargingPower* egi:connector* egi:electricEnergy*
egi:connector: egi:connectorType! egi:otherConnector egi:chargingMode egi:connectorFormat egi:maxPowerAtSocket!
    egi:voltage egi:maximumCurrent
egi:electricEnergy: egi:energyRate*
egi:energyRate: egi:ratePolicy! egi:lastUpdated! egi:applicableCurrency!* egi:additionalInformation egi:paymentMethod
    egi:energyPrice*
egi:energyPrice: egi:priceType! egi:value! egi:taxIncluded egi:additionalInformation
egi:energyInfrastructureSiteStatus: fac:reference! egi:energyInfrastructureStationStatus*
egi:energyInfrastructureStationStatus: fac:reference! egi:refillPointStatus*
egi:ElectricChargingPointStatus: fac:reference! fac:lastUpdated egi:status! egi:energyRateUpdate*
egi:energyRateUpdate: egi:lastUpdated! egi:energyRateReference! egi:additionalInformation egi:energyPrice*
"""
_PREFIXES = {url: prefix for prefix, url in NAMESPACES.items()}
_TYPE = f"{{{NAMESPACES['xsi']}}}type"


def _rules() -> Iterator[tuple[str, list[str]]]:
    for line in _TABLE.replace("\n    ", " ").strip().splitlines():
        parent, children = line.split(": ")
        yield parent, children.split()


RULES = dict(_rules())


def name_of(node: Any) -> str:
    name = etree.QName(node)
    return f"{_PREFIXES[name.namespace]}:{name.localname}"


def findings(root: Any) -> list[str]:
    """What is not as the schema wants it."""
    found: list[str] = []
    for node in root.iter():
        rule = RULES.get(node.get(_TYPE) or name_of(node))
        if rule is not None:
            found += _check(node, rule)
    versioned = [node for node in root.iter() if node.get("version") and not node.get("targetClass")]
    keys = [(name_of(node), node.get("id")) for node in versioned]
    found += [f"{key} is there twice" for key in set(keys) if keys.count(key) > 1]
    return found


def _check(node: Any, rule: list[str]) -> list[str]:
    names = [entry.rstrip("!*") for entry in rule]
    children = [name_of(child) for child in node]
    found = [f"{name} is no child of {name_of(node)}" for name in children if name not in names]
    places = [names.index(name) for name in children if name in names]
    if places != sorted(places):
        found.append(f"the children of {name_of(node)} are in another order")
    for name, entry in zip(names, rule, strict=True):
        if "!" in entry and name not in children:
            found.append(f"{name} is missing in {name_of(node)}")
        if "*" not in entry and children.count(name) > 1:
            found.append(f"{name} is several times in {name_of(node)}")
    return found
