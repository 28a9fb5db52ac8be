"""The engine against cases with results that were worked out by hand (`vectors/*.json`).

`ocpi_examples.json` follows the worked examples of OCPI 2.2.1-d2, mod_tariffs, as far as the engine's
dimensions go.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from rating import facts_from_json, rate

from tests.rating.builders import policy_from_json, tariff_from_json

FILES = sorted((Path(__file__).parent / "vectors").glob("*.json"))
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in FILES
    for case in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_a_session_costs_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    policy = policy_from_json(case.get("policy", {}))
    rating = rate(tariff_from_json(case["tariff"]), facts_from_json(case["facts"]), policy=policy)
    found = {
        "lines": [
            {
                "dimension": line.dimension.value,
                "element": line.element,
                "quantity": str(line.quantity),
                "amount": str(line.amount),
            }
            for line in rating.lines
        ],
        "total": str(rating.total),
        "flags": list(rating.flags),
    }
    assert found == case["expected"]
