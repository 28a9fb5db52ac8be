"""Contract certificates of ISO 15118: whether they are good, and who makes new ones.

All of it asks other servers. None is asked that the settings do not name: a station says where to ask, and a station
may be anybody's.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from .config import Config
from .normalise import items, text

_logger = logging.getLogger(__name__)

Payload = dict[str, Any]
Result = TypeVar("Result")

_THREADS = 8
_LONGEST_EXI = 5600  # of an exiResponse (OCPP 2.0.1 part 2, 1.24.2)
_LONGEST_OCSP = 5500
_KEPT = 1000
_KEPT_WITHOUT_DATE = timedelta(minutes=10)
_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class Unsure(Exception):
    """What cannot be found out; the text says why."""


class Bad(Exception):
    """A certificate that is not good; the text is the word of OCPP for it (AuthorizeCertificateStatusEnumType)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A certificate as OCSP names it."""

    algorithm: str
    name_hash: bytes
    key_hash: bytes
    serial: int
    url: str

    @classmethod
    def read(cls, data: Payload) -> Subject:
        """From an OCSPRequestDataType. Raises Unsure."""
        try:
            return cls(
                str(data["hashAlgorithm"]),
                bytes.fromhex(data["issuerNameHash"]),
                bytes.fromhex(data["issuerKeyHash"]),
                int(data["serialNumber"], 16),
                str(data["responderURL"]),
            )
        except (KeyError, TypeError, ValueError) as reason:
            raise Unsure("The certificate is not named as OCSP needs it.") from reason

    @classmethod
    def of(cls, certificate: x509.Certificate, issuer: x509.Certificate) -> Subject | None:
        """Of a certificate; None when it names no responder."""
        try:
            access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        except x509.ExtensionNotFound:
            return None
        for entry in access:
            if entry.access_method == AuthorityInformationAccessOID.OCSP:
                request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
                return cls(
                    "SHA256",
                    request.issuer_name_hash,
                    request.issuer_key_hash,
                    request.serial_number,
                    str(entry.access_location.value),
                )
        return None

    def request(self) -> bytes:
        """The OCSP request. Raises Unsure."""
        try:
            algorithm = _ALGORITHMS[self.algorithm]
            builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
                self.name_hash, self.key_hash, self.serial, algorithm
            )
        except (KeyError, ValueError) as reason:
            raise Unsure("The certificate is not named as OCSP needs it.") from reason
        return builder.build().public_bytes(serialization.Encoding.DER)


class PlugAndCharge:
    """Asks OCSP responders and the provisioning service, in threads of its own."""

    def __init__(self, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._config, self._now = config, now
        self._threads = ThreadPoolExecutor(_THREADS, "plug_and_charge")
        self._hosts = {host.strip().lower() for host in config.ocsp_hosts.split(",") if host.strip()}
        self._authorities: list[x509.Certificate] = []
        if config.contract_ca is not None:
            self._authorities = x509.load_pem_x509_certificates(config.contract_ca.read_bytes())
        self._kept: dict[Subject, tuple[datetime, bytes]] = {}

    async def certificate_status(self, payload: Payload) -> Payload:
        """The answer to GetCertificateStatus (M06): what the responder said, for the station to judge."""
        try:
            response = await self._in_thread(self._ask, Subject.read(payload.get("ocspRequestData") or {}))
        except Unsure as reason:
            return {"status": "Failed", "statusInfo": _info("NotFound", str(reason))}
        encoded = base64.b64encode(response).decode()
        if len(encoded) > _LONGEST_OCSP:
            return {"status": "Failed", "statusInfo": _info("TooLarge", "The OCSP response is too long for OCPP.")}
        return {"status": "Accepted", "ocspResult": encoded}

    async def check(self, payload: Payload, emaid: str) -> str:
        """The certificateStatus of an Authorize with a contract certificate (C07)."""
        try:
            await self._in_thread(self._check, payload, emaid)
        except Bad as word:
            return str(word)
        except Unsure as reason:
            _logger.warning("The contract certificate of %s cannot be checked: %s", emaid, reason)
            return "NoCertificateAvailable"
        return "Accepted"

    async def provision(self, station: str, payload: Payload) -> Payload:
        """The answer to Get15118EVCertificate (M01, M02), by the provisioning service of the operator."""
        try:
            return await self._in_thread(self._provision, station, payload)
        except Unsure as reason:
            _logger.warning("No contract certificate for a car at %s: %s", station, reason, extra={"station": station})
            return {"status": "Failed", "exiResponse": "", "statusInfo": _info("NoService", str(reason))}

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    # -- in a thread --------------------------------------------------------------------------------------

    def _check(self, payload: Payload, emaid: str) -> None:
        if not self._authorities:
            raise Unsure("There is no contract_ca in the settings.")
        subjects = [Subject.read(data) for data in items(payload.get("iso15118CertificateHashData"))]
        chain = text(payload.get("certificate"))
        if chain:
            certificates = self._check_chain(chain, emaid)
            if not subjects:
                pairs = zip(certificates, certificates[1:], strict=False)
                subjects = [s for s in (Subject.of(*pair) for pair in pairs) if s is not None]
        if not subjects:
            raise Unsure("The certificate names no OCSP responder.")
        for subject in subjects:
            self._check_revocation(subject)

    def _check_chain(self, chain: str, emaid: str) -> list[x509.Certificate]:
        """The chain from the contract up to an authority of ours. Raises Bad."""
        try:
            certificates = x509.load_pem_x509_certificates(chain.encode())
        except ValueError as reason:
            raise Bad("CertChainError") from reason
        names = certificates[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if not any(_plain(str(name.value)) == _plain(emaid) for name in names):
            raise Bad("CertChainError")
        for certificate, issuer in zip(certificates, certificates[1:], strict=False):
            if not _is_issued_by(certificate, issuer):
                raise Bad("SignatureError")
        top = certificates[-1]
        authority = next((a for a in self._authorities if a == top or _is_issued_by(top, a)), None)
        if authority is None:
            raise Bad("CertChainError")
        if authority != top:
            certificates.append(authority)
        if not all(self._is_in_time(certificate) for certificate in certificates):
            raise Bad("CertificateExpired")
        return certificates

    def _check_revocation(self, subject: Subject) -> None:
        response = ocsp.load_der_ocsp_response(self._ask(subject))
        same = (response.serial_number, response.issuer_key_hash) == (subject.serial, subject.key_hash)
        ends = response.next_update_utc
        if not same or (ends is not None and ends < self._now()) or not self._is_trusted(response):
            raise Unsure("The OCSP response cannot be trusted.")
        if response.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            raise Bad("CertificateRevoked")
        if response.certificate_status is not ocsp.OCSPCertStatus.GOOD:
            raise Unsure("The OCSP responder does not know the certificate.")

    def _is_trusted(self, response: ocsp.OCSPResponse) -> bool:
        """Signed by an authority of ours, or by somebody whom one of them lets sign (RFC 6960, 4.2.2.2)."""
        delegates = [
            certificate
            for certificate in response.certificates
            if self._is_in_time(certificate)
            and _may_sign_for_others(certificate)
            and any(_is_issued_by(certificate, authority) for authority in self._authorities)
        ]
        return any(_has_signed(signer, response) for signer in [*self._authorities, *delegates])

    def _is_in_time(self, certificate: x509.Certificate) -> bool:
        return certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc

    def _ask(self, subject: Subject) -> bytes:
        """The response of the responder, DER; a response is kept as long as it is good. Raises Unsure."""
        until, response = self._kept.get(subject, (None, b""))
        if until is not None and until > self._now():
            return response
        if (urlsplit(subject.url).hostname or "").lower() not in self._hosts:
            raise Unsure(f"{urlsplit(subject.url).hostname} is not among the ocsp_hosts of the settings.")
        response = self._post(subject.url, data=subject.request(), headers={"Content-Type": "application/ocsp-request"})
        try:
            parsed = ocsp.load_der_ocsp_response(response)
            good = parsed.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
        except ValueError as reason:
            raise Unsure("The OCSP responder gave no OCSP response.") from reason
        if not good:
            raise Unsure(f"The OCSP responder says {parsed.response_status.name}.")
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[subject] = (parsed.next_update_utc or self._now() + _KEPT_WITHOUT_DATE, response)
        return response

    def _provision(self, station: str, payload: Payload) -> Payload:
        if not self._config.provisioning_url:
            raise Unsure("There is no provisioning_url in the settings.")
        key = self._config.provisioning_key.get_secret_value()
        wanted = {name: payload.get(name) for name in ("action", "iso15118SchemaVersion", "exiRequest")}
        answer = self._post(
            self._config.provisioning_url,
            json={"station": station, **wanted},
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        try:
            content = orjson.loads(answer)
            status, exi = content["status"], content["exiResponse"]
        except (ValueError, KeyError, TypeError) as reason:
            raise Unsure("The provisioning service gave an answer that is not understood.") from reason
        if status not in ("Accepted", "Failed") or not isinstance(exi, str) or len(exi) > _LONGEST_EXI:
            raise Unsure("The provisioning service gave an answer that does not fit into OCPP.")
        return {"status": status, "exiResponse": exi}

    def _post(self, url: str, **request: Any) -> bytes:
        limit = self._config.provisioning_timeout
        try:
            answer = requests.post(url, timeout=limit, allow_redirects=False, **request)
            answer.raise_for_status()
        except requests.RequestException as reason:
            raise Unsure(f"{urlsplit(url).hostname} cannot be asked: {type(reason).__name__}.") from reason
        return answer.content


def _info(code: str, more: str) -> Payload:
    return {"reasonCode": code, "additionalInfo": more[:512]}


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").upper()


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_sign_for_others(certificate: x509.Certificate) -> bool:
    try:
        usages: Sequence[x509.ObjectIdentifier] = list(
            certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        )
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usages


def _has_signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True
