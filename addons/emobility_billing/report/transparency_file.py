"""Signed meter values as the file that S.A.F.E.'s transparency software reads: records and keys in an XML container."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

# How a record begins -> what the software calls its format.
FORMATS = {"OCMF|": "OCMF", "AP;": "ALFEN"}
_HEX = re.compile(r"[0-9A-Fa-f\s]+")


class SignedValue(NamedTuple):
    """A record as the meter signed it, and the public key of the meter ("" when it is not known)."""

    text: str
    public_key: str


def render(sessions: Iterable[tuple[int, Sequence[SignedValue]]]) -> bytes:
    """The container; :param sessions: number of the session in the annex, and its records in order.

    The text of a record goes in as it came: whoever formats it anew breaks its signature.
    """
    root = ElementTree.Element("values")
    for number, values in sessions:
        for position, value in enumerate(values):
            element = ElementTree.SubElement(root, "value", {"transactionId": str(number)})
            if context := _context(position, len(values)):
                element.set("context", context)
            if value.public_key:
                encoding = "hex" if _HEX.fullmatch(value.public_key) else "base64"
                ElementTree.SubElement(element, "publicKey", {"encoding": encoding}).text = value.public_key
            signed = ElementTree.SubElement(element, "signedData", {"encoding": "plain"})
            if name := next((name for start, name in FORMATS.items() if value.text.startswith(start)), None):
                signed.set("format", name)
            signed.text = value.text
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _context(position: int, count: int) -> str | None:
    """A single record holds start and end of the session itself."""
    if count < 2:
        return None
    return {0: "Transaction.Begin", count - 1: "Transaction.End"}.get(position)
