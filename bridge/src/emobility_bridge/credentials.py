"""HTTP Basic authentication of stations (OCPP security profiles 1 and 2)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac

_SLOW_CHECKS = 2  # key stretching is expensive on purpose; this is how many run at the same time
_CACHE_SIZE = 20_000


class Credentials:
    """Checks passwords against `pbkdf2_sha256$<iterations>$<salt base64>$<hash base64>`.

    A password that was right once is remembered as a keyed digest: a reconnect storm costs no stretching.
    """

    def __init__(self) -> None:
        self._verified: dict[tuple[str, str], bytes] = {}
        self._slots = asyncio.Semaphore(_SLOW_CHECKS)

    async def check(self, identity: str, password_hash: str, authorization: str | None) -> bool:
        """Whether the `Authorization` header names this identity and carries its password."""
        sent = parse_basic(authorization)
        if sent is None or not hmac.compare_digest(sent[0], identity.encode()):
            return False
        key = (identity, password_hash)
        digest = hmac.digest(password_hash.encode(), sent[1], "sha256")
        if key in self._verified and hmac.compare_digest(self._verified[key], digest):
            return True
        async with self._slots:
            right = await asyncio.to_thread(_matches_any, password_hash, sent[1])
        if right:
            if len(self._verified) >= _CACHE_SIZE:
                self._verified.clear()
            self._verified[key] = digest
        return right


def parse_basic(authorization: str | None) -> tuple[bytes, bytes] | None:
    """User and password of a Basic header as bytes (an AuthorizationKey may be any bytes), or None."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _matches_any(password_hash: str, password: bytes) -> bool:
    """Stations send a hexadecimal AuthorizationKey as its text or as the bytes that it stands for."""
    candidates = [password]
    if not (password.isascii() and password.decode("ascii", "replace").isprintable()):
        candidates += [password.hex().encode(), password.hex().upper().encode()]
    return any(matches(password_hash, candidate) for candidate in candidates)


def matches(password_hash: str, password: bytes) -> bool:
    """Whether the password has this hash; a hash of another form matches nothing."""
    try:
        scheme, iterations, salt, expected = password_hash.split("$")
        if scheme != "pbkdf2_sha256":
            return False
        derived = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(salt), int(iterations))
        return hmac.compare_digest(derived, base64.b64decode(expected))
    except (ValueError, OverflowError):
        return False
