from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from ..models.correction_line import EmobilityCorrectionLine
from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestCorrection(ChargingCommon):
    """What was issued stays; what was wrong is credited, and billed as it is right."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.cheap = cls._make_tariff("CHEAP", {"ENERGY": 0.39}).version_ids
        cls.other = cls.env["res.partner"].create({"name": "Olga Other", "country_id": cls.env.ref("base.de").id})
        cls._make_contract(cls.other, "04FFFF")
        cls._hours = 200

    def _charge(self, uid: str, kwh: str = "10", **values: Any) -> Any:
        type(self)._hours -= 3
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=self._hours)
        return self.ingest(self.events(uid, start=start, kwh=kwh, **values))

    def _billed(self) -> Any:
        """Two sessions of the driver and one of another customer, invoiced and posted."""
        sessions = self._charge("A1") | self._charge("A2", "20") | self._charge("B1", "5", token_uid="04FFFF")
        self.run_billing()
        return sessions

    def _correction(self, **values: Any) -> Any:
        today = fields.Date.today()
        period = {"date_from": today - timedelta(days=30), "date_to": today + timedelta(days=1)}
        if "cdr_ids" in values:
            period = {}
        if values.get("kind", "rerate") == "rerate" and "pricing" not in values:
            values.setdefault("version_id", self.cheap.id)
        return self.env["emobility.correction"].create({"company_id": self.company.id, **period, **values})

    def _prepare(self, **values: Any) -> Any:
        correction = self._correction(**values)
        with self.running_jobs():
            correction.action_prepare()
        return correction

    def _apply(self, correction: Any) -> Any:
        with self.running_jobs():
            correction.action_apply()
        return correction

    # Preview

    def test_f44_preview_shows_the_difference_and_issues_nothing(self) -> None:
        sessions = self._billed()
        before = (len(sessions.cdr_ids), self.env["account.move"].search_count([]))
        correction = self._prepare()
        self.assertEqual((correction.state, correction.progress), ("ready", 100.0))
        self.assertEqual((correction.line_count, correction.payer_count), (3, 2))
        self.assertAlmostEqual(correction.old_total, 17.15)
        self.assertAlmostEqual(correction.new_total, 13.65)
        self.assertAlmostEqual(correction.difference, -3.50)
        self.assertEqual((len(sessions.cdr_ids), self.env["account.move"].search_count([])), before)
        self.assertFalse(self.cheap.is_frozen)
        rows = self.env["emobility.correction.line"]._read_group(
            correction.action_open_lines()["domain"], ["partner_id"], ["difference:sum"]
        )
        self.assertEqual(
            {partner: round(amount, 2) for partner, amount in rows}, {self.driver: -3.0, self.other: -0.5}
        )

    def test_preview_knows_of_discounts_exactly_as_the_correction_does(self) -> None:
        self.env["emobility.discount"].create(
            {"name": "Ten", "kind": "percent", "value": 10, "company_id": self.company.id, "max_sessions": 1}
        )
        self._billed()
        correction = self._prepare()
        expected = correction.new_total
        self._apply(correction)
        self.assertAlmostEqual(correction.new_total, expected)
        self.assertAlmostEqual(
            sum(correction.line_ids.new_cdr_id.mapped("retail_amount")), expected
        )

    def test_filters_choose_the_sessions(self) -> None:
        self._billed()
        self.assertEqual(self._prepare(payer_ids=[Command.set(self.other.ids)]).line_count, 1)
        self.assertEqual(self._prepare(tariff_id=self.tariff.id).line_count, 3)
        with self.assertRaisesRegex(UserError, "no billed session"):
            self._prepare(date_from="2019-01-01", date_to="2019-02-01")
        with self.assertRaisesRegex(UserError, "tariff version"):
            self._prepare(version_id=False)
        with self.assertRaisesRegex(UserError, "period"):
            self._prepare(date_from=False, kind="credit")

    # Correction

    def test_f44_period_is_priced_again_with_credit_notes_and_invoices(self) -> None:
        sessions = self._billed()
        invoices = sessions.cdr_ids.rating_ids.move_id
        correction = self._apply(self._prepare(note="Wrong tariff in April"))
        self.assertEqual((correction.state, set(correction.line_ids.mapped("state"))), ("done", {"done"}))
        self.assertEqual(len(correction.move_ids), 4, "a credit note and an invoice for each payer")
        self.assertEqual(set(correction.move_ids.mapped("state")), {"posted"})
        notes = correction.move_ids.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual(notes.reversed_entry_id, invoices)
        self.assertAlmostEqual(sum(notes.mapped("amount_total")), 17.15)
        self.assertAlmostEqual(sum((correction.move_ids - notes).mapped("amount_total")), 13.65)
        for session in sessions:
            current = session._current_cdr()
            self.assertEqual((current.revision, current.tariff_version_id), (2, self.cheap))
            self.assertAlmostEqual(sum(session.cdr_ids.mapped("energy_kwh")), current.energy_kwh)
            self.assertEqual(session.cdr_ids.filtered("credit").credit_note, "Wrong tariff in April")
        self.assertTrue(all(move.currency_id.is_zero(move.amount_residual) for move in invoices))

    def test_credit_note_says_why(self) -> None:
        self._billed()
        correction = self._apply(self._prepare(reason="price"))
        note = correction.move_ids.filtered(lambda move: move.move_type == "out_refund")[:1]
        self.assertEqual(note.emobility_credit_reason, "price")
        self.assertIn("Wrong price", note.ref)
        self.assertIn(note.reversed_entry_id.name, note.ref)

    def test_f73_issued_documents_never_change(self) -> None:
        sessions = self._billed()
        cdrs, ratings = sessions.cdr_ids, sessions.cdr_ids.rating_ids
        invoices = ratings.move_id

        def issued() -> list[Any]:
            self.env.invalidate_all()
            return [
                cdrs.read(["name", "energy_kwh", "start_at", "end_at", "facts", "tariff_version_id", "partner_id"]),
                ratings.read(["amount_total", "tariff_version_id", "trace", "move_id", "partner_id"]),
                ratings.line_ids.read(["quantity", "unit_price", "amount", "description", "move_line_id"]),
                invoices.read(["name", "state", "amount_total", "invoice_date", "ref", "partner_id"]),
                invoices.line_ids.read(["name", "quantity", "price_unit", "balance", "tax_ids"]),
            ]

        before = issued()
        self._apply(self._prepare())
        self.assertEqual(issued(), before)
        for attempt in (
            lambda: cdrs.sudo().write({"energy_kwh": 1}),
            lambda: ratings.sudo().write({"amount_total": 1}),
            lambda: invoices.button_draft(),
            lambda: invoices.invoice_line_ids[:1].write({"price_unit": 1}),
            lambda: invoices.unlink(),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                attempt()

    def test_paid_invoice_leaves_its_credit_to_the_new_one(self) -> None:
        session = self._charge("A1")
        self.run_billing()
        invoice = session.cdr_ids.rating_ids.move_id
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        correction = self._apply(self._prepare())
        new = correction.line_ids.new_move_id
        self.assertTrue(new.currency_id.is_zero(new.amount_residual), "paid by the credit note")
        self.assertAlmostEqual(correction.line_ids.credit_move_id.amount_residual, 1.0)

    def test_dearer_price_makes_an_invoice_of_the_difference_to_pay(self) -> None:
        dear = self._make_tariff("DEAR", {"ENERGY": 0.59}).version_ids
        session = self._charge("A1")
        self.run_billing()
        invoice = session.cdr_ids.rating_ids.move_id
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        correction = self._apply(self._prepare(version_id=dear.id))
        self.assertAlmostEqual(correction.difference, 1.0)
        self.assertAlmostEqual(correction.line_ids.new_move_id.amount_residual, 1.0)

    def test_what_is_not_invoiced_yet_is_corrected_without_documents(self) -> None:
        session = self._charge("A1")
        correction = self._apply(self._prepare())
        self.assertFalse(correction.move_ids)
        self.assertAlmostEqual(session._current_cdr().retail_amount, 3.90)
        self.assertAlmostEqual(self.run_billing().line_ids.move_id.amount_total, 3.90)

    def test_price_rules_of_now_can_decide(self) -> None:
        session = self._charge("A1")
        self.rule.tariff_id = self.cheap.tariff_id
        self._apply(self._prepare(pricing="rules"))
        self.assertEqual(session._current_cdr().tariff_version_id, self.cheap)

    def test_credit_one_session(self) -> None:
        sessions = self._billed()
        cdr = sessions[0].cdr_ids
        correction = self._apply(self._prepare(kind="credit", reason="goodwill", cdr_ids=[Command.set(cdr.ids)]))
        self.assertEqual(sessions[0].state, "void")
        self.assertEqual(cdr.credit_cdr_ids.credit_reason, "goodwill")
        self.assertAlmostEqual(correction.move_ids.amount_total, cdr.retail_amount)
        self.assertEqual({session.state for session in sessions[1:]}, {"done"})

    def test_credit_a_part_of_a_session(self) -> None:
        session = self._charge("A1")
        self.run_billing()
        correction = self._apply(
            self._prepare(kind="reduce", amount=1.5, reason="goodwill", cdr_ids=[Command.set(session.cdr_ids.ids)])
        )
        self.assertAlmostEqual(correction.difference, -1.5)
        self.assertAlmostEqual(session._current_cdr().retail_amount, 3.40)
        self.assertAlmostEqual(correction.line_ids.new_move_id.amount_total, 3.40)
        with self.assertRaisesRegex(UserError, "how much"):
            self._prepare(kind="reduce", cdr_ids=[Command.set(session._current_cdr().ids)])

    def test_invoice_is_cancelled_and_billed_again_for_another_payer(self) -> None:
        session = self._charge("A1") | self._charge("A2")
        self.run_billing()
        invoice = session.cdr_ids.rating_ids.move_id
        self.contract.invoice_partner_id = self.other
        window = invoice.action_emobility_correct()
        values = {
            name.removeprefix("default_"): value
            for name, value in window["context"].items()
            if name.startswith("default_")
        }
        correction = self._apply(self._prepare(**values))
        self.assertEqual((values["kind"], correction.line_count), ("rebill", 2))
        note, new = correction.line_ids.credit_move_id, correction.line_ids.new_move_id
        self.assertEqual((len(note), len(new)), (1, 1))
        self.assertEqual((note.partner_id, new.partner_id), (self.driver, self.other))
        self.assertAlmostEqual(note.amount_total, new.amount_total)
        self.assertAlmostEqual(correction.difference, 0)

    def test_rebilled_session_that_the_gate_holds_is_credited_and_says_so(self) -> None:
        session = self._charge("A1")
        self.run_billing()
        self.connector.max_power_kw = 3
        correction = self._prepare(kind="rebill", cdr_ids=[Command.set(session.cdr_ids.ids)])
        self.assertIn("More energy than", correction.line_ids.remark)
        self.assertEqual(session.state, "done", "a preview holds nothing")
        self._apply(correction)
        self.assertEqual(session.state, "held")
        self.assertEqual(correction.move_ids.move_type, "out_refund")

    # Crashes and errors

    def test_f79_crash_in_between_neither_doubles_nor_loses(self) -> None:
        self._billed()
        correction = self._prepare()
        apply = EmobilityCorrectionLine._apply
        calls: list[Any] = []

        def crash_at_the_second(lines: Any) -> None:
            calls.append(lines)
            apply(lines)
            if len(calls) == 2:
                raise KeyboardInterrupt

        payers = correction.line_ids.partner_id.ids
        # Jobs of a transaction that was rolled back were never there.
        with patch.object(EmobilityCorrectionLine, "_apply", crash_at_the_second), trap_jobs() as trap:
            correction.state = "applying"
            correction._apply_chunk(payers[:1])
            with self.assertRaises(KeyboardInterrupt), self.cr.savepoint():
                correction._apply_chunk(payers[1:])
        trap.enqueued_jobs[0].perform()
        self.env.invalidate_all()
        self.assertEqual(correction.state, "applying")
        self.assertEqual(set(correction.line_ids.mapped("state")), {"priced", "done"})
        with self.running_jobs():
            correction.action_retry()
            correction._apply_chunk(payers)
        self.assertEqual(correction.state, "done")
        self.assertEqual(len(correction.move_ids), 4)
        cdrs = correction.line_ids.cdr_id
        self.assertEqual([len(cdr.credit_cdr_ids) for cdr in cdrs], [1] * 3)

    def test_error_of_one_payer_stops_no_other_and_can_be_tried_again(self) -> None:
        sessions = self._billed()
        correction = self._prepare()
        with self.running_jobs():
            sessions[2].cdr_ids.action_credit("goodwill")
        self._apply(correction)
        failed = correction.line_ids.filtered(lambda line: line.state == "error")
        self.assertEqual((correction.state, failed.partner_id), ("error", self.other))
        self.assertIn("taken back", failed.error)
        self.assertEqual(correction.line_ids.filtered(lambda line: line.state == "done").partner_id, self.driver)
        with self.running_jobs():
            correction.action_retry()
        self.assertEqual(correction.state, "error")

    def test_session_on_a_draft_is_refused(self) -> None:
        session = self._charge("A1")
        self.run_billing(auto_collect=False)
        correction = self._prepare()
        self.assertIn("draft", correction.line_ids.error)
        self.assertFalse(session.cdr_ids.credit_cdr_ids)

    def test_only_a_manager_corrects(self) -> None:
        session = self._charge("A1")
        clerk = self._make_user("correction-clerk", "emobility_crm.group_user")
        with self.assertRaisesRegex(UserError, "manager"):
            session.cdr_ids.with_user(clerk).action_open_correction()
        with self.assertRaises(AccessError):
            self.env["emobility.correction"].with_user(clerk).create({"kind": "credit"})
        correction = self._prepare()
        with self.assertRaises(AccessError):
            correction.with_user(clerk).action_apply()

    def test_correction_that_was_done_stays(self) -> None:
        self._charge("A1")
        correction = self._apply(self._prepare())
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            correction.unlink()
        with self.assertRaisesRegex(UserError, "started already"):
            correction.action_prepare()
        self._charge("A3")
        self._prepare().unlink()
