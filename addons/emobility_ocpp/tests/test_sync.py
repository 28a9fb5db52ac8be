from datetime import datetime
from typing import Any
from unittest.mock import patch

from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestSync(OcppCommon):
    def sync(self, cursor: Any = False) -> dict[str, Any]:
        return self.gateway.sync(cursor)

    def forget_changes(self) -> None:
        """A test is one transaction; make what was done so far look like the work of an older one."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE emobility_ocpp_change SET xid = 1")

    def tokens(self, answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {token["uid"]: token for token in answer["tokens"]}

    def test_first_sync_is_full(self) -> None:
        answer = self.sync()
        self.assertTrue(answer["full"])
        self.assertEqual(
            self.tokens(answer)[self.token.uid],
            {
                "uid": self.token.uid,
                "type": "AD_HOC_USER",
                "status": "Accepted",
                "valid_until": False,
                "group": False,
                "price_group": False,
            },
        )
        [station] = [station for station in answer["stations"] if station["identity"] == "TEST-CS-1"]
        self.assertEqual(
            station,
            {
                "identity": "TEST-CS-1",
                "password_hash": "",
                "accepted": True,
                "offline_policy": "accept_known",
                "security_profile": 1,
                "certificates": [],
                "tariffs": {},
            },
        )

    def test_nothing_changed_gives_an_empty_delta(self) -> None:
        cursor = self.sync()["cursor"]
        self.forget_changes()
        answer = self.sync(cursor)
        self.assertEqual((answer["full"], answer["tokens"], answer["stations"]), (False, [], []))

    def test_delta_has_what_changed_and_nothing_else(self) -> None:
        other = self.token.copy({"uid": "0411223344", "state": "active"})
        cursor = self.sync()["cursor"]
        self.forget_changes()
        other.action_block()
        answer = self.sync(cursor)
        self.assertEqual(
            [(token["uid"], token["status"]) for token in answer["tokens"]], [("0411223344", "Blocked")]
        )
        self.assertEqual(answer["stations"], [])

    def test_token_that_is_gone_or_renamed_comes_as_invalid(self) -> None:
        other = self.token.copy({"uid": "0411223344", "state": "ordered"})
        cursor = self.sync()["cursor"]
        self.forget_changes()
        other.unlink()
        self.token.uid = "0455667788"
        statuses = {uid: token["status"] for uid, token in self.tokens(self.sync(cursor)).items()}
        self.assertEqual(
            statuses, {"0411223344": "Invalid", "04AABBCCDD": "Invalid", "0455667788": "Accepted"}
        )

    def test_suspended_contract_blocks_its_tokens_in_the_next_delta(self) -> None:
        partner = self.env["res.partner"].create({"name": "Driver"})
        contract = self.env["contract.contract"].create(
            {"name": "Charging", "partner_id": partner.id, "is_charging": True, "charging_state": "draft"}
        )
        contract.charging_state = "active"
        token = self.env["emobility.token"].create(
            {"uid": "04CCCCCCCC", "token_type": "RFID", "contract_id": contract.id, "state": "active"}
        )
        answer = self.sync()
        self.assertEqual(self.tokens(answer)[token.uid]["status"], "Accepted")
        self.assertEqual(self.tokens(answer)[token.uid]["group"], f"driver-{partner.id}")
        self.forget_changes()
        contract.charging_state = "suspended"
        self.assertEqual(self.tokens(self.sync(answer["cursor"]))[token.uid]["status"], "Blocked")

    def test_uid_of_two_providers_is_sent_as_the_own_token_and_as_invalid_when_nobody_knows(self) -> None:
        self.company.write({"emobility_country_code": "DE", "emobility_party_id": "ABC"})
        foreign = {"uid": "04EEEEEEEE", "token_type": "RFID", "state": "active", "country_code": "NL"}
        self.env["emobility.token"].create([foreign | {"party_id": "XYZ"}, foreign | {"party_id": "QQQ"}])
        self.assertEqual(self.tokens(self.sync())["04EEEEEEEE"]["status"], "Invalid")
        self.token.copy({"uid": "04EEEEEEEE", "country_code": "DE", "party_id": "ABC", "state": "blocked"})
        answer = self.sync()
        self.assertEqual(self.tokens(answer)["04EEEEEEEE"]["status"], "Blocked")
        self.assertEqual([token["uid"] for token in answer["tokens"]].count("04EEEEEEEE"), 1)

    def test_card_is_sent_in_both_byte_orders_where_readers_may_turn_it_around(self) -> None:
        turned = "DDCCBBAA04"
        self.assertNotIn(turned, self.tokens(self.sync()))
        cursor = self.sync()["cursor"]
        self.forget_changes()
        self.company.emobility_match_reversed_uid = True
        self.assertEqual(
            {uid: token["status"] for uid, token in self.tokens(self.sync(cursor)).items()},
            {self.token.uid: "Accepted", turned: "Accepted"},
        )
        self.assertEqual(self.tokens(self.sync())[turned]["status"], "Accepted")
        self.forget_changes()
        self.token.action_block()
        self.assertEqual(self.tokens(self.sync(cursor))[turned]["status"], "Blocked")
        # A card whose own UID that is comes first, and when it is gone the turned one is known again.
        own = self.token.copy({"uid": turned, "state": "ordered"})
        self.assertEqual(self.tokens(self.sync())[turned]["status"], "Invalid")
        own.unlink()
        self.assertEqual(self.tokens(self.sync(cursor))[turned]["status"], "Blocked")
        self.forget_changes()
        self.company.emobility_match_reversed_uid = False
        self.assertEqual(self.tokens(self.sync(cursor))[turned]["status"], "Invalid")

    def test_session_of_a_turned_card_belongs_to_its_token(self) -> None:
        self.company.emobility_match_reversed_uid = True
        events = self.session_events("turned-1")
        events[0]["payload"]["token_uid"] = "DDCCBBAA04"
        self.push_ok(*events)
        self.assertEqual(self.session("turned-1").token_id, self.token)

    def test_what_is_told_of_unknown_tokens_is_a_token_of_its_own(self) -> None:
        tokens = self.env["emobility.token"]
        self.assertNotIn("*", self.tokens(self.sync()))
        cursor = self.sync()["cursor"]
        for asks, status in ((True, "Ask"), (False, "Invalid")):
            with patch.object(type(tokens), "_asks_about_unknown", return_value=asks):
                self.forget_changes()
                tokens._asks_about_unknown_changed(self.company)
                self.assertEqual(self.tokens(self.sync(cursor))["*"]["status"], status)
                self.assertEqual("*" in self.tokens(self.sync()), asks)

    def test_validity_of_a_token_is_sent_in_utc(self) -> None:
        self.token.valid_until = datetime(2199, 12, 31, 22, 59, 59)
        self.assertEqual(self.tokens(self.sync())[self.token.uid]["valid_until"], "2199-12-31T22:59:59Z")

    def test_station_is_replicated_when_its_access_changes_and_not_when_it_is_seen(self) -> None:
        cursor = self.sync()["cursor"]
        self.forget_changes()
        self.push_ok(
            self.event("sync-hb", "station.heartbeat"), self.event("sync-boot", "station.boot", vendor="A")
        )
        self.assertEqual(self.sync(cursor)["stations"], [])
        self.station.action_new_password()
        self.station.action_revoke()
        [station] = self.sync(cursor)["stations"]
        self.assertEqual(station["password_hash"], self.station.password_hash)
        self.assertFalse(station["accepted"])

    def test_station_that_is_archived_is_not_accepted_any_more(self) -> None:
        cursor = self.sync()["cursor"]
        self.forget_changes()
        self.station.active = False
        self.assertEqual(
            self.sync(cursor)["stations"],
            [{"identity": "TEST-CS-1", "password_hash": "", "accepted": False, "offline_policy": "reject"}],
        )

    def test_cursor_that_means_nothing_here_gives_a_full_answer(self) -> None:
        good = self.sync()["cursor"]
        epoch = good.rpartition("/")[0]
        for cursor in ("", "nonsense", "a/b/c/12", f"{epoch}/x", f"{epoch}/{10**18}", 17, None, {"a": 1}):
            self.assertTrue(self.sync(cursor)["full"], cursor)
        self.assertFalse(self.sync(good)["full"])

    def test_bridge_gets_the_tokens_and_stations_of_its_own_company_only(self) -> None:
        other = self.env["res.company"].create({"name": "Other operator"})
        foreign = self.env["emobility.token"].create(
            {"uid": "04FFFFFFFF", "token_type": "AD_HOC_USER", "state": "active", "company_id": other.id}
        )
        mine = self.sync()
        self.assertNotIn(foreign.uid, self.tokens(mine))
        theirs = (
            self.env["emobility.ocpp.gateway"].with_user(self._new_bridge("test-bridge-2", other)).sync(False)
        )
        self.assertEqual(list(self.tokens(theirs)), [foreign.uid])
        self.assertEqual(theirs["stations"], [])
        cursor_of_other_company = theirs["cursor"]
        self.assertTrue(self.sync(cursor_of_other_company)["full"])

    def test_queries_of_a_full_sync_do_not_grow_with_the_tokens(self) -> None:
        self.sync()
        start = self.env.cr.sql_log_count
        self.env.invalidate_all()
        self.sync()
        few = self.env.cr.sql_log_count - start
        self.env["emobility.token"].create(
            [{"uid": f"AD{n:06}", "token_type": "AD_HOC_USER", "state": "active"} for n in range(50)]
        )
        self.env.flush_all()
        self.env.invalidate_all()
        start = self.env.cr.sql_log_count
        self.sync()
        self.assertLessEqual(self.env.cr.sql_log_count - start, few + 5)
