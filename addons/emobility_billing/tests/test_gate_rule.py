from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..models.gate_rule import LIMITS
from ..models.hold_reason import NOT_ACCEPTABLE, REASONS
from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestGateRule(ChargingCommon):
    """Rules say what the gate looks for, how strictly, and what follows."""

    def _exception(self, code: str, **values):
        return self.env["emobility.gate.rule"].create({"name": code, "reason_code": code, **values})

    def test_every_reason_has_a_general_rule_with_something_to_do(self) -> None:
        rules = self.env["emobility.gate.rule"].search(
            [("company_id", "=", False), ("location_group_id", "=", False), ("customer_group_id", "=", False)]
        )
        # Other addons add reasons of their own.
        reasons = {code for code, _label in self.env["emobility.hold"]._fields["reason_code"].selection}
        self.assertLessEqual({code for code, _label in REASONS}, reasons)
        self.assertEqual(set(rules.mapped("reason_code")), reasons)
        self.assertTrue(all(rules.mapped("next_action")))
        for rule in rules.filtered(lambda one: one.reason_code in LIMITS):
            self.assertTrue(rule.limit_text, rule.reason_code)

    def test_rule_that_is_off_holds_nothing(self) -> None:
        self.gate_rule("implausible_energy", is_on=False)
        self.assertEqual(self.ingest(self.events(minutes=54, kwh="25.6")).state, "done")

    def test_note_is_kept_and_the_session_is_billed(self) -> None:
        self.gate_rule("implausible_energy", severity="0_note")
        session = self.ingest(self.events(minutes=54, kwh="25.6"))
        self.assertEqual(session.state, "done")
        self.assertEqual(self.hold_reasons(session, "noted"), ["implausible_energy"])
        self.assertFalse(session.is_flagged)

    def test_limits_of_the_rule_count(self) -> None:
        self.gate_rule("implausible_energy", limit_percent=50)
        self.assertEqual(self.ingest(self.events(minutes=54, kwh="25.6")).state, "done")

    def test_place_counts_more_than_customer_and_that_more_than_company(self) -> None:
        group = self.env["emobility.location.group"].create(
            {"name": "Depot", "code": "DEPOT", "company_id": self.company.id}
        )
        customers = self.env["emobility.customer.group"].create(
            {"name": "Fleet", "code": "FLEET", "company_id": self.company.id}
        )
        self.driver.customer_group_id = customers
        session = self.ingest(self.events(kwh="0"))
        terms = lambda: self.env["emobility.gate.rule"]._terms_for(session, "zero_energy").severity  # noqa: E731
        self.assertEqual(terms(), "1_warning")
        self._exception("zero_energy", company_id=self.company.id, severity="2_error")
        self.assertEqual(terms(), "2_error")
        self._exception(
            "zero_energy", company_id=self.company.id, customer_group_id=customers.id, severity="0_note"
        )
        self.assertEqual(terms(), "0_note")
        by_place = self._exception(
            "zero_energy", company_id=self.company.id, location_group_id=group.id, severity="1_warning"
        )
        self.assertEqual(terms(), "0_note", "the location is not in that group")
        self.location.group_ids = group
        self.assertEqual(terms(), "1_warning")
        by_place.unlink()
        self.assertEqual(terms(), "0_note")

    def test_rule_of_another_company_does_not_count(self) -> None:
        other = self.env["res.company"].create({"name": "Other"})
        self._exception("implausible_energy", company_id=other.id, is_on=False)
        self.assertEqual(self.ingest(self.events(minutes=54, kwh="25.6")).state, "held")

    def test_what_nothing_could_be_billed_without_cannot_be_switched_off(self) -> None:
        for code in sorted(NOT_ACCEPTABLE):
            for values in ({"is_on": False}, {"severity": "0_note"}):
                with self.subTest(code=code, values=values), self.assertRaises(ValidationError):
                    self.gate_rule(code, **values)

    def test_general_rule_stays_and_a_scope_has_one_rule(self) -> None:
        with self.assertRaisesRegex(UserError, "switch it off"):
            self.gate_rule("overlap").unlink()
        window = self.gate_rule("overlap", limit_seconds=90).action_make_exception()
        values = {
            name.removeprefix("default_"): value
            for name, value in window["context"].items()
            if name.startswith("default_")
        }
        self.assertEqual(values["limit_seconds"], 90)
        exception = self._exception("overlap", **{**values, "company_id": self.company.id})
        self.assertEqual(exception.limit_text, "90 s")

    def test_rules_count_their_hits(self) -> None:
        rule = self.gate_rule("zero_energy")
        before = rule.hit_count
        session = self.ingest(self.events(kwh="0"))
        rule.invalidate_recordset()
        self.assertEqual((rule.hit_count, rule.open_count, rule.month_count), (before + 1, 1, 1))
        self.assertEqual(session.hold_ids.rule_id, rule)
        self.assertEqual(session.hold_ids.next_action, rule.next_action)
        held = self.env["emobility.hold"].search(rule.action_open_holds()["domain"])
        self.assertEqual(held, session.hold_ids)

    def test_retry_follows_the_rule(self) -> None:
        self.gate_rule("missing_tariff", retry_hours=3)
        self.rule.active = False
        session = self.ingest(self.events())
        wait = session.hold_ids.retry_at - fields.Datetime.now()
        self.assertTrue(timedelta(hours=2.9) < wait <= timedelta(hours=3))

    def _expire(self, session) -> None:
        session.hold_ids.sudo()._as_system().write({"expires_at": fields.Datetime.now() - timedelta(minutes=1)})
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            self.env["emobility.session"]._cron_process_due()

    def test_expired_hold_is_not_retried_any_more_and_stays_on_the_list(self) -> None:
        self.rule.active = False
        session = self.ingest(self.events())
        self.assertTrue(session.hold_ids.expires_at)
        self._expire(session)
        hold = session.hold_ids
        self.assertEqual((hold.state, hold.is_expired, hold.retry_at), ("open", True, False))
        hold.action_retry()
        self.assertFalse(hold.retry_at)
        self.assertIn("expired", hold.decision_ids.mapped("kind"))
        self.rule.active = True
        with self.running_jobs():
            hold.action_retry()
        self.assertEqual(session.state, "done")

    def test_rule_can_give_up_what_expires(self) -> None:
        session = self.ingest(self.events(minutes=1, kwh="0.02"))
        self._expire(session)
        self.assertEqual((session.state, session.hold_ids.state), ("void", "written_off"))
        self.assertIn("Expired", session.hold_ids.decision_note)

    # Checks that are new with the rules

    def test_register_that_jumps_is_held(self) -> None:
        session = self.ingest(
            self.events(minutes=180, kwh="30", readings=[(10, "1001"), (11, "1025"), (60, "1027")])
        )
        self.assertEqual(self.hold_reasons(session), ["register_jump"])

    def test_same_session_by_two_ways_is_a_duplicate(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        self.ingest(self.events("S1", start=start))
        again = self.events("S2", start=start + timedelta(seconds=20))
        for event in again:
            event["source"] = "import"
        self.assertEqual(self.hold_reasons(self.ingest(again)), ["duplicate"])

    def test_session_that_is_reported_very_late_is_held_unless_it_is_imported(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1200)
        self.assertEqual(self.hold_reasons(self.ingest(self.events("S1", start=start))), ["too_old"])
        old = self.events("S2", start=start + timedelta(days=1))
        for event in old:
            event["source"] = "import"
        self.assertEqual(self.ingest(old).state, "done")

    def test_meter_whose_calibration_has_expired_is_held_and_goes_on_when_it_is_renewed(self) -> None:
        self.evse.calibrated_until = fields.Date.today() - timedelta(days=30)
        session = self.ingest(self.events())
        self.assertEqual(self.hold_reasons(session), ["calibration_expired"])
        self.evse.calibrated_until = fields.Date.today() + timedelta(days=30)
        with self.running_jobs():
            session.hold_ids.action_retry()
        self.assertEqual(session.state, "done")

    def test_meter_that_signs_and_sent_no_signature_is_held(self) -> None:
        with patch.object(self.env.registry["emobility.evse"], "_signs_meter_values", lambda _evse: True):
            self.assertEqual(
                self.hold_reasons(self.ingest(self.events("S1", readings=[(5, "1001")]))), ["signature_missing"]
            )
            start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=9)
            signed = self.events("S2", start=start, readings=[(5, "1001")])
            signed[1]["payload"]["readings"][0]["signed"] = "OCMF|{}|{}"
            self.assertEqual(self.ingest(signed).state, "done")

    def test_signature_that_is_wrong_has_a_rule_of_its_own(self) -> None:
        conflict = self.event("S1", "conflict", datetime.now(UTC), {"reason": "signature_wrong"})
        self.assertEqual(self.hold_reasons(self.ingest([*self.events(), conflict])), ["signature_wrong"])
