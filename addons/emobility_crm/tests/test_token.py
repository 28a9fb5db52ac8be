from datetime import datetime, timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from .common import new_charging_contract

NOW = datetime(2026, 3, 15, 12, 0)


@tagged("post_install", "-at_install")
class TestToken(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env.company.write({"emobility_country_code": "DE", "emobility_party_id": "ABC"})
        cls.contract = new_charging_contract(cls.env, cls.partner)
        cls.contract.action_activate()
        cls.Token = cls.env["emobility.token"]
        cls.token = cls.Token.create(
            {"uid": "04:a2:b3:c4", "contract_id": cls.contract.id, "state": "active"}
        )

    # --- UID ---

    def test_uid_is_normalised_on_create_and_on_write(self) -> None:
        self.assertEqual(self.token.uid, "04A2B3C4")
        self.token.uid = "aa-bb cc"
        self.assertEqual(self.token.uid, "AABBCC")

    def test_uid_is_normalised_again_when_the_type_changes(self) -> None:
        token = self.Token.create({"uid": "de-abc-c1", "token_type": "OTHER"})
        self.assertEqual(token.uid, "DE-ABC-C1")
        token.token_type = "EMAID"
        self.assertEqual(token.uid, "DEABCC1")

    def test_uid_without_a_character_or_beyond_36_is_refused(self) -> None:
        for uid in (" :-", "", False, "A" * 37):
            with self.subTest(uid=uid), self.assertRaises(ValidationError):
                self.Token.create({"uid": uid})

    @mute_logger("odoo.sql_db")
    def test_message_about_a_taken_uid_names_uid_provider_and_contract(self) -> None:
        self.Token.create({"uid": "05AA"})
        named = self.contract.emaid or self.contract.name
        for uid, words in (("04:A2-B3 C4", ("04A2B3C4", "DE*ABC", named)), ("05aa", ("05AA", "DE*ABC", "no contract"))):
            with self.subTest(uid=uid):
                with self.assertRaises(UniqueViolation) as caught, self.env.cr.savepoint():
                    self.Token.create({"uid": uid})
                message = self.Token._sql_error_to_message(caught.exception)
                for word in words:
                    self.assertIn(word, message)

    @mute_logger("odoo.sql_db")
    def test_f49_uid_is_unique_for_country_party_and_company(self) -> None:
        same = {"uid": "04A2B3C4"}
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.Token.create(same)
        other_party = self.Token.create({**same, "country_code": "nl", "party_id": "xyz"})
        self.assertEqual((other_party.country_code, other_party.party_id), ("NL", "XYZ"))
        company = self.env["res.company"].create({"name": "Another"})
        self.assertTrue(
            self.Token.create({**same, "company_id": company.id, "country_code": "DE", "party_id": "ABC"})
        )

    @mute_logger("odoo.sql_db")
    def test_uid_is_unique_without_a_provider_too(self) -> None:
        nobody = {"uid": "77", "country_code": False, "party_id": False}
        self.Token.create(nobody)
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.Token.create(nobody)

    def test_provider_is_complete_or_empty(self) -> None:
        for values in (
            {"country_code": "DE", "party_id": False},
            {"country_code": False, "party_id": "ABC"},
            {"country_code": "D1", "party_id": "ABC"},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.token.write(values)

    # --- Finding ---

    def test_token_is_found_in_every_spelling(self) -> None:
        for spelling in ("04a2b3c4", "04:A2:B3:C4", " 04-a2-b3-c4"):
            with self.subTest(spelling=spelling):
                self.assertEqual(self.Token._find_by_uid(spelling, self.env.company), self.token)

    def test_unknown_empty_and_foreign_company_uids_find_nothing(self) -> None:
        company = self.env["res.company"].create({"name": "Another"})
        self.assertFalse(self.Token._find_by_uid("nothing", self.env.company))
        self.assertFalse(self.Token._find_by_uid(False, self.env.company))
        self.assertFalse(self.Token._find_by_uid("04A2B3C4", company))

    def test_token_of_the_company_wins_over_a_partners_token_with_the_same_uid(self) -> None:
        self.Token.create({"uid": "04A2B3C4", "country_code": "NL", "party_id": "XYZ", "state": "active"})
        self.assertEqual(self.Token._find_by_uid("04A2B3C4", self.env.company), self.token)

    def test_active_token_wins_between_two_partners(self) -> None:
        first, second = (
            self.Token.create({"uid": "77", "country_code": "NL", "party_id": party, "state": state})
            for party, state in (("XYZ", "blocked"), ("QRS", "active"))
        )
        self.assertEqual(self.Token._find_by_uid("77", self.env.company), second)
        first.state = "active"
        self.assertFalse(self.Token._find_by_uid("77", self.env.company), "nobody can know who pays")

    def test_many_uids_are_found_as_each_alone_with_one_look_up(self) -> None:
        company = self.env.company
        self.Token.create({"uid": "04-A2-B3-C4", "token_type": "APP_USER"})
        for party in ("XYZ", "QRS"):
            self.Token.create({"uid": "77", "country_code": "NL", "party_id": party, "state": "active"})
        uids = ["04:a2:b3:c4", "04-a2-b3-c4", "77", "nothing", "aa"]
        alone = {uid: self.Token._find_by_uid(uid, company) for uid in uids}
        self.env.flush_all()
        with self.assertQueryCount(1):
            together = self.Token._find_by_uids(uids, company)
            self.assertEqual({uid: token.ids for uid, token in together.items()},
                             {uid: token.ids for uid, token in alone.items()})  # fmt: skip
        known = self.Token.with_context(**self.Token._knowing({company: uids}))
        with self.assertQueryCount(0):
            self.assertEqual([known._find_by_uid(uid, company).ids for uid in uids],
                             [token.ids for token in alone.values()])  # fmt: skip
        later = self.Token.create({"uid": "BB01", "state": "active"})
        self.assertEqual(known._find_by_uid("bb01", company), later, "what was not asked for is looked up")

    def test_exact_spelling_wins_over_a_card_that_reads_the_same_without_separators(self) -> None:
        app = self.Token.create({"uid": "04-A2-B3-C4", "token_type": "APP_USER"})
        self.assertEqual(self.Token._find_by_uid("04-a2-b3-c4", self.env.company), app)

    # --- Authorisation ---

    def test_state_of_the_token_decides_about_authorisation(self) -> None:
        expected = {
            "ordered": "Invalid",
            "shipped": "Invalid",
            "active": "Accepted",
            "blocked": "Blocked",
            "lost": "Blocked",
            "replaced": "Blocked",
            "expired": "Expired",
        }
        self.assertEqual(set(expected), set(dict(self.Token._fields["state"].selection)))
        for number, (state, status) in enumerate(expected.items()):
            token = self.Token.create({"uid": f"5{number}", "contract_id": self.contract.id, "state": state})
            with self.subTest(state=state):
                self.assertEqual(token._authorization_status(), status)

    def test_state_of_the_contract_decides_about_authorisation(self) -> None:
        expected = {"draft": "Invalid", "active": "Accepted", "suspended": "Blocked", "terminated": "Expired"}
        self.assertEqual(set(expected), set(dict(self.contract._fields["charging_state"].selection)))
        for number, (state, status) in enumerate(expected.items()):
            contract = new_charging_contract(self.env, self.partner, charging_state=state)
            token = self.Token.create({"uid": f"6{number}", "contract_id": contract.id, "state": "active"})
            with self.subTest(state=state):
                self.assertEqual(token._authorization_status(), status)

    def test_blocked_token_stays_blocked_on_an_active_contract(self) -> None:
        self.token.action_block()
        self.assertEqual(self.token._authorization_status(), "Blocked")

    def test_token_of_an_archived_contract_is_blocked(self) -> None:
        self.contract.action_archive()
        self.assertEqual(self.token._authorization_status(), "Blocked")

    def test_f22_token_is_refused_from_the_moment_its_validity_ends(self) -> None:
        with freeze_time(NOW - timedelta(days=1)):
            self.token.valid_until = NOW
        for moment, status in (
            (NOW - timedelta(seconds=1), "Accepted"),
            (NOW, "Expired"),
            (NOW + timedelta(days=1), "Expired"),
        ):
            with self.subTest(moment=moment), freeze_time(moment):
                self.assertEqual(self.token._authorization_status(), status)

    def test_unknown_token_is_invalid(self) -> None:
        self.assertEqual(self.Token._authorization_status(), "Invalid")

    def test_own_token_without_a_payer_is_invalid(self) -> None:
        self.token.contract_id = False
        self.assertEqual(self.token._authorization_status(), "Invalid")

    def test_ad_hoc_user_needs_no_contract(self) -> None:
        token = self.Token.create({"uid": "adhoc-1", "token_type": "AD_HOC_USER", "state": "active"})
        self.assertEqual(token._authorization_status(), "Accepted")

    def test_token_of_another_provider_needs_no_contract(self) -> None:
        token = self.Token.create({"uid": "88", "country_code": "NL", "party_id": "XYZ", "state": "active"})
        self.assertEqual(token._authorization_status(), "Accepted")
        token.action_block()
        self.assertEqual(token._authorization_status(), "Blocked")

    # --- Life ---

    def test_driver_is_the_customer_unless_somebody_else_is_named(self) -> None:
        driver = self.env["res.partner"].create({"name": "Driver"})
        named = self.Token.create({"uid": "11", "contract_id": self.contract.id, "partner_id": driver.id})
        self.assertEqual(self.token.partner_id, self.partner)
        self.assertEqual(named.partner_id, driver)

    def test_replaced_token_is_final(self) -> None:
        self.token.state = "replaced"
        with self.assertRaisesRegex(UserError, "is Replaced and cannot become Active"):
            self.token.action_activate()

    def test_lost_token_that_is_found_can_be_activated_again(self) -> None:
        self.token.action_report_lost()
        self.assertEqual(self.token.state, "lost")
        self.token.action_activate()
        self.assertEqual(self.token.state, "active")

    def test_new_token_takes_the_place_of_the_lost_one(self) -> None:
        self.token.action_report_lost()
        context = self.token.action_replace()["context"]
        new = self.Token.with_context(**context).create({"uid": "04FFFFFF"})
        self.assertEqual(self.token.state, "replaced")
        self.assertEqual(
            (new.replaces_id, new.contract_id, new.partner_id, new.state),
            (self.token, self.contract, self.partner, "ordered"),
        )

    @mute_logger("odoo.sql_db")
    def test_token_is_replaced_only_once(self) -> None:
        self.Token.create({"uid": "21", "replaces_id": self.token.id})
        with self.assertRaises(UserError):
            self.token.action_replace()
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.Token.create({"uid": "22", "replaces_id": self.token.id})

    @freeze_time(NOW)
    def test_f22_expired_token_can_be_active_again_only_with_a_later_validity(self) -> None:
        self.token.write({"state": "expired", "valid_until": NOW - timedelta(days=1)})
        with self.assertRaisesRegex(ValidationError, "Extend its validity first"):
            self.token.action_activate()
        self.token.valid_until = NOW + timedelta(days=1)
        self.token.action_activate()
        self.assertEqual(self.token._authorization_status(), "Accepted")

    @freeze_time(NOW)
    def test_f22_scheduled_action_marks_only_tokens_past_their_validity(self) -> None:
        later = self.Token.create(
            {
                "uid": "31",
                "contract_id": self.contract.id,
                "state": "active",
                "valid_until": NOW + timedelta(days=1),
            }
        )
        lost = self.Token.create({"uid": "32", "state": "lost", "valid_until": NOW})
        self.token.valid_until = NOW + timedelta(hours=1)
        with freeze_time(NOW + timedelta(hours=2)):
            self.env.ref("emobility_crm.cron_expire_tokens").ir_actions_server_id.run()
        self.assertEqual((self.token.state, later.state, lost.state), ("expired", "active", "lost"))

    def test_token_needs_a_charging_contract_of_its_company(self) -> None:
        other = new_charging_contract(self.env, self.partner, is_charging=False)
        with self.assertRaisesRegex(ValidationError, "is not a charging contract"):
            self.token.contract_id = other
        company = self.env["res.company"].create({"name": "Another"})
        with self.assertRaisesRegex(UserError, "no company crossover"):
            self.Token.create({"uid": "41", "company_id": company.id, "contract_id": self.contract.id})
