"""The one-time passwords with which a station makes the codes on its display itself (OCPP 2.1, part 2, C25).

Station and server share a secret: HMAC-SHA256 over the number of the interval that runs (8 bytes, big endian), of whose
bytes some, beginning at a place that the last byte says, are written as digits and letters.
"""

from __future__ import annotations

import hashlib
import hmac
import string

ALPHABET = string.digits + string.ascii_lowercase + string.ascii_uppercase
VERSION = "v1"
LENGTH = 20
VALID_SECONDS = 60


def one_time_password(secret: str, seconds: float, *, shift: int = 0) -> str:
    """The password at a time (seconds since 1970), or that of an interval before or after it."""
    interval = int(seconds // VALID_SECONDS) + shift
    digest = hmac.new(secret.encode(), interval.to_bytes(8, "big"), hashlib.sha256).digest()
    start = digest[-1] & 0x0F
    return "".join(ALPHABET[digest[(start + place) % len(digest)] % len(ALPHABET)] for place in range(LENGTH))


def is_valid(secret: str, password: str, seconds: float) -> bool:
    """Whether it is the password of now, or of the interval before or after: clocks differ, and people are slow."""
    wanted = password.encode()
    return any(
        hmac.compare_digest(one_time_password(secret, seconds, shift=shift).encode(), wanted) for shift in (-1, 0, 1)
    )
