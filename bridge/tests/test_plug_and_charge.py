"""Contract certificates of ISO 15118: chain, OCSP, provisioning; the other servers are real ones of the test."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import BridgeProcess
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from fake_odoo import FakeOdoo

from emobility_bridge.config import Config
from emobility_bridge.plug_and_charge import PlugAndCharge

NOW = datetime.now(UTC).replace(microsecond=0)
EMAID = "DE8AACA2B3C4D59"


class Authority:
    """A contract authority with an OCSP responder and a provisioning service on one port."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signer = self.key
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MO root")])
        self.certificate = self._issue(name, self.key, name, None)
        self.status = ocsp.OCSPCertStatus.GOOD
        self.asked: list[dict[str, Any]] = []
        self.provisioned: Any = {"status": "Accepted", "exiResponse": "ZXhp"}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _issue(self, subject: x509.Name, key: Any, issuer: x509.Name, url: str | None, days: int = 30) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=60))
            .not_valid_after(NOW + timedelta(days=days))
        )
        if url:
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def contract(self, emaid: str = EMAID, days: int = 30) -> Any:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, emaid)])
        key = ec.generate_private_key(ec.SECP256R1())
        return self._issue(subject, key, self.certificate.subject, self.url, days)

    def _handler(authority) -> type[BaseHTTPRequestHandler]:  # noqa: N805  the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                return

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"] == "application/ocsp-request":
                    answer = authority.respond(ocsp.load_der_ocsp_request(body))
                else:
                    authority.asked.append(json.loads(body) | {"key": self.headers["Authorization"]})
                    answer = json.dumps(authority.provisioned).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        return Handler

    def respond(self, request: ocsp.OCSPRequest) -> bytes:
        revoked = NOW - timedelta(days=1) if self.status is ocsp.OCSPCertStatus.REVOKED else None
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            request.issuer_name_hash, request.issuer_key_hash, request.serial_number, request.hash_algorithm,
            self.status, NOW, NOW + timedelta(hours=1), revoked, None,
        )  # fmt: skip
        response = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, self.certificate).sign(
            self.signer, hashes.SHA256()
        )
        return response.public_bytes(serialization.Encoding.DER)

    def hash_data(self, certificate: Any) -> dict[str, str]:
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, self.certificate, hashes.SHA256()).build()
        return {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": request.issuer_name_hash.hex(),
            "issuerKeyHash": request.issuer_key_hash.hex(),
            "serialNumber": f"{request.serial_number:x}",
            "responderURL": self.url,
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pem(certificate: Any) -> str:
    return str(certificate.public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture
def authority() -> Iterator[Authority]:
    made = Authority()
    yield made
    made.stop()


def service(authority: Authority, folder: Path, **settings: Any) -> PlugAndCharge:
    file = folder / "authority.pem"
    file.write_text(pem(authority.certificate))
    known = {"contract_ca": file, "ocsp_hosts": "127.0.0.1", "provisioning_url": authority.url} | settings
    odoo = {"odoo_url": "http://x", "odoo_db": "x", "odoo_login": "x", "odoo_api_key": "x"}
    return PlugAndCharge(Config(dsn="x", **odoo, **known))


async def test_a_good_contract_is_accepted_by_its_hash_and_by_its_chain(authority: Authority, tmp_path: Path) -> None:
    pnc, contract = service(authority, tmp_path), authority.contract()
    assert await pnc.check({"iso15118CertificateHashData": [authority.hash_data(contract)]}, EMAID) == "Accepted"
    assert await pnc.check({"certificate": pem(contract)}, "DE-8AA-CA2B3C4D5-9") == "Accepted"


async def test_a_revoked_contract_is_refused_and_an_unknown_one_is_not_taken_for_good(
    authority: Authority, tmp_path: Path
) -> None:
    for status, word in (
        (ocsp.OCSPCertStatus.REVOKED, "CertificateRevoked"),
        (ocsp.OCSPCertStatus.UNKNOWN, "NoCertificateAvailable"),
    ):
        authority.status = status
        payload = {"iso15118CertificateHashData": [authority.hash_data(authority.contract())]}
        assert await service(authority, tmp_path).check(payload, EMAID) == word


async def test_a_chain_that_is_not_right_says_why(authority: Authority, tmp_path: Path) -> None:
    pnc, stranger = service(authority, tmp_path), Authority()
    stranger.stop()
    cases = {
        "CertChainError": [pem(stranger.contract()), pem(authority.contract("DE8AACFFFFFFFF1")), "no certificate"],
        "CertificateExpired": [pem(authority.contract(days=-1))],
        "SignatureError": [pem(authority.contract()) + pem(stranger.certificate)],
    }
    for word, chains in cases.items():
        for chain in chains:
            assert await pnc.check({"certificate": chain}, EMAID) == word


async def test_an_answer_that_the_authority_has_not_signed_counts_for_nothing(
    authority: Authority, tmp_path: Path
) -> None:
    authority.signer = ec.generate_private_key(ec.SECP256R1())
    payload = {"iso15118CertificateHashData": [authority.hash_data(authority.contract())]}
    assert await service(authority, tmp_path).check(payload, EMAID) == "NoCertificateAvailable"


async def test_a_station_cannot_make_the_bridge_ask_any_server(authority: Authority, tmp_path: Path) -> None:
    pnc = service(authority, tmp_path, ocsp_hosts="ocsp.example.com")
    answer = await pnc.certificate_status({"ocspRequestData": authority.hash_data(authority.contract())})
    assert answer["status"] == "Failed"
    assert "ocsp_hosts" in answer["statusInfo"]["additionalInfo"]


async def test_the_status_of_a_certificate_is_handed_to_the_station_as_it_came(
    authority: Authority, tmp_path: Path
) -> None:
    pnc, data = service(authority, tmp_path), authority.hash_data(authority.contract())
    answer = await pnc.certificate_status({"ocspRequestData": data})
    response = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
    assert (answer["status"], f"{response.serial_number:x}") == ("Accepted", data["serialNumber"])
    broken = await pnc.certificate_status({"ocspRequestData": data | {"issuerNameHash": "zz"}})
    assert broken["status"] == "Failed"


async def test_a_contract_comes_from_the_provisioning_service(authority: Authority, tmp_path: Path) -> None:
    pnc = service(authority, tmp_path, provisioning_key="secret")
    request = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "gAAB"}
    assert await pnc.provision("CS-1", request) == {"status": "Accepted", "exiResponse": "ZXhp"}
    assert authority.asked == [request | {"station": "CS-1", "key": "Bearer secret"}]
    authority.provisioned = {"status": "Perhaps"}
    refused = await pnc.provision("CS-1", request)
    assert (refused["status"], refused["exiResponse"]) == ("Failed", "")


async def test_without_a_service_a_car_is_told_so_and_its_request_is_kept(station: Any, bridge: BridgeProcess) -> None:
    socket = await station(protocol="ocpp2.0.1")
    request = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "gAAB"}
    answer = await socket.call("Get15118EVCertificate", request)
    assert (answer["status"], answer["exiResponse"]) == ("Failed", "")
    assert "provisioning_url" in answer["statusInfo"]["additionalInfo"]
    [kept] = bridge.rows("SELECT raw FROM journal WHERE action = %s", "Get15118EVCertificate")
    assert "gAAB" in kept["raw"]


async def test_a_contract_token_without_a_checked_certificate_is_invalid_and_by_its_id_alone_accepted(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo
) -> None:
    odoo.tokens.append({"uid": EMAID, "type": "EMAID", "status": "Accepted", "valid_until": False, "group": False})
    bridge.execute("UPDATE sync_state SET synced_at = NULL")
    bridge.wait_for_sync()
    socket = await station(protocol="ocpp2.0.1")
    token = {"idToken": {"idToken": "DE-8AA-CA2B3C4D5-9", "type": "eMAID"}}
    assert (await socket.call("Authorize", token))["idTokenInfo"]["status"] == "Accepted"
    answer = await socket.call("Authorize", token | {"certificate": "-----BEGIN CERTIFICATE-----"})
    assert answer == {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "NoCertificateAvailable"}
