from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestGateDecision(ChargingCommon):
    """People accept, correct and write off; each decision is kept for good."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.clerk = cls._make_user("decide-clerk", "emobility_crm.group_user")
        cls.second = cls._make_user("decide-second", "emobility_crm.group_user")

    def _correct(self, session, note: str = "Photo of the meter", user=None, **values):
        wizard = self.env["emobility.session.correct"].with_user(user or self.clerk).create(
            {"session_id": session.id, "note": note, **values}
        )
        with self.running_jobs():
            wizard.action_correct()
        return wizard

    # The log

    def test_decision_is_kept_with_who_when_what_and_why(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        hold = session.hold_ids.with_user(self.clerk)
        hold.decision_note = "Customer wants a record"
        with self.running_jobs():
            hold.action_accept()
        decision = session.decision_ids
        self.assertEqual((decision.kind, decision.user_id), ("accepted", self.clerk))
        self.assertEqual(decision.hold_id, session.hold_ids)
        self.assertEqual((decision.before, decision.after), ({"state": "open"}, {"state": "accepted"}))
        self.assertEqual(decision.note, "Customer wants a record")
        self.assertAlmostEqual(decision.at, fields.Datetime.now(), delta=timedelta(minutes=1))

    def test_nobody_changes_or_deletes_a_decision(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        session.hold_ids.decision_note = "note"
        session.hold_ids.action_write_off()
        decision = session.decision_ids
        for record in (decision, decision.sudo(), decision.sudo()._as_system()):
            with self.assertRaises(UserError):
                record.write({"note": "other"})
            with self.assertRaises(UserError):
                record.unlink()
        with self.assertRaises(AccessError):
            decision.with_user(self.clerk).check_access("write")
        with self.assertRaises(UserError):
            self.env["emobility.hold.decision"].create({"session_id": session.id, "kind": "accepted"})

    def test_hold_that_resolves_itself_is_logged_too(self) -> None:
        self.rule.active = False
        session = self.ingest(self.events())
        self.rule.active = True
        with self.running_jobs():
            session.hold_ids.action_retry()
        self.assertEqual(session.decision_ids.mapped("kind"), ["resolved"])

    # Four eyes

    def test_second_person_has_to_confirm(self) -> None:
        self.gate_rule("zero_energy", four_eyes=True)
        session = self.ingest(self.events(kwh="0"))
        hold = session.hold_ids.with_user(self.clerk)
        hold.decision_note = "Record wanted"
        hold.action_accept()
        self.assertEqual((hold.state, hold.proposed_by_id, session.state), ("open", self.clerk, "held"))
        with self.assertRaisesRegex(UserError, "another person"):
            hold.action_confirm()
        with self.running_jobs():
            hold.with_user(self.second).action_confirm()
        self.assertEqual((hold.state, hold.decided_by_id, session.state), ("accepted", self.second, "done"))
        self.assertEqual(
            [(decision.kind, decision.user_id) for decision in session.decision_ids.sorted("id")],
            [("proposed", self.clerk), ("confirmed", self.second), ("accepted", self.second)],
        )

    def test_proposal_can_be_rejected_and_nothing_can_be_confirmed_then(self) -> None:
        self.gate_rule("zero_energy", four_eyes=True)
        session = self.ingest(self.events(kwh="0"))
        hold = session.hold_ids.with_user(self.clerk)
        hold.decision_note = "Give up"
        hold.action_write_off()
        hold.with_user(self.second).action_reject()
        self.assertFalse(hold.proposal)
        with self.assertRaisesRegex(UserError, "nothing to confirm"):
            hold.with_user(self.second).action_confirm()
        self.assertEqual(session.state, "held")

    def test_write_off_needs_two_when_any_open_hold_of_the_session_does(self) -> None:
        self.gate_rule("negative_energy", four_eyes=True)
        session = self.ingest(self.events(end={"meter_kwh": "990"}))
        hold = session.hold_ids.filtered(lambda one: one.reason_code == "register_decrease").with_user(self.clerk)
        hold.decision_note = "Meter broken"
        hold.action_write_off()
        self.assertEqual(session.state, "held")
        hold.with_user(self.second).action_confirm()
        self.assertEqual(session.state, "void")
        self.assertEqual(set(session.hold_ids.mapped("state")), {"written_off"})

    def test_correction_can_need_two(self) -> None:
        self.gate_rule("implausible_energy", four_eyes=True)
        session = self.ingest(self.events(minutes=54, kwh="25.6"))
        self._correct(session, energy_kwh=15.6)
        self.assertEqual(session.state, "held")
        with self.running_jobs():
            session.hold_ids.with_user(self.second).action_confirm()
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 15.6)

    # Corrections

    def test_corrected_energy_is_billed_and_what_was_reported_stays(self) -> None:
        session = self.ingest(self.events(minutes=54, kwh="25.6"))
        reported = session.event_ids
        payloads = reported.mapped("payload")
        photo = self.env["ir.attachment"].with_user(self.clerk).create(
            {"name": "meter.jpg", "datas": base64.b64encode(b"picture")}
        )
        self._correct(session, energy_kwh=12.5, attachment_ids=photo.ids)
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 12.5)
        self.assertAlmostEqual(session.cdr_ids.retail_amount, 6.13)
        self.assertEqual(reported.mapped("payload"), payloads)
        self.assertEqual((session.event_ids - reported).kind, "corrected")
        decision = session.decision_ids.filtered(lambda one: one.kind == "corrected")
        self.assertEqual((decision.user_id, decision.note), (self.clerk, "Photo of the meter"))
        self.assertEqual(decision.before, {"energy_kwh": "25.600"})
        self.assertEqual(decision.after, {"energy_kwh": "12.500"})
        self.assertEqual(decision.attachment_ids, photo)

    def test_corrected_end_of_a_session_without_one(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
        session = self.ingest(self.events(start=start, readings=[(30, "1005"), (60, "1010")])[:3])
        self.assertEqual(session.state, "live")
        self._correct(session, end_at=(start + timedelta(hours=1)).replace(tzinfo=None))
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        self.assertAlmostEqual(session.cdr_ids.energy_kwh, 10)

    def test_corrected_start_of_a_session_whose_start_was_lost(self) -> None:
        events = self.events()
        session = self.ingest(events[1:])
        self.assertIn("missing_start", self.hold_reasons(session))
        self._correct(
            session,
            start_at=fields.Datetime.now() - timedelta(hours=3),
            energy_kwh=8.0,
            contract_id=self.contract.id,
            evse_id=self.evse.id,
            connector_id=self.connector.id,
        )
        self.assertEqual(session.state, "done", session.hold_ids.mapped("reason_code"))
        self.assertEqual(session.cdr_ids.partner_id, self.driver)

    def test_corrected_contract_has_its_own_price(self) -> None:
        company = self.env["res.partner"].create({"name": "Fleet"})
        fleet = self._make_contract(company, "04FF", plan_id=self.plan.copy({"name": "Fleet"}).id)
        self._make_rule(self._make_tariff("FLEET", {"ENERGY": 0.30}), plan_id=fleet.plan_id.id)
        session = self.ingest(self.events(authorization="Invalid"))
        self._correct(session, contract_id=fleet.id)
        self.assertEqual(session.state, "held", "whether it may be billed at all is another question")
        session.hold_ids.decision_note = "Fleet pays"
        with self.running_jobs():
            session.hold_ids.action_accept()
        self.assertEqual(session.cdr_ids.partner_id, company)
        self.assertAlmostEqual(session.cdr_ids.retail_amount, 3.0)

    def test_correction_after_the_cdr_opens_a_hold_and_changes_nothing(self) -> None:
        session = self.ingest(self.events())
        cdr = session.cdr_ids
        self._correct(session, energy_kwh=7.0)
        self.assertEqual((session.state, session.cdr_ids), ("done", cdr))
        self.assertAlmostEqual(cdr.energy_kwh, 10)
        self.assertEqual(self.hold_reasons(session), ["late_change"])
        self.assertTrue(session.is_flagged)
        with self.running_jobs():
            cdr.action_correct()
        self.assertAlmostEqual(session._current_cdr().energy_kwh, 7)
        self.assertFalse(session.is_flagged)

    def test_correction_needs_a_reason_and_a_change(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        with self.assertRaisesRegex(UserError, "why"):
            self._correct(session, note=" ", energy_kwh=5.0)
        with self.assertRaisesRegex(UserError, "Nothing is different"):
            self._correct(session)
        auditor = self._make_user("decide-auditor", "emobility_crm.group_auditor")
        for call in (
            lambda: session.with_user(auditor).action_correct_facts(),
            lambda: session.with_user(auditor)._correct_facts({"energy_kwh": "5.000"}, "mine"),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_dialogue_shows_the_facts_of_now(self) -> None:
        session = self.ingest(self.events(kwh="0"))
        window = session.with_user(self.clerk).hold_ids.action_correct()
        form = Form(self.env["emobility.session.correct"].with_user(self.clerk).with_context(**window["context"]))
        self.assertEqual((form.start_at, form.contract_id), (session.start_at, self.contract))

    def test_office_events_cannot_be_sent_from_outside(self) -> None:
        at = datetime.now(UTC)
        for event in (
            self.event("S1", "corrected", at, {"energy_kwh": "1"}),
            self.event("S1", "closed", at, {"end": at.isoformat()}),
            self.event("S1", "unplugged", at, source="office"),
        ):
            [result] = self.env["emobility.session"]._ingest_events([event])
            self.assertEqual(result["status"], "error")
