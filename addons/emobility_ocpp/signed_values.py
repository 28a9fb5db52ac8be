"""Signed meter values in the Open Charge Metering Format (OCMF 1.0 to 1.3): read them, check their signatures.

Plain Python: imports nothing from odoo. A text is checked as it came, byte for byte: whoever formats the JSON anew
breaks the signature.
"""

import base64
import binascii
import json
from decimal import Decimal
from enum import Enum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# OCMF, section “Signature Data”: the algorithm names curve and digest. Without one it is the first.
DEFAULT_ALGORITHM = "ECDSA-secp256r1-SHA256"
_CURVES: dict[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp256k1": ec.SECP256K1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpool256r1": ec.BrainpoolP256R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpool384r1": ec.BrainpoolP384R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpool512r1": ec.BrainpoolP512R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class Verdict(Enum):
    """What can be said of a signed text."""

    VALID = "valid"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


def ocmf_of(text: str) -> str | None:
    """The OCMF text in what a station sent: as it is, or as base64, as OCPP 2 wraps it; None for other formats."""
    if text.startswith("OCMF|"):
        return text
    try:
        inner = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return None
    return inner if inner.startswith("OCMF|") else None


def is_ocmf(text: str) -> bool:
    """Whether the text says of itself that it is OCMF."""
    return ocmf_of(text) is not None


def registers(text: str) -> list[tuple[str, Decimal]]:
    """The registers in kWh that an OCMF text states, each with what it is: B(egin), E(nd), or another letter."""
    try:
        _header, payload, _signature = _split(ocmf_of(text) or "")
        readings = json.loads(payload, parse_float=Decimal, parse_int=Decimal).get("RD") or []
        found, kind = [], ""
        for reading in readings:
            kind = str(reading.get("TX") or kind)
            factor = {"kWh": Decimal(1), "Wh": Decimal("0.001")}.get(reading.get("RU"))
            # Errors make a register worthless (OCMF, "EF"), and another register than import is another quantity.
            value, is_good = reading.get("RV"), "E" not in str(reading.get("EF") or "")
            if factor is not None and isinstance(value, Decimal) and is_good:
                found.append((kind[:1], value * factor))
    except (ValueError, AttributeError, TypeError):
        return []
    return found


def verify(text: str, public_key: str) -> Verdict:
    """Check a signed text against the public key of its meter (hexadecimal or base64; DER or a bare curve point)."""
    try:
        _header, payload, signature = _split(ocmf_of(text) or "")
        algorithm = signature.get("SA") or DEFAULT_ALGORITHM
        _scheme, curve_name, digest_name = algorithm.split("-")
        digest = _DIGESTS[digest_name.upper()]
        key = load_key(public_key, _CURVES[curve_name])
        raw = _bytes(signature["SD"], signature.get("SE") or "hex")
    except (KeyError, ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        return Verdict.UNREADABLE
    try:
        key.verify(raw, payload.encode(), ec.ECDSA(digest))
    except InvalidSignature:
        return Verdict.WRONG
    except (ValueError, UnsupportedAlgorithm):
        return Verdict.UNREADABLE
    return Verdict.VALID


def load_key(text: str, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    """Read a public key.

    :raises ValueError: when it is none.
    """
    raw = _key_bytes("".join(text.split()))
    if raw[:1] in (b"\x02", b"\x03", b"\x04") and len(raw) in _point_lengths(curve):
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
    key = serialization.load_der_public_key(raw)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("The key is not one of an elliptic curve.")
    return key


def same_key(one: str, two: str) -> bool:
    """Whether two texts are the same public key, however they are written."""
    try:
        return _key_bytes("".join(one.split())) == _key_bytes("".join(two.split()))
    except ValueError:
        return False


def _key_bytes(compact: str) -> bytes:
    """The key as hexadecimal or base64, or as OCPP 2 sends it: base64 of `oca:base16:asn1:<key>`."""
    prefix, _colon, rest = compact.rpartition(":")
    if prefix in ("oca:base16:asn1", "oca:base64:asn1"):
        compact = rest
    try:
        return bytes.fromhex(compact)
    except ValueError:
        raw = base64.b64decode(compact, validate=True)
    return _key_bytes(raw.decode()) if raw.startswith(b"oca:") else raw


def is_key(text: str) -> bool:
    """Whether the text is a public key of one of the curves."""
    for curve in _CURVES.values():
        try:
            load_key(text, curve)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _point_lengths(curve: ec.EllipticCurve) -> tuple[int, int]:
    size = (curve.key_size + 7) // 8
    return 1 + size, 1 + 2 * size


def _split(text: str) -> tuple[str, str, dict[str, str]]:
    """Header, payload as it was signed, signature."""
    header, _bar, rest = text.partition("|")
    payload, bar, signature = rest.rpartition("|")
    if header != "OCMF" or not bar:
        raise ValueError("The text is not OCMF.")
    data = json.loads(signature)
    if not isinstance(data, dict):
        raise ValueError("The signature is not an object.")
    json.loads(payload)
    return header, payload, data


def _bytes(text: str, encoding: str) -> bytes:
    return base64.b64decode(text, validate=True) if encoding == "base64" else bytes.fromhex(text)
