import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..signed_values import Verdict, verify
from .common import OcppCommon

CURVES = {
    "secp192r1": ec.SECP192R1(),
    "secp256k1": ec.SECP256K1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "brainpool256r1": ec.BrainpoolP256R1(),
    "brainpool384r1": ec.BrainpoolP384R1(),
}


def sign(key: Any, curve: str, payload: str) -> str:
    signature = key.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
    return f"OCMF|{payload}|" + json.dumps({"SA": f"ECDSA-{curve}-SHA256", "SD": signature})


def der(key: Any) -> bytes:
    public = key.public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@tagged("post_install", "-at_install")
class TestSignedValues(OcppCommon):
    payload = '{"FV":"1.0","MS":"123","RD":[{"TM":"2026-03-01T10:30:00,000+0000 S","RV":105.000,"RU":"kWh"}]}'

    def test_signatures_of_all_curves_are_verified_byte_for_byte(self) -> None:
        for name, curve in CURVES.items():
            key = ec.generate_private_key(curve)
            text = sign(key, name, self.payload)
            point = key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            self.assertEqual(verify(text, der(key).hex()), Verdict.VALID, name)
            self.assertEqual(verify(text, point.hex()), Verdict.VALID, name)
            self.assertEqual(verify(text.replace("105.000", "105.00"), der(key).hex()), Verdict.WRONG, name)

    def test_what_cannot_be_checked_is_not_called_valid(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        good = sign(key, "secp256r1", self.payload)
        for text in ("", "OCMF|", "OCMF|{}|{}", "OCMF|x|y", good.replace("ECDSA-secp256r1", "RSA-x"), good[:-30]):
            self.assertEqual(verify(text, der(key).hex()), Verdict.UNREADABLE, text)
        self.assertEqual(verify(good, "no key"), Verdict.UNREADABLE)

    def test_key_that_cannot_be_read_is_refused(self) -> None:
        with self.assertRaises(ValidationError):
            self.evse.meter_public_key = "00ff"

    def charge(self, uid: str, text: str) -> Any:
        events = self.session_events(uid)
        events[1]["payload"]["readings"][0]["signed"] = text
        self.push_ok(*events)
        return self.session(uid)

    def test_session_with_right_signatures_says_so(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.evse.meter_public_key = der(key).hex()
        session = self.charge("signed-1", sign(key, "secp256r1", self.payload))
        self.assertEqual(session.signature_state, "valid")
        self.assertFalse(session.event_ids.filtered(lambda event: event.kind == "conflict"))

    def test_signed_registers_at_begin_and_end_give_the_signed_energy_and_are_handed_out_as_they_came(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.evse.meter_public_key = der(key).hex()
        begin = sign(key, "secp256r1", '{"RD":[{"TX":"B","RV":100000,"RU":"Wh"}]}')
        end = sign(key, "secp256r1", '{"RD":[{"TX":"E","RV":110.250,"RU":"kWh"}]}')
        wrapped = base64.b64encode(end.encode()).decode()
        events = self.session_events("signed-pair")
        reading = events[1]["payload"]["readings"][0]
        events[1]["payload"]["readings"] = [
            {**reading, "signed": wrapped, "signed_context": "Transaction.End"},
            {"at": reading["at"], "energy_kwh": None, "signed": begin, "signed_context": "Transaction.Begin"},
        ]
        self.push_ok(*events)
        session = self.session("signed-pair")
        self.assertEqual((session.signature_state, session.signed_energy_kwh), ("valid", 10.25))
        values = session._signed_values()
        self.assertEqual([value["text"] for value in values], [begin, wrapped])
        self.assertEqual([value["context"] for value in values], ["Transaction.Begin", "Transaction.End"])
        self.assertEqual({value["public_key"] for value in values}, {der(key).hex()})

    def test_key_that_the_station_sends_is_noted_and_one_that_differs_holds_the_session(self) -> None:
        key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        sent = base64.b64encode(f"oca:base16:asn1:{der(key).hex()}".encode()).decode()
        for uid, known in (("key-1", False), ("key-2", der(key).hex()), ("key-3", der(other).hex())):
            self.evse.meter_public_key = known
            events = self.session_events(uid)
            events[1]["payload"]["readings"][0] |= {
                "signed": sign(key if known != der(other).hex() else other, "secp256r1", self.payload),
                "signed_key": sent,
            }
            self.push_ok(*events)
        self.assertEqual(self.evse.meter_public_key_reported, sent)
        reasons = {uid: self.session(uid).event_ids.filtered(lambda event: event.kind == "conflict").mapped("payload")
                   for uid in ("key-1", "key-2", "key-3")}  # fmt: skip
        self.assertEqual((reasons["key-1"], reasons["key-2"]), ([], []))
        self.assertEqual([payload["reason"] for payload in reasons["key-3"]], ["public_key_differs"])

    def test_session_with_a_wrong_signature_is_held(self) -> None:
        key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.evse.meter_public_key = der(key).hex()
        session = self.charge("signed-2", sign(other, "secp256r1", self.payload))
        self.assertEqual(session.signature_state, "wrong")
        [conflict] = session.event_ids.filtered(lambda event: event.kind == "conflict")
        self.assertEqual(conflict.payload["reason"], "signature_wrong")

    def test_signature_of_a_meter_without_key_is_kept_and_not_judged(self) -> None:
        session = self.charge("signed-3", sign(ec.generate_private_key(ec.SECP256R1()), "secp256r1", self.payload))
        self.assertEqual(session.signature_state, "unchecked")
