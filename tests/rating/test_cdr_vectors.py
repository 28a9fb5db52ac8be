"""The worked examples of the OCPI text with their totals, in an encoding of our own (`cdr_vectors/*.json`)."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rating.ocpi_rating import rate_ocpi

from tests.rating.ocpi_messages import VERSIONS, message

FILES = sorted((Path(__file__).parent / "cdr_vectors").glob("*.json"))
CASES = [
    pytest.param(case, version, id=f"{case['name']}, {version}")
    for path in FILES
    for case in json.loads(path.read_text(encoding="utf-8"))
    for version in case.get("versions", VERSIONS)
]


@pytest.mark.parametrize(("case", "version"), CASES)
def test_a_cdr_costs_what_the_specification_says(case: dict[str, Any], version: str) -> None:
    priced = rate_ocpi(message(case, version))
    found = priced.total_before_taxes, priced.total_after_taxes
    assert found == tuple(total and Decimal(total) for total in (case["before"], case["after"]))
    assert priced.flags == case.get("flags", [])
