"""OCPI 2.3.0, module payments: what is read, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ocpi.payments import FinancialAdviceConfirmation, Terminal, TerminalActivation, TerminalAssignment
from ocpi.v221 import Price as Price221
from ocpi.v230 import Price
from ocpi.versions import as_json
from pydantic import ValidationError

AT = "2026-03-01T10:00:00Z"


def confirmation(**changes: Any) -> dict[str, Any]:
    return {
        "id": "fac-1",
        "authorization_reference": "pp-1",
        "total_costs": {"before_taxes": 4.0, "taxes": [{"name": "VAT", "amount": 0.76}]},
        "currency": "EUR",
        "eft_data": ["Visa"],
        "capture_status_code": "SUCCESS",
        "last_updated": AT,
    } | changes


def test_new_terminal_may_be_an_id_and_nothing_else() -> None:
    told = Terminal.model_validate({"terminal_id": "T-1"})
    assert as_json(told) == {"terminal_id": "T-1"}


def test_activation_leaves_the_id_to_the_provider() -> None:
    told = TerminalActivation.model_validate({"reference": "0815", "last_updated": AT})
    assert as_json(told) == {"reference": "0815", "last_updated": AT}
    with pytest.raises(ValidationError):
        TerminalActivation.model_validate({"reference": "0815"})


def test_assignment_names_both_lists_even_when_one_is_empty() -> None:
    told = TerminalAssignment.model_validate({"location_ids": [], "evse_uids": ["E1"], "last_updated": AT})
    assert as_json(told) == {"location_ids": [], "evse_uids": ["E1"], "last_updated": AT}


@pytest.mark.parametrize(
    ("total", "kind"),
    [({"before_taxes": 4, "taxes": []}, Price), ({"excl_vat": 4.0, "incl_vat": 4.4}, Price221)],
)
def test_price_is_read_in_the_shape_of_the_table_and_in_that_of_the_examples(total: Any, kind: type) -> None:
    told = FinancialAdviceConfirmation.model_validate(confirmation(total_costs=total))
    assert isinstance(told.total_costs, kind)
    assert Decimal(4) in dict(told.total_costs).values()


def test_failed_capture_has_no_card_slip() -> None:
    data = confirmation(capture_status_code="FAILED")
    del data["eft_data"]
    assert FinancialAdviceConfirmation.model_validate(data).eft_data is None


@pytest.mark.parametrize(
    "changes",
    [{"id": "x" * 37}, {"currency": "euro"}, {"total_costs": {"incl_vat": 4}}, {"capture_status_code": "MAYBE"},
     {"eft_data": [""]}, {"last_updated": "yesterday"}],
)  # fmt: skip
def test_what_is_malformed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FinancialAdviceConfirmation.model_validate(confirmation(**changes))
