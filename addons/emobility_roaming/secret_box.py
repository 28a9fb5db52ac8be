"""Secrets that have to be read again: encrypted at rest.

The key comes from ``emobility_secret_key`` in the configuration file, so that a copy of the database alone opens
nothing. Without it, it comes from the secret of the database.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from odoo.api import Environment
from odoo.exceptions import UserError
from odoo.tools import config


def _box(env: Environment) -> Fernet:
    source = config.get("emobility_secret_key") or env["ir.config_parameter"].sudo().get_param("database.secret")
    key = HKDF(SHA256(), 32, salt=None, info=b"emobility_roaming token").derive(source.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def seal(env: Environment, secret: str) -> str:
    """Encrypt a secret."""
    return _box(env).encrypt(secret.encode()).decode()


def unseal(env: Environment, sealed: str) -> str:
    """Decrypt it. :raises UserError: when the key is another one"""
    try:
        return _box(env).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise UserError(
            env._("The token of the partner cannot be decrypted: the secret key is another one. Register again.")
        ) from None
