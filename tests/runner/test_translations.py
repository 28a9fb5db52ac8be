"""Translations keep what the program puts into sentences, and miss nothing that a customer reads."""

import re
from pathlib import Path

import polib
import pytest

ADDONS = Path(__file__).resolve().parents[2] / "addons"
FILES = sorted(ADDONS.glob("*/i18n/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[-+#0-9.]*[a-z]|%[sdr]|#[A-Z]+#|\{\w*\}")
TAG = re.compile(r"</?(\w+)")

# Where the terms come from that drivers and customers read: the portal, the join page,
# invoices and their lines, price sheets and the announcement of a price.
FOR_CUSTOMERS = re.compile(
    r"arch_db:emobility_\w+\.(portal_|charging_|price_sheet|join)|/controllers/|/report/"
    r"|/models/(contract_contract|contract_terms|emobility_plan_price|invoicing|invoicing_reduction)\.py|/reductions\.py"
)
# The terms of these places that are the same in every language. What is the same is left empty (OCA).
SAME = {
    "de": {
        '<span aria-hidden="true">*</span>',
        "AC",
        "DC",
        "Name",
        "kW",
        "kWh",
        "out_invoice",
        "out_refund",
    }
}

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")


@every_file
def test_a_translation_has_the_placeholders_and_tags_of_its_source(file: Path) -> None:
    wrong = [
        entry.msgid
        for entry in polib.pofile(str(file)).translated_entries()
        if sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(entry.msgstr))
        or sorted(TAG.findall(entry.msgid)) != sorted(TAG.findall(entry.msgstr))
    ]
    assert wrong == []


@every_file
def test_no_translation_is_fuzzy_or_obsolete(file: Path) -> None:
    assert [entry.msgid for entry in polib.pofile(str(file)) if entry.fuzzy or entry.obsolete] == []


@every_file
def test_what_customers_read_is_translated(file: Path) -> None:
    missing = [
        entry.msgid
        for entry in polib.pofile(str(file))
        if not entry.msgstr and any(FOR_CUSTOMERS.search(place) for place, _line in entry.occurrences)
    ]
    assert sorted(set(missing) - SAME.get(file.stem, set())) == []


def test_every_addon_is_there_in_german() -> None:
    assert {file.parent.name for file in ADDONS.glob("*/__manifest__.py")} == {
        file.parent.parent.name for file in FILES if file.stem == "de"
    }
