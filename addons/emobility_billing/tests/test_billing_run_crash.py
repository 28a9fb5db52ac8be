from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import ChargingCommon


class Crash(BaseException):
    """The process ends: nothing in our code may catch it, and the transaction is gone."""


@tagged("post_install", "-at_install")
class TestBillingRunCrash(ChargingCommon):
    """F79: wherever a worker dies, the job is repeated, and nothing is invoiced twice or not at all."""

    def setUp(self) -> None:
        super().setUp()
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9)
        for number in range(3):
            partner = self.env["res.partner"].create({"name": f"P{number}", "email": f"p{number}@example.com"})
            self._make_contract(partner, f"CRASH{number}")
            for session in range(2):
                at = start + timedelta(hours=number * 6 + session * 2)
                self.ingest(self.events(f"C{number}-{session}", at, token_uid=f"CRASH{number}"))
        self.billing = self.env["emobility.billing.run"].create(
            {"company_id": self.company.id, "date_to": fields.Date.today() + timedelta(days=1)}
        )
        self.billing.action_prepare()
        self.lines = self.billing.line_ids
        self.ratings = self.lines.rating_ids

    def _crash_in(self, model: str, method: str, job: Any, *, after: int = 0, finished: bool = False) -> None:
        """Run a job that dies in a method, as if the process ended: its transaction is rolled back.

        :param after: how many calls go well before
        :param finished: die after the method has done its work instead of before
        """
        original = getattr(type(self.env[model]), method)
        calls = []

        def die(*args: Any, **kwargs: Any) -> Any:
            calls.append(method)
            if len(calls) <= after:
                return original(*args, **kwargs)
            if finished:
                original(*args, **kwargs)
            raise Crash

        self.env.flush_all()
        savepoint = self.env.cr.savepoint(flush=False)
        with trap_jobs(), patch.object(type(self.env[model]), method, die), self.assertRaises(Crash):
            job()
        savepoint.rollback()
        savepoint.close(rollback=False)
        self.env.invalidate_all(flush=False)

    def _start(self) -> None:
        with trap_jobs() as trap:
            self.billing.action_start()
        self.assertEqual(len(trap.enqueued_jobs), 1, "one chunk")

    def _check_billed_once(self) -> None:
        moves = self.env["account.move"].search([("emobility_contract_id", "in", self.lines.contract_id.ids)])
        self.assertEqual(self.billing.state, "done")
        self.assertEqual(len(self.ratings), 6)
        self.assertEqual(len(moves), 3)
        self.assertEqual(moves, self.ratings.move_id)
        self.assertEqual(set(self.ratings.mapped("state")), {"invoiced"})
        self.assertAlmostEqual(sum(moves.mapped("amount_total")), sum(self.ratings.mapped("amount_total")), 2)
        self.assertEqual(set(moves.mapped("state")), {"posted"})

    def _repeat_chunk(self) -> None:
        with self.running_jobs():
            self.billing._run_chunk(self.lines.ids)

    def test_f79_a_crash_between_chunk_and_finish_neither_doubles_nor_loses(self) -> None:
        self._start()
        self._crash_in("emobility.billing.run", "_queue_finish", lambda: self.billing._run_chunk(self.lines.ids))
        self.assertEqual(set(self.lines.mapped("state")), {"pending"})
        self._repeat_chunk()
        self._check_billed_once()

    def test_f79_a_crash_inside_a_line_neither_doubles_nor_loses(self) -> None:
        self._start()
        for after in range(3):
            with self.subTest(after=after):
                self._crash_in(
                    "emobility.invoicing",
                    "_check_sums",
                    lambda: self.billing._run_chunk(self.lines.ids),
                    after=after,
                    finished=True,
                )
                self.assertEqual(set(self.ratings.mapped("state")), {"open"})
        self._repeat_chunk()
        self._check_billed_once()

    def test_f79_a_chunk_that_is_repeated_after_its_end_does_nothing(self) -> None:
        self._start()
        self._repeat_chunk()
        self._repeat_chunk()
        self._check_billed_once()

    def test_f79_a_crash_while_posting_neither_doubles_nor_loses(self) -> None:
        self._start()
        for model, method in (("account.move", "action_post"), ("account.move", "_emobility_post_together")):
            for finished in (False, True):
                with self.subTest(method=method, finished=finished):
                    self._crash_in(model, method, lambda: self.billing._run_chunk(self.lines.ids), finished=finished)
                    self.assertEqual(set(self.ratings.mapped("state")), {"open"})
                    self.assertFalse(self.ratings.move_id)
        self._repeat_chunk()
        self._check_billed_once()
        moves = self.ratings.move_id
        self.assertEqual(sorted(moves.mapped("sequence_number")), [1, 2, 3], "no number is missing")

    def test_f79_a_crash_while_one_invoice_is_posted_neither_doubles_nor_loses(self) -> None:
        self._start()
        with trap_jobs():
            for line in self.lines.sudo()._as_system():
                line._bill_alone()
        self.billing._finish()
        moves = self.ratings.move_id
        self.assertEqual(set(moves.mapped("state")), {"draft"})
        for move in moves:
            self._crash_in("account.move", "action_post", move._emobility_post_and_collect, finished=True)
            self.assertEqual(move.state, "draft")
            self._crash_in("account.move", "_emobility_delay", move._emobility_post_and_collect, after=1)
            self.assertEqual(move.state, "draft")
        with self.running_jobs():
            moves._emobility_post_and_collect()
        self._check_billed_once()
        with self.running_jobs():
            moves._emobility_post_and_collect()
        for move in moves:
            mails = move.message_ids.filtered(lambda message: message.message_type == "email_outgoing")
            mails |= move.message_ids.filtered("attachment_ids")
            self.assertEqual(len(mails), 1, "mailed once")

    def test_an_invoice_that_cannot_be_posted_stops_no_other(self) -> None:
        self._start()
        broken = self.lines[1].partner_id
        moves = self.env["account.move"]
        original = type(moves)._post

        def post(records: Any, soft: bool = True) -> Any:
            if broken in records.partner_id:
                raise UserError("The books are closed.")  # pylint: disable=translation-required
            return original(records, soft=soft)

        with patch.object(type(moves), "_post", post), trap_jobs() as trap:
            self.billing._run_chunk(self.lines.ids)
            jobs = [job for job in trap.enqueued_jobs if job.method_name == "_emobility_post_and_collect"]
            self.assertEqual([job.recordset for job in jobs], list(self.lines.move_id))
            for job in jobs[::2]:
                job.perform()
        self.assertEqual(self.lines.move_id.mapped("state"), ["posted", "draft", "posted"])
        self.assertEqual(self.lines.mapped("state"), ["done"] * 3)

    def test_what_is_written_by_statements_is_what_the_orm_would_compute(self) -> None:
        self._start()
        self._repeat_chunk()
        fields_of_cdr = ["billing_state", "retail_rating_id", "retail_amount", "currency_id", "move_count"]
        cdrs = self.ratings.cdr_id
        kept = cdrs.read(fields_of_cdr)
        self.env.add_to_compute(cdrs._fields["retail_rating_id"], cdrs)
        cdrs.invalidate_recordset(flush=False)
        self.assertEqual(cdrs.read(fields_of_cdr), kept)
        self.assertEqual(set(cdrs.mapped("billing_state")), {"invoiced"})
        self.assertEqual(self.ratings.line_ids.move_line_id.move_id, self.ratings.move_id)
        for move in self.ratings.move_id:
            self.assertEqual(move.rating_ids, self.ratings.filtered(lambda one, move=move: one.move_id == move))

    def test_the_trail_says_that_and_as_what_an_invoice_was_posted(self) -> None:
        self._start()
        self._repeat_chunk()
        for move in self.ratings.move_id:
            said = "".join(move.message_ids.mapped("body"))
            self.assertIn(f"Posted as {move.name} by {self.billing.name}", said)
            created = move.message_ids.filtered(lambda message: "Invoice Created" in message.body)
            self.assertEqual(created.subtype_id, self.env.ref("account.mt_invoice_created"))
            self.assertFalse(created.is_internal)
