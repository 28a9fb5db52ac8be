"""Passwords of charging stations (OCPP security profiles 1 and 2): only a salted hash is ever stored.

Plain Python: imports nothing from odoo.
"""

import base64
import hashlib
import secrets
import string

ALGORITHM = "pbkdf2_sha256"
ITERATIONS = 100_000
"""Rounds of PBKDF2. The passwords are random (119 bit), so that the rounds are a second line of defence, and a
bridge that thousands of stations reconnect to at once must be able to check them."""
PASSWORD_LENGTH = 20
"""OCPP 1.6 allows 16 to 20 bytes (Security whitepaper, A00.FR.205), OCPP 2.0.1 up to 40 characters."""

_ALPHABET = string.ascii_letters + string.digits


def new_password() -> str:
    """A random password of 20 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))


def hash_password(password: str, *, iterations: int = ITERATIONS) -> str:
    """Hash with a new salt: ``pbkdf2_sha256$<iterations>$<salt base64>$<hash base64>``."""
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return f"{ALGORITHM}${iterations}${_b64(salt)}${_b64(digest)}"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
