from datetime import date
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..bank_message import MessageError, read
from .common import camt, pain

DEBIT = {"reference": "DD1/LOT1/1", "amount": "4.90", "mandate": "M1"}


@tagged("post_install", "-at_install")
class TestBankMessage(BaseCase):
    def test_camt_tells_reference_reason_and_amount_without_the_charges_of_the_bank(self) -> None:
        (found,) = read(camt([DEBIT], "AC04", date(2026, 3, 4)))
        self.assertEqual((found.end_to_end, found.reason, found.text), ("DD1/LOT1/1", "AC04", "as reported"))
        self.assertEqual((found.amount, found.charges, found.currency), (Decimal("4.90"), Decimal("3.00"), "EUR"))
        self.assertEqual((found.on, found.debtor, found.mandate), (date(2026, 3, 4), "Dana Driver", "M1"))

    def test_pain_tells_of_rejected_transactions(self) -> None:
        (found,) = read(pain([DEBIT], "MD01"))
        self.assertEqual((found.kind, found.end_to_end, found.reason), ("pain", "DD1/LOT1/1", "MD01"))

    def test_pain_tells_of_a_rejected_lot_and_of_a_rejected_message(self) -> None:
        lot = b"""<Document xmlns="urn:x"><CstmrPmtStsRpt>
        <OrgnlGrpInfAndSts><OrgnlMsgId>DD1</OrgnlMsgId></OrgnlGrpInfAndSts>
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>DD1/LOT1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>
        <StsRsnInf><Rsn><Cd>TM01</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
        (found,) = read(lot)
        self.assertEqual((found.lot, found.reason, found.end_to_end), ("DD1/LOT1", "TM01", ""))
        message = b"""<Document xmlns="urn:x"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>DD1</OrgnlMsgId>
        <GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"""
        (found,) = read(message)
        self.assertEqual((found.order, found.reason), ("DD1", "FF01"))

    def test_bookings_that_are_no_returns_are_left_out(self) -> None:
        content = camt([DEBIT], "AC04").replace(b"RtrInf", b"Other")
        self.assertEqual(read(content), [])

    def test_other_files_are_refused_and_outside_entities_are_not_read(self) -> None:
        for content in (b"", b"<Document/>", b"no xml", b"<Document><A/></Document>"):
            with self.subTest(content=content), self.assertRaises(MessageError):
                read(content)
        attack = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + camt([DEBIT], "&e;")
        self.assertEqual([one.reason for one in read(attack)], [""])
