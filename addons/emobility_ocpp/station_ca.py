"""The authority that signs the certificates of charging stations (OCPP security profile 3).

Plain Python: imports nothing from odoo.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_YEARS = 20
STATION_DAYS = 730
"""How long a certificate of a station is good; stations renew it when they are told to."""
_CLOCK_TOLERANCE = timedelta(days=1)  # the clocks of stations are not always right


class RequestError(ValueError):
    """A signing request that is not signed; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was just signed. Times are naive UTC."""

    pem: str
    serial: str
    not_before: datetime
    not_after: datetime


def new_authority(name: str, now: datetime) -> tuple[str, str]:
    """Private key and certificate of a new authority, both PEM. ``now`` is naive UTC."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name[:64])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_TOLERANCE)
        .not_valid_after(now + timedelta(days=365 * AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key_pem.decode(), _pem(certificate)


def sign(csr_pem: str, identity: str, key_pem: str, authority_pem: str, now: datetime) -> Issued:
    """Sign a request. The certificate names the station that sent it, whatever the request says.

    :raises RequestError: when the request cannot be read, proves no key, or has a key that is too weak.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        public_key = request.public_key()
        is_genuine = request.is_signature_valid
    except (ValueError, TypeError) as error:
        raise RequestError("The signing request of the station cannot be read.") from error
    if not is_genuine:
        raise RequestError("The signing request is not signed with its own key.")
    if not _is_strong(public_key):
        raise RequestError("The key in the signing request is too weak.")
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    authority = x509.load_pem_x509_certificate(authority_pem.encode())
    serial = x509.random_serial_number()
    not_before, not_after = now - _CLOCK_TOLERANCE, now + timedelta(days=STATION_DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(identity))
        .issuer_name(authority.subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issued(_pem(certificate), f"{serial:X}", not_before, not_after)


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= 2048
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 224


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
