from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import OcppCommon


def request(key: Any, name: str = "ANOTHER-STATION") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


@tagged("post_install", "-at_install")
class TestCertificates(OcppCommon):
    def ask(self, csr: str, uid: str = "csr-1") -> dict[str, Any]:
        return self.push(self.event(uid, "station.csr", csr=csr))[0]

    def issue(self, uid: str = "csr-1") -> Any:
        self.station.security_profile = "3"
        self.assertEqual(self.ask(request(ec.generate_private_key(ec.SECP256R1())), uid)["status"], "ok")
        return self.station.certificate_ids.sorted("id")[-1]

    def sent(self) -> dict[str, Any]:
        return self.gateway.sync(False)["stations"][0]

    def test_request_is_signed_for_the_station_that_sent_it_and_sent_back(self) -> None:
        record = self.issue()
        certificate = x509.load_pem_x509_certificate(record.certificate.encode())
        [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        self.assertEqual(name.value, "TEST-CS-1")
        authority = x509.load_pem_x509_certificate(self.company.emobility_station_ca_certificate.encode())
        certificate.verify_directly_issued_by(authority)
        [command] = self.gateway.sync(False)["commands"]
        self.assertEqual(command["action"], "certificate")
        self.assertEqual(
            command["payload"]["chain"], record.certificate + self.company.emobility_station_ca_certificate
        )
        self.assertEqual((self.sent()["security_profile"], self.sent()["certificates"]), (3, [record.serial]))

    def test_same_authority_signs_again_and_both_certificates_are_good_until_one_is_revoked(self) -> None:
        first, second = self.issue("csr-1"), self.issue("csr-2")
        self.assertEqual(set(self.sent()["certificates"]), {first.serial, second.serial})
        first.with_user(self.manager).action_revoke()
        self.assertEqual(self.sent()["certificates"], [second.serial])

    def test_expired_certificate_is_no_longer_sent(self) -> None:
        self.issue().not_after = fields.Datetime.now() - timedelta(days=1)
        self.assertEqual(self.sent()["certificates"], [])

    def test_what_is_no_request_or_too_weak_is_refused_with_a_sentence(self) -> None:
        self.assertIn("cannot be read", self.ask("rubbish", "csr-1")["error"])
        weak = rsa.generate_private_key(65537, 1024)
        self.assertIn("too weak", self.ask(request(weak), "csr-2")["error"])
        self.assertFalse(self.station.certificate_ids)

    def test_station_that_is_not_accepted_gets_no_certificate(self) -> None:
        self.station.accepted = False
        answer = self.ask(request(ec.generate_private_key(ec.SECP256R1())))
        self.assertIn("gets no certificate", answer["error"])

    def test_key_of_the_authority_is_for_the_system_alone(self) -> None:
        self.issue()
        for user in (self.clerk, self.manager, self.auditor):
            with self.assertRaises(AccessError):
                self.company.with_user(user).read(["emobility_station_ca_key"])
        with self.assertRaises(AccessError):
            self.station.certificate_ids.with_user(self.clerk).action_revoke()

    def test_station_is_asked_for_a_new_request_before_its_certificate_ends(self) -> None:
        record = self.issue()
        self.env["emobility.command"].search([]).unlink()
        self.env["emobility.station.certificate"]._cron_renew()
        self.assertFalse(self.env["emobility.command"].search([("action", "=", "rotate_certificate")]))
        record.not_after = fields.Datetime.now() + timedelta(days=30)
        self.env["emobility.station.certificate"]._cron_renew()
        self.assertEqual(
            self.env["emobility.command"].search([("action", "=", "rotate_certificate")]).station_id, self.station
        )
