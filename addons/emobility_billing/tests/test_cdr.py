from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..rating import facts_from_json
from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestCdr(ChargingCommon):
    def test_cdr_keeps_what_the_session_said(self) -> None:
        session = self.ingest(self.events(kwh="12.345", readings=[(30, "1006")]))
        cdr = session.cdr_ids
        self.assertAlmostEqual(cdr.energy_kwh, 12.345)
        self.assertEqual(
            (cdr.evse_id, cdr.connector_id, cdr.location_id), (self.evse, self.connector, self.location)
        )
        self.assertEqual(cdr.billing_state, "open")
        facts = facts_from_json(cdr.facts)
        self.assertEqual(len(facts.readings), 3)
        self.assertEqual(facts.time_zone, "Europe/Berlin")
        self.assertLessEqual(len(cdr.name), 39)

    def test_cdrs_are_found_and_counted_by_what_became_of_their_amount(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
        waiting = self.ingest(self.events("STATE1", start)).cdr_ids
        invoiced = self.ingest(self.events("STATE2", start + timedelta(hours=5))).cdr_ids
        self.env["emobility.invoicing"]._invoice(invoiced.rating_ids)
        both = [("id", "in", (waiting | invoiced).ids)]
        cdrs = self.env["emobility.cdr"]
        self.assertEqual(cdrs.search([*both, ("billing_state", "=", "open")]), waiting)
        self.assertEqual(cdrs.search([*both, ("billing_state", "=", "invoiced")]), invoiced)
        self.assertEqual(
            dict(cdrs._read_group(both, ["billing_state"], ["__count"])), {"open": 1, "invoiced": 1}
        )

    def test_f44_cdr_is_immutable(self) -> None:
        cdr = self.ingest(self.events()).cdr_ids
        for record, values in (
            (cdr, {"energy_kwh": 1}),
            (cdr, {"credit": True}),
            (cdr.rating_ids, {"amount_total": 0}),
            (cdr.rating_ids, {"state": "credited"}),
            (cdr.rating_ids.line_ids, {"amount": 0}),
        ):
            with self.subTest(record=record, values=values), self.assertRaises(UserError):
                record.sudo().write(values)
        for record in (cdr, cdr.rating_ids, cdr.rating_ids.line_ids):
            with self.subTest(record=record), self.assertRaises(UserError):
                record.sudo().unlink()
        with self.assertRaises(UserError):
            self.env["emobility.cdr"].sudo().create({"name": "X", "session_id": cdr.session_id.id})

    def test_credit_cdr_takes_back_what_was_not_invoiced_yet(self) -> None:
        session = self.ingest(self.events())
        cdr = session.cdr_ids
        with self.running_jobs():
            cdr.action_credit()
        credit = cdr.credit_cdr_ids
        self.assertTrue(credit.credit)
        self.assertAlmostEqual(credit.energy_kwh, -cdr.energy_kwh)
        self.assertAlmostEqual(credit.rating_ids.amount_total, -4.90)
        self.assertEqual(set((cdr | credit).rating_ids.mapped("state")), {"credited"})
        self.assertFalse((cdr | credit).rating_ids.move_id)
        self.assertEqual(session.state, "void")
        self.assertFalse(self.run_billing().line_ids)

    def test_credit_cdr_and_credit_note_come_together(self) -> None:
        self.contract.billing_trigger = "session"
        session = self.ingest(self.events())
        cdr = session.cdr_ids
        invoice = cdr.rating_ids.move_id
        with self.running_jobs():
            cdr.action_credit()
        note = cdr.credit_cdr_ids.rating_ids.move_id
        self.assertEqual((note.move_type, note.state), ("out_refund", "posted"))
        self.assertEqual(note.reversed_entry_id, invoice)
        self.assertAlmostEqual(note.amount_total, invoice.amount_total)
        self.assertTrue(
            invoice.currency_id.is_zero(invoice.amount_residual), "the credit note settles the invoice"
        )
        self.assertEqual(cdr.credit_cdr_ids.rating_ids.state, "invoiced")

    def test_corrected_session_is_billed_again_as_its_data_say_now(self) -> None:
        session = self.ingest(self.events(kwh="10"))
        cdr = session.cdr_ids
        with self.running_jobs():
            cdr.action_correct()
        self.assertEqual(session.state, "done")
        current = session._current_cdr()
        self.assertNotEqual(current, cdr)
        self.assertEqual(current.revision, 2)
        self.assertEqual(len(session.cdr_ids), 3)
        self.assertEqual(sum(session.cdr_ids.mapped("energy_kwh")), 10)

    def test_cdr_is_taken_back_once(self) -> None:
        cdr = self.ingest(self.events()).cdr_ids
        cdr.action_credit()
        with self.assertRaisesRegex(UserError, "already"):
            cdr.action_credit()
        with self.assertRaisesRegex(UserError, "credit CDR itself"):
            cdr.credit_cdr_ids.action_credit()

    def test_clerk_cannot_take_a_cdr_back(self) -> None:
        cdr = self.ingest(self.events()).cdr_ids
        clerk = self._make_user("cdr-clerk", "emobility_crm.group_user")
        with self.assertRaisesRegex(UserError, "manager"):
            cdr.with_user(clerk).action_credit()

    def test_buttons_lead_from_session_to_invoice_and_back(self) -> None:
        self.contract.billing_trigger = "session"
        session = self.ingest(self.events())
        cdr = session.cdr_ids
        move = cdr.rating_ids.move_id
        self.assertEqual(session.action_open_cdrs()["res_id"], cdr.id)
        self.assertEqual(cdr.action_open_ratings()["res_id"], cdr.rating_ids.id)
        self.assertEqual(cdr.action_open_moves()["res_id"], move.id)
        self.assertEqual(cdr.rating_ids.action_open_move()["res_id"], move.id)
        self.assertEqual(move.session_count, 1)
        self.assertEqual(move.action_view_sessions()["res_id"], session.id)
        self.assertEqual(cdr.action_open_session()["res_id"], session.id)
        self.assertEqual(self.contract.emobility_session_count, 1)
