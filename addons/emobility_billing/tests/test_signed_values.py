from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from odoo.tests import tagged

from .charging_common import ChargedCommon
from .common import stamp

_PAYLOAD = (
    '{"FV":"1.0","MS":"Zähler <1> & Co","RD":[{"TM":"2026-03-01T10:30:00,000+0000 S","TX":"%s","RV":%s,"RU":"kWh"}]}'
)


def _signed(key: ec.EllipticCurvePrivateKey, mark: str, register: str) -> str:
    payload = _PAYLOAD % (mark, register)
    signature = key.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
    return f"OCMF|{payload}|" + json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": signature})


@tagged("post_install", "-at_install")
class TestSignedValues(ChargedCommon):
    """What the meter signed reaches the customer byte for byte, in a file that transparency software reads."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.key = ec.generate_private_key(ec.SECP256R1())
        cls.public = (
            cls.key.public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            .hex()
        )
        cls.begin, cls.end = _signed(cls.key, "B", "1000.000"), _signed(cls.key, "E", "1005.000")

    def _charge_signed(self, uid: str, start: datetime, *texts: str) -> Any:
        events = self.events(uid, start, minutes=30, kwh="5", readings=[(n * 10, None) for n in range(len(texts))])
        for event, text in zip(events[1:], texts, strict=False):
            event["payload"]["readings"][0]["signed"] = text
        with patch.object(type(self.env["emobility.evse"]), "_meter_key", lambda _evse: self.public):
            return self.ingest(events)

    def _file(self, move: Any) -> Any:
        return etree.fromstring(move._emobility_signed_file()[1])

    def _is_right(self, value: Any) -> bool:
        """As the software does it: the signature is that of the bytes between the first and the last pipe."""
        text = value.findtext("signedData")
        payload, signature = text.removeprefix("OCMF|").rsplit("|", 1)
        key = serialization.load_der_public_key(bytes.fromhex(value.findtext("publicKey")))
        try:
            key.verify(bytes.fromhex(json.loads(signature)["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def test_invoice_carries_all_signed_values_and_their_signatures_are_right(self) -> None:
        sessions = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin, self.end)
        sessions |= self._charge("PLAIN", self.contract, datetime(2026, 3, 2, 10, tzinfo=UTC), 30, "5")
        sessions |= self._charge_signed("S3", datetime(2026, 3, 3, 10, tzinfo=UTC), self.begin)
        root = self._file(self._invoice(sessions))
        values = root.findall("value")
        self.assertEqual(root.tag, "values")
        self.assertEqual(
            [(value.get("transactionId"), value.get("context")) for value in values],
            [("1", "Transaction.Begin"), ("1", "Transaction.End"), ("3", None)],
            "numbers of the annex",
        )
        self.assertEqual([value.findtext("signedData") for value in values], [self.begin, self.end, self.begin])
        self.assertEqual({value.find("signedData").get("format") for value in values}, {"OCMF"})
        self.assertEqual({value.find("publicKey").get("encoding") for value in values}, {"hex"})
        self.assertEqual([self._is_right(value) for value in values], [True] * 3)

    def test_a_changed_byte_is_found(self) -> None:
        changed = self.begin.replace("1000.000", "1000.001")
        session = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), changed)
        self.assertFalse(self._is_right(self._file(self._invoice(session)).find("value")))

    def test_key_is_that_of_the_time_of_the_session(self) -> None:
        session = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin)
        with patch.object(type(self.env["emobility.evse"]), "_meter_key", lambda _evse: "00" * 30):
            value = self._file(self._invoice(session)).find("value")
        self.assertEqual(value.findtext("publicKey"), self.public)

    def test_file_is_mailed_with_the_invoice(self) -> None:
        move = self._invoice(self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin))
        move._emobility_send()
        [file] = move._emobility_annex_attachments().filtered(lambda one: one.name.endswith(".xml"))
        self.assertEqual(etree.fromstring(file.raw).findtext("value/signedData"), self.begin)
        self.assertIn(file.name, move.message_ids.attachment_ids.mapped("name"))

    def test_without_signed_values_there_is_no_file(self) -> None:
        move = self._invoice(self._charge("PLAIN", self.contract, datetime(2026, 3, 2, 10, tzinfo=UTC), 30, "5"))
        self.assertIsNone(move._emobility_signed_file())

    def test_credit_cdr_keeps_what_was_signed(self) -> None:
        cdr = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin).cdr_ids
        self.assertEqual(cdr._take_back().signed_values, cdr.signed_values)

    def test_a_key_in_base64_says_so(self) -> None:
        public = base64.b64encode(bytes.fromhex(self.public)).decode()
        with patch.object(type(self), "public", public):
            session = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin)
        self.assertEqual(self._file(self._invoice(session)).find("value/publicKey").get("encoding"), "base64")

    def test_same_text_twice_is_one_value(self) -> None:
        """Stations send the values of a transaction again at its end."""
        session = self._charge_signed("S1", datetime(2026, 3, 1, 10, tzinfo=UTC), self.begin, self.begin)
        self.assertEqual([one["text"] for one in session.cdr_ids.signed_values], [self.begin])
        self.assertEqual(session.cdr_ids.signed_values[0]["at"], stamp(datetime(2026, 3, 1, 10, tzinfo=UTC)))
