from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import HostCommon

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


@tagged("post_install", "-at_install")
class TestSettlement(HostCommon):
    def _parts(self, settlement: Any) -> list[tuple[date, str, float]]:
        return [(line.month, line.kind, line.amount) for line in settlement.line_ids]

    def test_a_month_is_previewed_then_paid_and_adds_up_to_the_cent(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.047, minimum=2)
        sessions = self._session("S1", datetime(2026, 6, 3, 8), "11.111") | self._session(
            "S2", datetime(2026, 6, 4, 8), "7.777"
        )
        self._session("S3", datetime(2026, 7, 1, 8), "30")
        run = self._run(date(2026, 6, 17))
        settlement = run.settlement_ids
        self.assertEqual(run.month, JUNE)
        self.assertEqual(settlement.state, "draft")
        self.assertFalse(settlement.move_id, "a preview pays nobody")
        self.assertEqual(self._parts(settlement), [(JUNE, "sessions", 0.89), (JUNE, "minimum", 1.11)])
        self._confirm(run)
        move = settlement.move_id
        self.assertEqual((move.move_type, move.state, move.amount_untaxed), ("in_invoice", "posted", 2.0))
        self.assertEqual(sum(move.invoice_line_ids.mapped("price_subtotal")), settlement.amount)
        self.assertEqual(
            settlement._statement_sessions_amount(), sum(row.amount for row in settlement._statement_rows())
        )
        self.assertEqual(settlement._statement_sessions_amount(), 0.89)
        ratings = self._host_rating(sessions)
        self.assertEqual(set(ratings.mapped("state")), {"invoiced"})
        self.assertEqual(ratings.move_id, move)
        self.assertEqual(run.progress, 100.0)

    def test_the_number_range_is_one_per_host_and_apart_from_bills(self) -> None:
        other = self._make_host("Otto Owner")
        self._make_agreement(fixed_amount=10)
        self._make_agreement(name="Otto", partner_id=other.id, fixed_amount=20)
        settlements = self._confirm(self._run(JUNE))
        self.assertTrue(settlements.move_id.journal_id.is_self_billing)
        names = settlements.move_id.mapped("name")
        self.assertEqual(len(set(names)), 2)
        for move in settlements.move_id:
            self.assertIn(str(move.partner_id.id), move.name)
        self.assertEqual(settlements.move_id.journal_id, self.company.emobility_self_billing_journal_id)

    def test_f76_private_owners_have_no_vat_and_registered_hosts_have(self) -> None:
        # At home: across a border the fiscal position decides.
        country = self.company.account_fiscal_country_id
        registered = self._make_host("Registered", vat="123456789", country_id=country.id)
        purchase = self.company_data["default_tax_purchase"]
        self._make_agreement(fixed_amount=100)
        self._make_agreement(name="VAT", partner_id=registered.id, fixed_amount=100)
        by_host = {one.partner_id: one.move_id for one in self._confirm(self._run(JUNE))}
        self.assertEqual(by_host[self.host].amount_tax, 0)
        self.assertFalse(by_host[self.host].invoice_line_ids.tax_ids)
        self.assertEqual(by_host[registered].amount_untaxed, 100)
        self.assertEqual(by_host[registered].amount_tax, purchase.amount)

    def test_an_incomplete_host_is_an_error_of_its_own_and_can_be_retried(self) -> None:
        bad = self._make_host("No address", street=False)
        self._make_agreement(fixed_amount=10)
        self._make_agreement(name="Bad", partner_id=bad.id, fixed_amount=10)
        run = self._run(JUNE)
        self._confirm(run)
        states = {one.partner_id: one.state for one in run.settlement_ids}
        self.assertEqual(states, {self.host: "done", bad: "error"})
        self.assertIn("Street", run.settlement_ids.filtered("error").error)
        bad.street = "Weg 1"
        with self.running_jobs():
            run.action_retry()
        self.assertEqual(set(run.settlement_ids.mapped("state")), {"done"})
        self.assertEqual(run.error_count, 0)

    def test_late_sessions_and_credits_correct_what_was_settled(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10, minimum=5)
        first = self._session("S4", datetime(2026, 6, 3, 8), "20")
        self._session("S5", datetime(2026, 6, 4, 8), "10")
        june = self._run(JUNE)
        self._confirm(june)
        self.assertEqual(self._parts(june.settlement_ids), [(JUNE, "sessions", 3.0), (JUNE, "minimum", 2.0)])
        self._session("S6", datetime(2026, 6, 30, 8), "15")
        with self.running_jobs():
            first.cdr_ids.action_credit()
        july = self._run(JULY)
        # June is 1.00 + 1.50 with a rise of 2.50 now: sessions -0.50, minimum +0.50. July has its own minimum.
        self.assertEqual(
            self._parts(july.settlement_ids),
            [(JUNE, "sessions", -0.5), (JUNE, "minimum", 0.5), (JULY, "minimum", 5.0)],
        )
        self._confirm(july)
        self.assertEqual(july.settlement_ids.move_id.amount_untaxed, 5.0)
        again = self._run(JULY)
        self.assertEqual(again.settlement_ids.amount, 0, "nothing is paid twice")

    def test_more_taken_back_than_earned_is_a_refund(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        session = self._session("S7", datetime(2026, 6, 3, 8), "20")
        self._confirm(self._run(JUNE))
        with self.running_jobs():
            session.cdr_ids.action_credit()
        settlement = self._confirm(self._run(JULY))
        self.assertEqual((settlement.move_id.move_type, settlement.move_id.amount_total), ("in_refund", 2.0))
        self.assertEqual(settlement.amount, -2.0)

    def test_the_employers_cap_cuts_energy_and_money_over_two_runs(self) -> None:
        self._make_agreement(relation="reimbursement", energy_source="flat", cap_kwh=30)
        self._session("S8", datetime(2026, 6, 3, 8), "20")
        self._confirm(self._run(JUNE))
        self._session("S9", datetime(2026, 6, 4, 8), "20")
        late = self._run(JULY).settlement_ids
        self.assertEqual(self._parts(late), [(JUNE, "sessions", 6.8), (JUNE, "cap_kwh", -3.4)])
        self.assertEqual(late.line_ids[1].energy_kwh, -10)

    def test_what_changed_since_the_preview_is_not_paid_unseen(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self._session("S10", datetime(2026, 6, 3, 8), "20")
        run = self._run(JUNE)
        self._session("S11", datetime(2026, 6, 4, 8), "20")
        settlement = self._confirm(run)
        self.assertEqual(settlement.state, "error")
        self.assertIn("since the preview", settlement.error)
        self.assertFalse(settlement.move_id)
        with self.running_jobs():
            run.action_retry()
        self.assertEqual((settlement.state, settlement.amount), ("done", 4.0))

    def test_sessions_without_a_price_are_named_and_come_when_they_have_one(self) -> None:
        series = self._series({"2026-01-01 10:00:00": 0.10})
        self._make_agreement(relation="reimbursement", energy_source="spot", spot_series_id=series.id)
        session = self._session("S12", datetime(2026, 6, 3, 8), "20")
        run = self._run(JUNE)
        self.assertIn(session.uid, run.settlement_ids.problems)
        self.assertEqual((run.problem_count, run.settlement_ids.amount), (1, 0))
        self.env["emobility.spot.price"].create(
            {"series_id": series.id, "at": "2026-06-03 08:00:00", "price": 0.2}
        )
        run.action_prepare()
        self.assertFalse(run.settlement_ids.problems)
        self.assertEqual(run.settlement_ids.amount, 4.0)

    def test_an_agreement_that_is_entered_late_gets_the_sessions_since_its_first_day(self) -> None:
        session = self._session("S13", datetime(2026, 6, 3, 8), "20")
        self.assertFalse(self._host_rating(session))
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self.assertEqual(self._run(JUNE).settlement_ids.amount, 2.0)

    def test_a_cancelled_credit_note_gives_everything_back(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10, fixed_amount=1)
        session = self._session("S14", datetime(2026, 6, 3, 8), "20")
        run = self._run(JUNE)
        settlement = self._confirm(run)
        move = settlement.move_id
        move.button_draft()
        move.button_cancel()
        self.assertEqual((settlement.state, self._host_rating(session).state), ("error", "open"))
        with self.running_jobs():
            run.action_retry()
        self.assertEqual((settlement.state, settlement.move_id.amount_untaxed), ("done", 3.0))
        self.assertNotEqual(settlement.move_id, move)

    def test_what_a_host_owes_is_netted(self) -> None:
        debt = self.init_invoice("out_invoice", partner=self.host, amounts=[30.0], taxes=[], post=True)
        small = self.init_invoice("out_invoice", partner=self.host, amounts=[80.0], taxes=[], post=True)
        self._make_agreement(fixed_amount=50, is_netting=True)
        settlement = self._confirm(self._run(JUNE))
        entry = settlement.netting_move_id
        self.assertEqual(entry.state, "posted")
        self.assertEqual(sum(entry.line_ids.mapped("debit")), 50.0)
        self.assertEqual(settlement.move_id.amount_residual, 0)
        self.assertEqual((debt.amount_residual, small.amount_residual), (0, 60.0), "the oldest debt first")

    def test_f78_months_have_lines_of_their_own_and_currencies_documents_of_their_own(self) -> None:
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.host.emobility_one_credit_note = True
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self._make_agreement(
            name="Dollar", relation="reimbursement", currency_id=dollar.id, energy_source="fixed", energy_price=0.2
        )
        self._session("D1", datetime(2026, 6, 3, 8), "10")
        self._session("D2", datetime(2026, 7, 3, 8), "20")
        settlements = self._confirm(self._run(JULY))
        self.assertEqual(
            {one.currency_id.name: self._parts(one) for one in settlements},
            {
                "EUR": [(JUNE, "sessions", 1.0), (JULY, "sessions", 2.0)],
                "USD": [(JUNE, "sessions", 2.0), (JULY, "sessions", 4.0)],
            },
        )
        self.assertEqual(
            {move.currency_id.name: move.amount_untaxed for move in settlements.move_id}, {"EUR": 3.0, "USD": 6.0}
        )

    def test_one_credit_note_over_all_agreements_of_a_host(self) -> None:
        self.host.emobility_one_credit_note = True
        other = self._make_host("Otto Owner")
        share = self._make_agreement(percent=10, is_netting=True)
        home = self._make_agreement(
            name="Home", relation="reimbursement", energy_source="flat", is_netting=True
        )
        self._make_agreement(name="Otto", partner_id=other.id, fixed_amount=7)
        elsewhere = self.location.copy({"code": "ELSEWHERE", "host_id": other.id})
        self._make_agreement(
            name="Empty", percent=1, is_netting=True, location_ids=[Command.set(elsewhere.ids)]
        )
        debt = self.init_invoice("out_invoice", partner=self.host, amounts=[1.0], taxes=[], post=True)
        self._session("C1", datetime(2026, 6, 3, 8), "10")
        run = self._run(JUNE)
        self._confirm(run)
        by_agreement = {one.agreement_id: one for one in run.settlement_ids}
        move = by_agreement[share].move_id
        self.assertEqual(by_agreement[home].move_id, move)
        self.assertEqual(move.amount_untaxed, by_agreement[share].amount + by_agreement[home].amount)
        named = {line.name.partition(": ")[0] for line in move.invoice_line_ids}
        self.assertEqual(named, {"Home", share.name}, "each line says whose it is")
        self.assertEqual(len(run.settlement_ids.move_id), 2, "Otto has his own, and nothing is paid for nothing")
        self.assertEqual((debt.amount_residual, move.amount_residual), (0, move.amount_total - 1))
        self.assertEqual(len(run.settlement_ids.netting_move_id), 1)
        mails = self.env["mail.mail"].search(
            [("model", "=", run.settlement_ids._name), ("res_id", "in", move.host_settlement_ids.ids)]
        )
        self.assertEqual(len(mails), 1)
        text = mails.attachment_ids.filtered(lambda file: file.name.endswith("csv")).raw.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertAlmostEqual(sum(float(row["Amount (EUR)"]) for row in rows), move.amount_untaxed, 2)
        html = self._html(by_agreement[home])
        for part in (share.name, "Home", move.name):
            self.assertIn(part, html)

    def test_an_error_of_one_agreement_keeps_the_whole_credit_note_back_until_it_is_retried(self) -> None:
        self.host.write({"emobility_one_credit_note": True, "city": False})
        self._make_agreement(fixed_amount=5)
        self._make_agreement(name="Home", relation="reimbursement", fixed_amount=6)
        run = self._run(JUNE)
        self._confirm(run)
        self.assertEqual(run.settlement_ids.mapped("state"), ["error", "error"])
        self.host.city = "München"
        with self.running_jobs():
            run.action_retry()
        self.assertEqual(run.settlement_ids.mapped("state"), ["done", "done"])
        self.assertEqual(run.settlement_ids.move_id.amount_untaxed, 11.0)
        run.settlement_ids.move_id.button_draft()
        run.settlement_ids.move_id.button_cancel()
        self.assertEqual(run.settlement_ids.mapped("state"), ["error", "error"], "both are given back")

    def test_without_netting_both_stay_open(self) -> None:
        debt = self.init_invoice("out_invoice", partner=self.host, amounts=[30.0], taxes=[], post=True)
        self._make_agreement(fixed_amount=50)
        settlement = self._confirm(self._run(JUNE))
        self.assertFalse(settlement.netting_move_id)
        self.assertEqual((debt.amount_residual, settlement.move_id.amount_residual), (30.0, 50.0))

    def test_the_evidence_has_registers_meter_and_price_basis_of_each_session(self) -> None:
        self._make_agreement(relation="reimbursement", energy_source="flat")
        events = self.events("S15", datetime(2026, 6, 3, 8).astimezone(), kwh="12.5", register="1000")
        session = self.ingest(events)
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        settlement = self._confirm(self._run(JUNE))
        files = settlement._make_files()
        self.assertEqual(sorted(file.name.rsplit(".")[-1] for file in files), ["csv", "pdf"])
        self.assertEqual(files, settlement._make_files(), "the document that was sent stays")
        text = files.filtered(lambda file: file.name.endswith("csv")).raw.decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        self.assertEqual(row["Meter"], "1EMH0011223344")
        self.assertEqual(
            Decimal(row["Register at end (kWh)"]) - Decimal(row["Register at start (kWh)"]),
            Decimal(row["Energy (kWh)"]),
        )
        self.assertEqual(row["Amount (EUR)"], "4.25")
        self.assertIn("BMF 2025-11-11", row["Price basis"])

    def test_the_statement_says_that_it_is_self_billed_and_lists_each_session(self) -> None:
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["emobility_host"], ["de_DE"])
        self._make_agreement(percent=50)
        self._session("S16", datetime(2026, 6, 3, 8), "10")
        self._session("S17", datetime(2026, 6, 4, 8), "10")
        settlement = self._confirm(self._run(JUNE))
        html = self._html(settlement)
        for part in (
            "Credit note (self-billing)",
            "in place of your invoice",
            settlement.move_id.name,
            "Marktplatz",
        ):
            self.assertIn(part, html)
        self.host.lang = "de_DE"
        html = self._html(settlement)
        self.assertIn("Gutschriftsverfahren", html)
        self.assertIn("Juni 2026", html)
        self.assertNotIn(self.driver.name, html, "who charged is nobody's business")

    def _html(self, settlement: Any) -> str:
        settlement.invalidate_recordset()
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "emobility_host.report_settlement", settlement.ids
        )
        return content.decode()

    def test_the_statement_is_mailed_once_with_its_files(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self._session("S18", datetime(2026, 6, 3, 8), "10")
        settlement = self._confirm(self._run(JUNE))
        self.assertTrue(settlement.is_sent)
        settlement._send()
        mails = self.env["mail.mail"].search(
            [("model", "=", settlement._name), ("res_id", "=", settlement.id)]
        )
        self.assertEqual(len(mails), 1)
        self.assertEqual(mails.recipient_ids, self.host)
        self.assertEqual(len(mails.attachment_ids), 2)
        self.assertIn(settlement.move_id.name, mails.subject)

    def test_one_preview_a_month_comes_by_itself(self) -> None:
        month = self.env["emobility.host.run"].default_get(["month"])["month"]
        self._make_agreement(fixed_amount=10, date_from=month)
        runs = self.env["emobility.host.run"].search([("company_id", "=", self.company.id)])
        self.assertFalse(runs)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            for _day in range(2):
                self.env["emobility.host.run"]._cron_prepare()
        run = self.env["emobility.host.run"].search([("company_id", "=", self.company.id)])
        self.assertEqual((len(run), run.state, run.settlement_ids.amount), (1, "ready", 10.0))

    def test_a_confirmed_run_stays(self) -> None:
        self._make_agreement(fixed_amount=10)
        run = self._run(JUNE)
        with self.assertRaises(UserError):
            self.env["emobility.host.run"].create(
                {"company_id": self.company.id, "month": JULY}
            ).action_confirm()
        self._confirm(run)
        for step in (run.unlink, run.action_prepare, run.action_confirm, run.settlement_ids.action_settle):
            with self.assertRaises(UserError):
                step()

    def test_only_managers_settle(self) -> None:
        self._make_agreement(fixed_amount=10)
        run = self._run(JUNE)
        clerk = self._make_user("host-clerk", "emobility_crm.group_user")
        with self.assertRaises(UserError):
            run.settlement_ids.with_user(clerk).action_settle()
        with self.assertRaises(AccessError):
            run.with_user(clerk).action_confirm()

    def test_a_run_can_be_for_some_agreements(self) -> None:
        wanted = self._make_agreement(fixed_amount=10)
        self._make_agreement(name="Other", partner_id=self._make_host("Other").id, fixed_amount=10)
        run = self.env["emobility.host.run"].create(
            {"company_id": self.company.id, "month": JUNE, "agreement_ids": [Command.set(wanted.ids)]}
        )
        run.action_prepare()
        self.assertEqual(run.settlement_ids.agreement_id, wanted)
        self._confirm(run)
        rest = self._run(JUNE)
        self.assertEqual(rest.amount, 10.0, "the fixed amount is paid once, whoever is in the run")

    def test_the_credit_note_is_in_the_datev_file_to_the_cent(self) -> None:
        self.company.write(
            {
                "emobility_datev_consultant": 29098,
                "emobility_datev_client": 55003,
                "emobility_datev_account_length": 6,
            }
        )
        self._make_agreement(fixed_amount=50)
        move = self._confirm(self._run(JUNE)).move_id
        wizard = self.env["emobility.datev.export"].create(
            {"company_id": self.company.id, "date_from": move.date, "date_to": move.date}
        )
        self.assertIn(move, wizard._moves())
        [booking] = wizard._bookings(move)
        expense = move.invoice_line_ids.account_id.code
        self.assertEqual(
            (booking.amount, booking.counter_account), (Decimal("-50.00"), expense), "owed: credited"
        )

    def test_fixed_amounts_of_months_that_nobody_settled_are_not_lost(self) -> None:
        self._make_agreement(fixed_amount=10, minimum=12, date_from="2026-04-16")
        settlement = self._confirm(self._run(JUNE))
        april, may = date(2026, 4, 1), date(2026, 5, 1)
        self.assertEqual(
            self._parts(settlement),
            [(april, "fixed", 5.0), (april, "minimum", 1.0), (may, "fixed", 10.0), (may, "minimum", 2.0),
             (JUNE, "fixed", 10.0), (JUNE, "minimum", 2.0)],
        )  # fmt: skip
        settlement.agreement_id.action_end()
        settlement.agreement_id.date_to = "2026-07-31"
        august = self._run(date(2026, 8, 1)).settlement_ids
        self.assertEqual(self._parts(august), [(JULY, "fixed", 10.0), (JULY, "minimum", 2.0)])
