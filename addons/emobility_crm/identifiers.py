"""Identifiers of e-mobility: what they look like and how they are normalised. Plain Python, no ORM."""

import re

COUNTRY_CODE = re.compile(r"[A-Z]{2}")
PARTY_ID = re.compile(r"[A-Z0-9]{3}")
# eMI3 / ISO 15118-2 annex H: country, operator, the type letter E, and up to 31 characters of outlet id.
# The separator "*" carries no meaning.
EVSE_ID = re.compile(r"[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9][A-Z0-9*]{0,30}")
# ISO 15118-2 annex H: country, provider, nine characters of instance, and an optional check digit.
EMAID = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[A-Z0-9]{9}[A-Z0-9]?")

_SEPARATORS = re.compile(r"[\s:.\-]")
# In these two the separators are only typography: readers and card printers write the same UID in many ways.
_TYPES_WITHOUT_SEPARATORS = frozenset({"RFID", "EMAID"})


def normalise_uid(uid: str | None, token_type: str) -> str:
    """Return the form in which a token UID is stored and compared.

    UIDs are case-insensitive in OCPI (CiString) and OCPP (CiString20 / identifierString). For RFID and EMAID
    tokens blanks, colons, dots and hyphens are dropped; other types keep them, because there they may be part
    of the id.
    """
    text = (uid or "").strip().upper()
    return _SEPARATORS.sub("", text) if token_type in _TYPES_WITHOUT_SEPARATORS else text


def normalise_emaid(emaid: str | None) -> str:
    """Return an EMAID in upper case without its optional separators; "" when there is none."""
    return normalise_uid(emaid, "EMAID")


def normalise_code(code: str | None) -> str:
    """Return a country code, party id or EVSE-ID in upper case without surrounding blanks."""
    return (code or "").strip().upper()
