from odoo.tests import BaseCase, tagged

from odoo.addons.emobility_crm.identifiers import (
    EMAID,
    EVSE_ID,
    emaid_check_digit,
    normalise_emaid,
    normalise_uid,
    reversed_bytes,
    with_check_digit,
)


@tagged("post_install", "-at_install")
class TestIdentifiers(BaseCase):
    def test_card_uids_lose_separators_and_case(self) -> None:
        for spelling in ("04:a2:b3:c4", "04-A2-B3-C4", " 04 a2 b3 c4 ", "04a2b3c4", "04.A2.b3.C4"):
            with self.subTest(spelling=spelling):
                self.assertEqual(normalise_uid(spelling, "RFID"), "04A2B3C4")

    def test_uids_of_other_types_keep_their_separators(self) -> None:
        self.assertEqual(normalise_uid(" user-1:a.b ", "APP_USER"), "USER-1:A.B")

    def test_emaids_are_stored_without_separators(self) -> None:
        self.assertEqual(normalise_emaid("de-abc-c12345678-x"), "DEABCC12345678X")
        self.assertEqual(normalise_emaid(False), "")

    def test_emaid_format_follows_iso_15118(self) -> None:
        for emaid in ("DEABCC12345678", "DE8AACA2B3C4D5", "DEABCC12345678X"):
            self.assertTrue(EMAID.fullmatch(emaid), emaid)
        for text in ("DEABCC1234567", "D1ABCC12345678", "DEABCC12345678XY", "DEABCC1234567*"):
            self.assertFalse(EMAID.fullmatch(text), text)

    def test_emaid_check_digit_is_that_of_the_published_examples(self) -> None:
        for emaid, digit in {
            "NN123ABCDEFGHI": "T",
            "FRXYZ123456789": "2",
            "ITA1B2C3E4F5G6": "4",
            "ESZU8WOX834H1D": "R",
            "PT73902837ABCZ": "Z",
            "DE83DUIEN83QGZ": "D",
            "DE83DUIEN83ZGQ": "M",
            "DE8AA001234567": "0",
            "NLTNM000122045": "U",
        }.items():
            with self.subTest(emaid=emaid):
                self.assertEqual(emaid_check_digit(emaid), digit)
                self.assertEqual(with_check_digit(emaid), emaid + digit)
                self.assertEqual(with_check_digit(emaid + digit), emaid + digit)

    def test_bytes_of_a_uid_are_reversed_only_when_they_are_whole(self) -> None:
        self.assertEqual(reversed_bytes("04A2B3C4"), "C4B3A204")
        self.assertEqual(reversed_bytes("04A2B"), "04A2B")
        self.assertEqual(reversed_bytes("CARD12"), "CARD12")

    def test_autocharge_ids_are_the_address_of_the_car(self) -> None:
        for spelling in ("VID:00:1a:2b:3c:4d:5e", "001A2B3C4D5E", "00-1a-2b-3c-4d-5e"):
            with self.subTest(spelling=spelling):
                self.assertEqual(normalise_uid(spelling, "AUTOCHARGE"), "001A2B3C4D5E")

    def test_evse_id_format_follows_emi3(self) -> None:
        for evse_id in ("DE*ABC*E1234*1", "DEABCE12341", "NL*8A1*E0", "DE*ABC*E" + "1" * 31):
            self.assertTrue(EVSE_ID.fullmatch(evse_id), evse_id)
        for text in (
            "DE*ABC*1234",  # the letter E is missing
            "DE*AB*E1234",  # operator of two characters
            "D*ABC*E1234",
            "DE*ABC*E",  # no outlet
            "DE*ABC*E*1",
            "DE*ABC*E" + "1" * 32,
            "DE-ABC-E1234",
            "+49*810*000*438",  # the older DIN 91286 format
        ):
            self.assertFalse(EVSE_ID.fullmatch(text), text)
