from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestGate(ChargingCommon):
    def assertHeld(self, session, *reasons: str) -> None:
        self.assertEqual(self.hold_reasons(session), sorted(reasons))
        self.assertEqual(session.state, "held")
        self.assertFalse(session.cdr_ids)

    def test_ordinary_session_passes(self) -> None:
        session = self.ingest(self.events())
        self.assertFalse(session.hold_ids)

    def test_f02_negative_energy_is_held_and_cannot_be_accepted(self) -> None:
        session = self.ingest(self.events(end={"meter_kwh": "990"}))
        self.assertHeld(session, "negative_energy", "register_decrease")
        hold = session.hold_ids.filtered(lambda one: one.reason_code == "negative_energy")
        hold.decision_note = "looks fine"
        with self.assertRaisesRegex(UserError, "cannot be accepted"):
            hold.action_accept()

    def test_f08_energy_beyond_power_and_time_is_held(self) -> None:
        self.assertHeld(self.ingest(self.events(minutes=54, kwh="25.6")), "implausible_energy")

    def test_f08_energy_within_power_and_time_passes(self) -> None:
        self.assertEqual(self.ingest(self.events(minutes=60, kwh="21.9")).state, "done")

    def test_f07_zero_energy_is_held(self) -> None:
        self.assertHeld(self.ingest(self.events(kwh="0")), "zero_energy")

    def test_f07_missing_energy_is_held(self) -> None:
        self.assertHeld(self.ingest(self.events(register=None, end={"meter_kwh": None})), "no_energy")

    def test_f16_session_of_four_days_is_held(self) -> None:
        start = datetime.now(UTC) - timedelta(days=5)
        self.assertHeld(self.ingest(self.events(start=start, minutes=4 * 24 * 60, kwh="0.3")), "zombie")

    def test_f26_session_of_1970_is_held(self) -> None:
        session = self.ingest(self.events(start=datetime(1970, 1, 1, 0, 5, tzinfo=UTC)))
        self.assertIn("implausible_time", self.hold_reasons(session))

    def test_f26_session_of_the_future_is_held(self) -> None:
        session = self.ingest(self.events(start=datetime.now(UTC) + timedelta(days=1)))
        self.assertIn("implausible_time", self.hold_reasons(session))

    def test_end_before_start_is_held(self) -> None:
        self.assertIn("end_before_start", self.hold_reasons(self.ingest(self.events(minutes=-10))))

    def test_f42_micro_session_is_held(self) -> None:
        self.assertHeld(self.ingest(self.events(minutes=1, kwh="0.02")), "micro_session")

    def test_two_sessions_at_once_on_one_connector_are_held(self) -> None:
        first = self.ingest(self.events("S1"))
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3, minutes=20)
        second = self.ingest(self.events("S2", start=start))
        self.assertEqual(first.state, "done")
        self.assertHeld(second, "overlap")

    def test_f16_session_that_is_far_too_long_does_not_hold_those_within_its_time(self) -> None:
        start = datetime.now(UTC) - timedelta(days=6)
        zombie = self.ingest(self.events("Z", start=start, minutes=5 * 24 * 60, kwh="0.3"))
        self.assertHeld(zombie, "zombie")
        self.assertEqual(self.ingest(self.events("S1", start=start + timedelta(days=2))).state, "done")

    def test_voided_session_overlaps_nothing(self) -> None:
        first = self.ingest(self.events("S1", kwh="0"))
        first.hold_ids.decision_note = "test charge"
        first.hold_ids.action_write_off()
        self.assertEqual(self.ingest(self.events("S2")).state, "done")

    def test_f14_unknown_evse_is_held_until_a_person_sets_it(self) -> None:
        session = self.ingest(self.events(evse_id=None, connector_id=None))
        self.assertIn("unknown_evse", self.hold_reasons(session))
        session.write({"evse_id": self.evse.id, "connector_id": self.connector.id})
        with self.running_jobs():
            session.hold_ids[:1].action_retry()
        self.assertEqual(session.state, "done")

    def test_f22_token_that_was_not_authorised_is_held(self) -> None:
        self.assertHeld(self.ingest(self.events(authorization="Invalid")), "unauthorised_token")

    def test_f22_token_accepted_offline_and_blocked_here_is_held(self) -> None:
        self.token.action_block()
        self.assertHeld(self.ingest(self.events(authorization=None)), "unauthorised_token")

    def test_f23_session_that_nobody_pays_is_held_until_the_payer_is_known(self) -> None:
        session = self.ingest(self.events(token_uid="UNKNOWN"))
        self.assertHeld(session, "missing_payer")
        self._make_contract(self.env["res.partner"].create({"name": "New customer"}), "UNKNOWN")
        with self.running_jobs():
            session.hold_ids.action_retry()
        self.assertEqual(session.state, "done")
        self.assertEqual(session.partner_id.name, "New customer")

    def test_payer_set_by_hand_stays(self) -> None:
        session = self.ingest(self.events(token_uid="UNKNOWN"))
        session.contract_id = self.contract
        with self.running_jobs():
            session.action_process()
        self.assertEqual(session.state, "done")
        self.assertEqual(session.cdr_ids.partner_id, self.driver)

    def test_f36_missing_tariff_is_held_and_never_free(self) -> None:
        self.rule.active = False
        session = self.ingest(self.events())
        self.assertHeld(session, "missing_tariff")
        self.assertTrue(session.hold_ids.retry_at)
        self.rule.active = True
        session.hold_ids.sudo()._as_system().write({"retry_at": fields.Datetime.now() - timedelta(minutes=1)})
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0),
            self.running_jobs(),
        ):
            self.env["emobility.session"]._cron_process_due()
        self.assertEqual(session.state, "done")
        self.assertEqual(self.hold_reasons(session, "resolved"), ["missing_tariff"])

    def test_retry_waits_longer_each_time_and_opens_no_second_hold(self) -> None:
        self.rule.active = False
        session = self.ingest(self.events())
        first = session.hold_ids.retry_at
        for _attempt in range(3):
            session.hold_ids.action_retry()
        self.assertEqual(len(session.hold_ids), 1)
        self.assertGreater(session.hold_ids.retry_at, first + timedelta(hours=2))

    def test_f12_conflict_reported_by_the_source_is_held(self) -> None:
        events = self.events()
        conflict = self.event(
            "S1", "conflict", datetime.now(UTC), {"reason": "two stops", "raw": {"meterStop": 5}}
        )
        session = self.ingest([*events, conflict])
        self.assertHeld(session, "conflict")
        self.assertIn("two stops", session.hold_ids.evidence_text)

    def test_f41_zero_energy_that_is_accepted_gets_a_cdr(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        session.hold_ids.decision_note = "Customer asked for a record"
        with self.running_jobs():
            session.hold_ids.action_accept()
        self.assertEqual(session.state, "done")
        self.assertEqual(session.cdr_ids.rating_ids.amount_total, 0)
        self.assertEqual(session.hold_ids.decided_by_id, self.env.user)
        self.assertIn("Customer asked for a record", " ".join(map(str, session.message_ids.mapped("body"))))

    def test_decision_needs_a_note(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        for action in ("action_accept", "action_write_off"):
            with self.subTest(action=action), self.assertRaisesRegex(UserError, "note"):
                getattr(session.hold_ids, action)()

    def test_written_off_session_is_never_billed(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        session.hold_ids.decision_note = "Test of the installer"
        session.hold_ids.action_write_off()
        self.assertEqual(session.state, "void")
        self.ingest([self.event("S1", "meter", datetime.now(UTC), {"readings": []})])
        self.assertEqual(session.state, "void")
        self.assertFalse(session.cdr_ids)

    def test_hold_cannot_be_decided_by_writing_to_it(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        with self.assertRaises(UserError):
            session.hold_ids.write({"state": "accepted"})

    def test_auditor_cannot_decide(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        auditor = self._make_user("gate-auditor", "emobility_crm.group_auditor")
        session.hold_ids.decision_note = "note"
        for action in ("action_accept", "action_write_off", "action_retry"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(session.hold_ids.with_user(auditor), action)()

    def test_clerk_can_decide(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        clerk = self._make_user("gate-clerk", "emobility_crm.group_user")
        hold = session.hold_ids.with_user(clerk)
        hold.decision_note = "Fine"
        with self.running_jobs():
            hold.action_accept()
        self.assertEqual(session.state, "done")
        self.assertEqual(hold.decided_by_id, clerk)
