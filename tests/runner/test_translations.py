"""Translations keep what the program puts into sentences."""

import re
from pathlib import Path

import polib
import pytest

ADDONS = Path(__file__).resolve().parents[2] / "addons"
FILES = sorted(ADDONS.glob("*/i18n/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|#[A-Z]+#")
TAG = re.compile(r"</?(\w+)")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_a_translation_has_the_placeholders_and_tags_of_its_source(file: Path) -> None:
    wrong = [
        entry.msgid
        for entry in polib.pofile(str(file)).translated_entries()
        if sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(entry.msgstr))
        or sorted(TAG.findall(entry.msgid)) != sorted(TAG.findall(entry.msgstr))
    ]
    assert wrong == []


def test_the_addons_that_customers_see_are_there_in_german() -> None:
    assert {"emobility_crm", "emobility_crm_lead", "emobility_billing"} <= {
        file.parent.parent.name for file in FILES if file.stem == "de"
    }
