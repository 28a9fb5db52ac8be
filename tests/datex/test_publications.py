"""DATEX II: what the publications say, and that the schema accepts them.

The schema is not part of this project. Its rules for the elements that we write are in `structure`, and hold for
everything that the tests make. With DATEX_SCHEMAS naming a folder with `Table/` and `Status/` of version 3.5
(`DATEXII_3_D2Payload.xsd` and what it imports), all of it is validated against the schema itself, too.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from datex import (
    Connector,
    Hours,
    Point,
    Price,
    Publication,
    Rate,
    Site,
    State,
    Station,
    status_publication,
    table_publication,
)
from datex.write import NAMESPACES
from lxml import etree
from structure import findings

SCHEMAS = os.environ.get("DATEX_SCHEMAS")
AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PUBLICATION = Publication(AT, "DE", "DE-NAP-ABC", "de", "DE*ABC", "Muster GmbH", "7")
RATE = Rate(
    "EUR", True,
    (
        Price("energy", Decimal("0.59"), "0,59 EUR/kWh"),
        Price("time", Decimal("0.0833"), "0,0833 EUR/min", "Blockieren"),
        Price("session", Decimal("0.35"), "0,35 EUR/Ladevorgang"),
    ),
    ("höchstens 60,00 EUR je Ladevorgang",),
)  # fmt: skip
CONNECTORS = (
    Connector("IEC_62196_T2_COMBO", "CABLE", "DC", 150_000, 400, 375),
    Connector("GBT_AC", "SOCKET", "AC_1_PHASE", 7_400, 230, 32),
)
POINT = Point("E1", AT, "DE*ABC*E1", "Platz 1", CONNECTORS, RATE, ("qrCode", "website"))
STATION = Station("S1", "BN-1", ("rfid", "website"), (POINT, replace(POINT, id="E2", rate=None, name=None)))
SITE = Site("L1", "7", AT, AT, "Marktplatz", "Hauptstraße 1", "12345", "Musterstadt", "DE", "52.500000", "13.400000",
            "Europe/Berlin", "ABC", "Muster & Söhne", None, (STATION,))  # fmt: skip
STATE = State("L1", "S1", "E1", "7", AT, "occupied", RATE)


def parsed(kind: str, body: bytes) -> Any:
    if SCHEMAS:
        schema = etree.XMLSchema(file=str(Path(SCHEMAS) / kind / "DATEXII_3_D2Payload.xsd"))
        schema.assertValid(etree.fromstring(body))
    root = etree.fromstring(body)
    assert findings(root) == []
    return root


def table(site: Site = SITE, **values: Any) -> Any:
    return parsed("Table", table_publication(replace(PUBLICATION, **values), [site]))


def status(*states: State) -> Any:
    return parsed("Status", status_publication(PUBLICATION, states))


def with_rate(rate: Rate | None) -> Site:
    return replace(SITE, stations=(replace(STATION, points=(replace(POINT, rate=rate),)),))


def texts(root: Any, path: str) -> list[str]:
    return ["".join(node.itertext()) for node in root.iterfind(path, NAMESPACES)]


def test_the_table_says_who_publishes_what_where() -> None:
    root = table()
    assert texts(root, "com:publicationCreator/*") == ["de", "DE-NAP-ABC"]
    assert texts(root, ".//com:informationStatus") == ["real"]
    assert texts(root, ".//egi:energyInfrastructureSite/fac:name") == ["Marktplatz"]
    assert texts(root, ".//egi:energyInfrastructureSite/fac:operator/*") == ["ABC", "Muster & Söhne"]
    assert texts(root, ".//egi:energyInfrastructureSite/fac:locationReference//loc:pointCoordinates/*") == [
        "52.500000",
        "13.400000",
    ]
    assert set(texts(root, ".//locx:timeZone")) == {"+01:00"}, "without summer time"
    assert texts(root, ".//egi:evseId") == ["DE*ABC*E1", "DE*ABC*E1"]
    assert texts(root, ".//egi:totalMaximumPower") == ["300000"], "one connector of each of the two points"
    assert texts(root, ".//egi:stationIdBNetzA") == ["BN-1"]


def test_a_connector_without_a_word_in_the_schema_is_named() -> None:
    root = table(with_rate(None))
    assert texts(root, ".//egi:connectorType") == ["iec62196T2COMBO", "other"]
    assert texts(root, ".//egi:otherConnector") == ["GBT_AC"]
    assert texts(root, ".//egi:connectorFormat") == ["otherCable", "socket"]
    assert texts(root, ".//egi:chargingMode") == ["mode4DC"]


@pytest.mark.parametrize("where", ["table", "status"])
def test_a_price_is_exact_or_in_words(where: str) -> None:
    root = table(with_rate(RATE)) if where == "table" else status(STATE)
    assert texts(root, ".//egi:priceType") == ["pricePerKWh", "basePrice"]
    assert texts(root, ".//egi:value") == ["0.59", "0.35"]
    parent = "egi:energyRate" if where == "table" else "egi:energyRateUpdate"
    assert texts(root, f".//{parent}/egi:additionalInformation") == [
        "0,0833 EUR/min (Blockieren); höchstens 60,00 EUR je Ladevorgang"
    ]


def test_a_price_per_session_alone_is_a_flat_rate_and_nothing_is_free() -> None:
    flat = Rate("EUR", True, (Price("session", Decimal(5), "5 EUR"),))
    free = Rate("EUR", True, (Price("energy", Decimal(0), "0 EUR/kWh"),))
    assert texts(table(with_rate(flat)), ".//egi:energyPrice/egi:priceType") == ["flatRate"]
    assert texts(table(with_rate(free)), ".//egi:energyPrice/egi:priceType") == ["free"]
    assert texts(table(with_rate(None)), ".//egi:energyPrice") == []


def test_opening_hours() -> None:
    def kind(site: Site) -> str:
        hours = table(site).find(".//fac:operatingHours", NAMESPACES)
        return hours.get(f"{{{NAMESPACES['xsi']}}}type")

    spans = replace(SITE, hours=(Hours(1, "08:00", "20:00"), Hours(7, "00:00", "24:00")))
    assert kind(SITE) == "fac:OpenAllHours"
    assert kind(replace(SITE, hours=())) == "fac:UnknownOperatingHours"
    assert kind(spans) == "fac:OperatingHoursSpecification"
    assert texts(table(spans), ".//com:applicableDay") == ["monday", "sunday"]
    assert texts(table(spans), ".//com:endTimeOfPeriod") == ["20:00:00", "24:00:00"]


def test_the_status_groups_points_by_station_and_site_and_refers_to_the_table() -> None:
    root = status(STATE, replace(STATE, site_id="L2", station_id="S3", point_id="E3", status="removed", rate=None),
                  replace(STATE, point_id="E2", status="available"))  # fmt: skip
    assert len(root.findall("egi:energyInfrastructureSiteStatus", NAMESPACES)) == 2
    assert len(root.findall(".//egi:energyInfrastructureStationStatus", NAMESPACES)) == 2
    assert texts(root, ".//egi:refillPointStatus/egi:status") == ["occupied", "available", "removed"]
    assert dict(root.find("egi:tableReference", NAMESPACES).attrib) == {
        "targetClass": "egi:EnergyInfrastructureTable", "id": "DE*ABC", "version": "7"}  # fmt: skip
    rates = {node.get("id") for node in table().iterfind(".//egi:energyRate", NAMESPACES)}
    updates = {node.get("id") for node in root.iterfind(".//egi:energyRateReference", NAMESPACES)}
    assert rates == {"E1-adhoc"}
    assert updates == {"E1-adhoc", "E2-adhoc"}


def test_data_that_is_being_tried_out_says_so() -> None:
    assert texts(table(is_test=True), ".//com:informationStatus") == ["test"]


def test_an_empty_status_is_a_publication_too() -> None:
    assert status().find("egi:energyInfrastructureSiteStatus", NAMESPACES) is None


def test_the_rules_of_the_schema_are_looked_at() -> None:
    """A rule that finds nothing would prove nothing."""
    for change in ("order", "missing", "twice", "foreign"):
        root = table()
        point = root.find(".//egi:refillPoint", NAMESPACES)
        if change == "order":
            point.insert(0, point[-1])
        elif change == "missing":
            point.remove(point.find("egi:deliveryUnit", NAMESPACES))
        elif change == "twice":
            point.append(etree.fromstring(etree.tostring(point.find("egi:connector", NAMESPACES))))
            point.getparent().append(etree.fromstring(etree.tostring(point)))
        else:
            etree.SubElement(point, f"{{{NAMESPACES['egi']}}}colour")
        assert findings(root), change
