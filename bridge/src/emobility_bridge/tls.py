"""TLS for stations: security profiles 2 (server certificate) and 3 (a certificate on both sides)."""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Sequence
from typing import Any

from .config import Config


def tls_context(config: Config) -> ssl.SSLContext:
    """TLS 1.2 or newer. With a CA for stations a client may show a certificate; profile 3 then demands it."""
    if config.tls_certificate is None or config.tls_key is None:
        raise ValueError("A TLS port needs tls_certificate and tls_key.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(config.tls_certificate, config.tls_key)
    if config.tls_client_ca is not None:
        context.load_verify_locations(config.tls_client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def certificate_names(certificate: dict[str, Any] | None, identity: str, serials: Sequence[str]) -> bool:
    """Whether a verified certificate is one that was issued to this station and is still good.

    TLS has checked signature and dates. A certificate whose serial number Odoo does not list is revoked.
    """
    if not certificate:
        return False
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    is_named = any(hmac.compare_digest(name.encode(), identity.encode()) for name in names)
    return is_named and str(certificate.get("serialNumber", "")).upper().lstrip("0") in {
        serial.upper().lstrip("0") for serial in serials
    }
