"""Locations as OCPI 2.2.1 writes them, from and to the rows of an infrastructure file. Plain Python, no ORM."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .ocpi.countries import ALPHA_3

_ALPHA_2 = {three: two for two, three in ALPHA_3.items()}
_PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3, "DC": 1}
# Line to neutral; OCPI wants the voltage and the current beside the power.
_AC_VOLTS = 230
_DC_VOLTS = 500
_HIGH_POWER_VOLTS = 1000
_HIGH_POWER_KW = 150


class LocationError(ValueError):
    """The text holds no locations of OCPI. Its own text is for people."""


def rows_of(text: str) -> list[dict[str, str]]:
    """Return a row for each connector of the locations in a JSON text.

    The text may be one location, a list of them, or a whole answer with the list under "data".

    :raises LocationError: when it is neither
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise LocationError(f"line {error.lineno}: {error.msg}") from error
    if isinstance(content, Mapping) and "data" in content:
        content = content["data"]
    locations = content if isinstance(content, list) else [content]
    rows: list[dict[str, str]] = []
    for location in locations:
        if not isinstance(location, Mapping) or not isinstance(location.get("evses", []), list):
            raise LocationError("a location has to be an object with a list of evses")
        for row in _rows(location):
            rows.append({"number": str(len(rows) + 1), **row})
    return rows


def _rows(location: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    place = location.get("coordinates") or {}
    country = str(location.get("country") or "")
    common = {
        "location_code": location.get("id"),
        "location_name": location.get("name") or location.get("id"),
        "street": location.get("address"),
        "zip": location.get("postal_code"),
        "city": location.get("city"),
        "country": _ALPHA_2.get(country.upper(), country),
        "latitude": place.get("latitude"),
        "longitude": place.get("longitude"),
        "time_zone": location.get("time_zone"),
    }
    for evse in location.get("evses") or []:
        for connector in evse.get("connectors") or []:
            row = {
                **common,
                "evse_uid": evse.get("uid"),
                "evse_id": evse.get("evse_id"),
                "physical_reference": evse.get("physical_reference"),
                "connector": connector.get("id"),
                "standard": connector.get("standard"),
                "power_type": connector.get("power_type"),
                "max_power_kw": _kilowatts(connector),
            }
            yield {name: str(value) for name, value in row.items() if value not in (None, "")}


def _kilowatts(connector: Mapping[str, Any]) -> str:
    try:
        watts = connector.get("max_electric_power") or (
            _PHASES.get(connector.get("power_type", ""), 1)
            * connector.get("max_voltage", 0)
            * connector.get("max_amperage", 0)
        )
        return f"{watts / 1000:g}"
    except TypeError:
        # What is no number is named by the check of the rows.
        return str(connector.get("max_electric_power"))


def electrical(power_type: str, kilowatts: float) -> dict[str, int]:
    """Return power, voltage and current of a connector: the voltage is the usual one, the current follows."""
    if power_type == "DC":
        volts = _HIGH_POWER_VOLTS if kilowatts >= _HIGH_POWER_KW else _DC_VOLTS
    else:
        volts = _AC_VOLTS
    watts = round(kilowatts * 1000)
    return {
        "max_voltage": volts,
        "max_amperage": round(watts / volts / _PHASES[power_type]),
        "max_electric_power": watts,
    }
