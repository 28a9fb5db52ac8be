"""Identifiers of e-mobility: what they look like and how they are normalised. Plain Python, no ORM."""

import re

COUNTRY_CODE = re.compile(r"[A-Z]{2}")
PARTY_ID = re.compile(r"[A-Z0-9]{3}")
# eMI3 / ISO 15118-2 annex H: country, operator, the type letter E, and up to 31 characters of outlet id.
# The separator "*" carries no meaning.
EVSE_ID = re.compile(r"[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9][A-Z0-9*]{0,30}")
# ISO 15118-2 annex H: country, provider, nine characters of instance, and an optional check digit.
EMAID = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[A-Z0-9]{9}[A-Z0-9]?")

MAC = re.compile(r"[0-9A-F]{12}")
HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2})+")

# The code of a character in the check digit of eMI3: two bits and two digits of base 3, packed as
# bit 0, bit 1, then twice two bits.
_CHECK_CODES = {
    character: code
    for character, code in zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(0, 16, 32, 4, 20, 36, 8, 24, 40),
            *(2, 18, 34, 6, 22, 38, 10, 26, 42),
            *(1, 17, 33, 5, 21, 37, 9, 25, 41),
            *(3, 19, 35, 7, 23, 39, 11, 27, 43),
        ),
        strict=True,
    )
}
_CHECK_CHARACTERS = {code: character for character, code in _CHECK_CODES.items()}

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
    if token_type == "AUTOCHARGE":
        # Stations send the address of the car as "VID:…", bare, or with colons.
        return _SEPARATORS.sub("", text.removeprefix("VID:"))
    return _SEPARATORS.sub("", text) if token_type in _TYPES_WITHOUT_SEPARATORS else text


def normalise_emaid(emaid: str | None) -> str:
    """Return an EMAID in upper case without its optional separators; "" when there is none."""
    return normalise_uid(emaid, "EMAID")


def normalise_code(code: str | None) -> str:
    """Return a country code, party id or EVSE-ID in upper case without surrounding blanks."""
    return (code or "").strip().upper()


def emaid_check_digit(emaid: str) -> str:
    """Return the check digit of the first 14 characters of a normalised EMAID (ISO 15118 / eMI3).

    The characters are vectors over the integers modulo 2 and modulo 3; each is multiplied by the power of a
    matrix that belongs to its place, so that a swap of two characters changes the sum.
    """
    binary, ternary = (0, 0), (0, 0)
    power2, power3 = ((0, 1), (1, 1)), ((0, 1), (1, 2))
    base2, base3 = power2, power3
    for character in emaid[:14]:
        code = _CHECK_CODES[character]
        binary = _add(binary, _times((code & 1, code >> 1 & 1), power2), 2)
        ternary = _add(ternary, _times((code >> 2 & 3, code >> 4), power3), 3)
        power2, power3 = _product(power2, base2, 2), _product(power3, base3, 3)
    # Solved for the 15th place: modulo 2 the inverse is the identity, modulo 3 it is this matrix.
    first, second = _add((0, 0), _times(ternary, ((0, 2), (2, 1))), 3)
    return _CHECK_CHARACTERS[binary[0] | binary[1] << 1 | first << 2 | second << 4]


def with_check_digit(emaid: str) -> str:
    """Return a normalised EMAID in its long form of 15 characters."""
    return emaid[:14] + emaid_check_digit(emaid)


def reversed_bytes(uid: str) -> str:
    """Return an RFID UID with its bytes in the other order; some readers send the last byte first.

    A UID that is not made of whole bytes stays as it is.
    """
    return bytes.fromhex(uid)[::-1].hex().upper() if HEXADECIMAL.fullmatch(uid) else uid


Vector = tuple[int, int]
Matrix = tuple[Vector, Vector]


def _times(vector: Vector, matrix: Matrix) -> Vector:
    (a, b), (c, d) = matrix
    return vector[0] * a + vector[1] * c, vector[0] * b + vector[1] * d


def _add(one: Vector, other: Vector, modulus: int) -> Vector:
    return (one[0] + other[0]) % modulus, (one[1] + other[1]) % modulus


def _product(left: Matrix, right: Matrix, modulus: int) -> Matrix:
    rows = [_add((0, 0), _times(row, right), modulus) for row in left]
    return rows[0], rows[1]
