from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from odoo import Command, fields
from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestReconciliation(ReportingCommon):
    """Each break is made by hand, below the code that would prevent it, and has to be found."""

    def _breaks(self, kind: str | None = None) -> Any:
        self.env.flush_all()
        # A break keeps its id while its figures change.
        self.env.invalidate_all()
        domain = [("company_id", "=", self.company.id)] + ([("kind", "=", kind)] if kind else [])
        return self.env["emobility.reconciliation.break"].search(domain)

    def _kinds(self) -> list[str]:
        return sorted(self._breaks().mapped("kind"))

    def _paid(self, uid: str) -> Any:
        """A session with invoice and payment that the bank has seen: nothing is wrong with it."""
        move = self._invoice_on(self._session(uid, datetime(2026, 6, 3, 8)), str(fields.Date.today()))
        self._pay(move)
        return move

    def _pay(self, move: Any, amount: float | None = None) -> Any:
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"amount": amount or move.amount_residual})
        )
        return wizard._create_payments()

    def _match(self, payment: Any, move: Any) -> None:
        (payment.move_id | move).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        ).reconcile()

    def _payment(self, amount: float) -> Any:
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.driver.id,
                "amount": amount,
                "currency_id": self.euro.id,
                "journal_id": self.company_data["default_journal_bank"].id,
                "company_id": self.company.id,
            }
        )
        payment.action_post()
        return payment

    def _transaction(self, move: Any, amount: float, **values: Any) -> Any:
        provider = self.env["payment.provider"].search([("company_id", "=", self.company.id)], limit=1)
        provider = provider or self.env.ref("payment.payment_provider_demo").copy(
            {"company_id": self.company.id}
        )
        return self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": self.env["payment.method"].search([], limit=1).id,
                "reference": f"TX-{next(self._uids)}",
                "amount": amount,
                "currency_id": self.euro.id,
                "partner_id": self.driver.id,
                "state": "done",
                "last_state_change": fields.Datetime.now() - timedelta(hours=2),
                "invoice_ids": [Command.set(move.ids)],
                **values,
            }
        )

    def test_a_month_in_order_has_no_breaks_and_proves_complete(self) -> None:
        self._paid("R1")
        self.assertEqual(self._kinds(), [])
        proof = self._proof()
        self.assertTrue(proof.is_complete)
        self.assertEqual(proof.break_count, 0)

    def test_a_session_that_is_done_without_a_cdr(self) -> None:
        session = self._session("R2", datetime(2026, 6, 3, 8))
        self.env.cr.execute("DELETE FROM emobility_rating WHERE session_id = %s", [session.id])
        self.env.cr.execute("DELETE FROM emobility_cdr WHERE session_id = %s", [session.id])
        self.env.invalidate_all()
        [found] = self._breaks("session_without_cdr")
        self.assertEqual(found.session_id, session)
        self.assertEqual(found.action_open()["res_id"], session.id)
        proof = self._proof()
        self.assertTrue(proof.is_complete, "the break has a line of its own, so nothing is lost from sight")
        lost = proof.line_ids.filtered(lambda line: "without CDR" in line.name)
        self.assertEqual(lost.record_count, 1)

    def test_a_credited_cdr_is_none_but_a_corrected_one_is(self) -> None:
        session = self._session("R3", datetime(2026, 6, 3, 8))
        with self.running_jobs():
            session.cdr_ids.action_correct()
        self.assertFalse(self._breaks("session_without_cdr"))
        session.cdr_ids.filtered(lambda cdr: not cdr.credit and not cdr.is_credited)._take_back()
        self.assertEqual(self._breaks("session_without_cdr").session_id, session)

    def test_a_cdr_without_rating(self) -> None:
        session = self._session("R4", datetime(2026, 6, 3, 8))
        self.env.cr.execute("DELETE FROM emobility_rating WHERE session_id = %s", [session.id])
        self.env.invalidate_all()
        [found] = self._breaks("cdr_without_rating")
        self.assertEqual(found.cdr_id, session.cdr_ids)

    def test_a_rating_that_is_not_invoiced_in_time(self) -> None:
        now = datetime.now().replace(microsecond=0)
        old = self._session("R5", now - timedelta(days=50))
        self._session("R6", now - timedelta(days=5))
        [found] = self._breaks("rating_without_invoice")
        self.assertEqual(found.session_id, old)
        self.assertEqual((found.expected, found.difference), (5.25, -5.25))
        self.company.emobility_invoice_days = 60
        self.assertFalse(self._breaks("rating_without_invoice"))

    def test_a_rating_that_says_invoiced_and_has_no_invoice(self) -> None:
        session = self._session("R7", datetime.now() - timedelta(days=5))
        session.cdr_ids.rating_ids.sudo()._as_system().write({"state": "invoiced"})
        self.assertEqual(self._breaks("rating_without_invoice").session_id, session)

    def test_an_invoice_that_differs_from_its_sessions(self) -> None:
        session = self._session("R8", datetime(2026, 6, 3, 8))
        move = self._invoice_on(session, "2026-06-30")
        self.assertFalse(self._breaks("invoice_differs"))
        self.env.cr.execute(
            "UPDATE emobility_rating SET amount_total = amount_total + 0.01 WHERE move_id = %s", [move.id]
        )
        self.env.invalidate_all()
        [found] = self._breaks("invoice_differs")
        self.assertEqual((found.move_id, round(found.difference, 2)), (move, -0.01))

    def test_a_fee_beside_the_sessions_is_no_difference_and_a_credit_note_is_compared_too(self) -> None:
        session = self._session("R9", datetime(2026, 6, 3, 8))
        ratings = session.cdr_ids.rating_ids
        move = self.env["emobility.invoicing"]._invoice(ratings)
        move.invoice_line_ids = [Command.create({"name": "Base fee", "price_unit": 5, "tax_ids": []})]
        move.action_post()
        session.cdr_ids._take_back()
        self._invoice_on(session, "2026-06-30")
        self.assertFalse(self._breaks("invoice_differs"))

    def test_an_overdue_invoice_and_one_that_is_paid(self) -> None:
        move = self._invoice_on(self._session("R10", datetime(2026, 6, 3, 8)), "2026-06-30")
        self.assertEqual(self._breaks("invoice_unpaid").move_id, move)
        self._match(self._payment(1.0), move)
        found = self._breaks("invoice_unpaid")
        self.assertEqual((found.found, found.expected), (1.0, move.amount_total))
        self._pay(move)
        self.assertFalse(self._breaks("invoice_unpaid"))

    def test_an_invoice_that_is_not_due_yet_is_no_break(self) -> None:
        move = self._invoice_on(self._session("R11", datetime(2026, 6, 3, 8)), str(fields.Date.today()))
        self.assertFalse(self._breaks("invoice_unpaid"), move.invoice_date_due)

    def test_somebody_paid_too_much(self) -> None:
        move = self._invoice_on(self._session("R12", datetime(2026, 6, 3, 8)), str(fields.Date.today()))
        payment = self._payment(move.amount_total + 3)
        self.assertEqual(self._kinds(), ["payment_without_invoice"])
        self._match(payment, move)
        [found] = self._breaks()
        self.assertEqual((found.kind, found.payment_id), ("invoice_overpaid", payment))
        self.assertEqual((round(found.expected, 2), round(found.difference, 2)), (move.amount_total, 3.0))

    def test_a_payment_without_an_invoice(self) -> None:
        payment = self._payment(12)
        [found] = self._breaks("payment_without_invoice")
        self.assertEqual((found.payment_id, found.found), (payment, 12))

    def test_a_transaction_that_took_money_without_a_payment(self) -> None:
        move = self._paid("R13")
        transaction = self._transaction(move, move.amount_total)
        [found] = self._breaks()
        self.assertEqual((found.kind, found.transaction_id), ("transaction_without_payment", transaction))
        transaction.last_state_change = fields.Datetime.now()
        self.assertFalse(self._breaks(), "the next minutes are the job's")

    def test_more_was_captured_than_invoiced(self) -> None:
        move = self._invoice_on(self._session("R14", datetime(2026, 6, 3, 8)), str(fields.Date.today()))
        payment = self._pay(move)
        transaction = self._transaction(move, move.amount_total, payment_id=payment.id)
        self.assertFalse(self._breaks("captured_too_much"))
        transaction.amount += 0.01
        [found] = self._breaks("captured_too_much")
        self.assertEqual((found.move_id, round(found.difference, 2)), (move, 0.01))
        self._transaction(self.env["account.move"], -0.01, source_transaction_id=transaction.id, operation="refund",
                          payment_id=payment.id)  # fmt: skip
        self.assertFalse(self._breaks("captured_too_much"), "a refund gives it back")

    def test_a_payment_that_the_bank_has_not_seen(self) -> None:
        move = self._invoice_on(self._session("R15", datetime(2026, 6, 3, 8)), str(fields.Date.today()))
        payment = self._pay(move)
        payment.payment_transaction_id = self._transaction(move, move.amount_total, payment_id=payment.id)
        self.assertFalse(self._breaks("payment_without_payout"), "the provider has some days")
        self.company.emobility_payout_days = 0
        self.env.cr.execute("UPDATE account_payment SET date = %s, is_matched = FALSE WHERE id = %s",
                            [fields.Date.today() - timedelta(days=1), payment.id])  # fmt: skip
        self.env.invalidate_all()
        self.assertEqual(self._breaks("payment_without_payout").payment_id, payment)
        self.env.cr.execute("UPDATE account_payment SET is_matched = TRUE WHERE id = %s", [payment.id])
        self.assertFalse(self._breaks("payment_without_payout"))

    def _proof(self) -> Any:
        proof = self.env["emobility.reconciliation.proof"].create(
            {"company_id": self.company.id, "date_from": "2026-06-01", "date_to": "2026-12-31"}
        )
        proof.action_prove()
        return proof

    def test_the_proof_counts_each_step_and_leads_to_the_records(self) -> None:
        self._session("R16", datetime(2026, 6, 3, 8))
        move = self._invoice_on(self._session("R17", datetime(2026, 6, 4, 8)), "2026-07-01")
        self._match(self._payment(2.0), move)
        self._charge("R18", self.env["contract.contract"], datetime(2026, 6, 5, 8), 60, "10")
        void = self._session("R19", datetime(2026, 6, 6, 8))
        with self.running_jobs():
            void.cdr_ids.action_credit()
        proof = self._proof()
        self.assertTrue(proof.is_complete)
        rows = {line.name: (line.record_count, round(line.amount, 2)) for line in proof.line_ids}
        self.assertEqual(rows["Sessions that ended"], (4, 0))
        self.assertEqual(rows["held for a decision"], (1, 0))
        self.assertEqual(rows["void: taken back or given up"], (1, 0))
        self.assertEqual(rows["with a CDR that counts"], (2, 0))
        self.assertEqual(rows["Ratings of the sessions"], (4, 10.5))
        self.assertEqual(rows["to invoice"], (1, 5.25))
        self.assertEqual(rows["taken back before they were invoiced"], (2, 0))
        self.assertEqual(rows["Charging invoices and credit notes"], (1, move.amount_total))
        self.assertEqual(rows["paid, set off or written off"], (0, 2.0))
        self.assertEqual(rows["still open"], (1, round(move.amount_total - 2, 2)))
        line = proof.line_ids.filtered(lambda one: one.name == "to invoice")
        action = line.action_open()
        self.assertEqual(self.env[action["res_model"]].search_count(action["domain"]), 1)

    def test_a_state_that_nobody_knows_breaks_the_proof(self) -> None:
        session = self._session("R20", datetime(2026, 6, 3, 8))
        self.env.cr.execute("UPDATE emobility_session SET state = 'lost' WHERE id = %s", [session.id])
        self.env.invalidate_all()
        self.assertFalse(self._proof().is_complete)
