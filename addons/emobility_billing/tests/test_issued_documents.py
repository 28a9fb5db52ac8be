from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .charging_common import ChargedCommon
from .common import stamp


@tagged("post_install", "-at_install")
class TestIssuedDocuments(ChargedCommon):
    """What came too late, or changed later: nothing is lost, and no document that was issued changes."""

    def _session(self, name: str, **values: Any) -> Any:
        events = self.events(name, datetime(2026, 2, 3, 10, tzinfo=UTC), minutes=30, kwh="5", **values)
        return self.ingest(events)

    def test_f71_link_to_the_invoice_survives_whatever_the_session_says_later(self) -> None:
        session = self._session("LATER")
        move = self._invoice(session)
        rating = session.cdr_ids.rating_ids
        end = datetime(2026, 2, 3, 11, tzinfo=UTC)
        self.ingest(
            [
                self.event("LATER", "meter", end, {"readings": [{"at": stamp(end), "energy_kwh": "1009"}]}),
                self.event("LATER", "ended", end, {"meter_kwh": "1009"}),
            ]
        )
        session.action_process()
        self.assertEqual((rating.move_id, rating.state, move.rating_ids), (move, "invoiced", rating))
        self.assertEqual(rating.line_ids.move_line_id.move_id, move)
        self.assertEqual((session.cdr_ids.energy_kwh, move.amount_total), (5.0, rating.amount_total))
        with self.assertRaises(UserError):
            rating.write({"move_id": False})

    def test_f72_sessions_of_an_outage_wait_on_the_work_list_and_are_billed_once(self) -> None:
        """Neither contract nor price was known when the station charged; its events come in days later."""
        uids = [f"OUT{number}" for number in range(3)]
        events = [
            event
            for number, uid in enumerate(uids)
            for event in self.events(
                uid,
                datetime(2026, 2, 3 + number, 10, tzinfo=UTC),
                minutes=30,
                kwh="5",
                register=str(1000 + 5 * number),
                token_uid="NEWCARD",
            )
        ]
        sessions = self.ingest([*events, *events])
        self.assertEqual(set(sessions.mapped("state")), {"held"})
        self._on_work_list(sessions, "missing_payer")
        self._make_contract(self.env["res.partner"].create({"name": "New customer"}), "NEWCARD")
        self.price_rule.active = False
        with self.running_jobs():
            sessions.hold_ids.action_retry()
        self._on_work_list(sessions, "missing_tariff")
        self.price_rule.active = True
        with self.running_jobs():
            sessions.hold_ids.filtered(lambda hold: hold.state == "open").action_retry()
        self.assertEqual(set(sessions.mapped("state")), {"done"})
        self.assertEqual(len(sessions.cdr_ids), 3)
        move = self._invoice(sessions)
        self.assertEqual((len(move), len(move.rating_ids), move.partner_id.name), (1, 3, "New customer"))

    def _on_work_list(self, sessions: Any, reason: str) -> None:
        """Each session is there once, with what to do about it."""
        listed = self.env["emobility.hold"].search([("state", "=", "open"), ("session_id", "in", sessions.ids)])
        self.assertEqual(listed.mapped("reason_code"), [reason] * len(sessions))
        self.assertTrue(all(hold.next_action for hold in listed))

    def test_f75_private_invoice_is_addressed_to_the_employer_by_credit_and_a_new_one(self) -> None:
        session = self._session("PRIVATE")
        private = self._invoice(session)
        employer = self.env["res.partner"].create(
            {"name": "Employer Ltd", "is_company": True, "email": "employer@example.com"}
        )
        self.contract.invoice_partner_id = employer
        self.assertEqual((private.partner_id, private.state), (self.driver, "posted"))
        with self.running_jobs():
            session.cdr_ids.action_correct("other", "Charged for work")
        session.invalidate_recordset()
        moves = session.cdr_ids.rating_ids.move_id
        credit = moves.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual((credit.partner_id, credit.reversed_entry_id), (self.driver, private))
        self.assertEqual(private.partner_id, self.driver, "the issued document stays")
        current = session._current_cdr()
        self.assertEqual(current.partner_id, employer)
        new = self._invoice(session)
        self.assertEqual((new.partner_id, new.amount_total), (employer, private.amount_total))
        self.assertEqual(fields.Date.today() - new.invoice_date, timedelta(0))
