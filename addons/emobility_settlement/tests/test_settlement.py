from __future__ import annotations

import base64
import csv
import io
from datetime import UTC, date, datetime, timedelta

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import SettlementCommon


@tagged("post_install", "-at_install")
class TestSettlement(SettlementCommon):
    def settlement(self, partner: object = None) -> object:
        settlement = self.env["emobility.roaming.settlement"].create(
            {
                "roaming_partner_id": (partner or self.provider).id,
                "currency_id": self.euro.id,
                "date_from": date.today().replace(day=1),
                "date_to": date.today() + timedelta(days=1),
            }
        )
        settlement.action_collect()
        return settlement

    def before(self) -> datetime:
        """Before the usual session: one connector has one car at a time."""
        return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)

    def compare(self, settlement: object, text: str | None, ref: str = "THEIRS-1", total: float = 0.0) -> None:
        self.env["emobility.partner.invoice.import"].create(
            {
                "settlement_id": settlement.id,
                "invoice_ref": ref,
                "total": total,
                "file": text is not None and base64.b64encode(text.encode()),
                "filename": "cdrs.csv",
            }
        ).action_import()

    def test_our_invoice_is_the_sum_of_the_cdrs(self) -> None:
        self.charge_as_guest("G1", kwh="10.123")
        self.charge_as_guest("G2", kwh="3.333", start=self.before())
        settlement = self.settlement()
        self.assertEqual(settlement.sold_count, 2)
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        self.assertEqual((invoice.state, invoice.partner_id), ("posted", self.entity))
        self.assertAlmostEqual(invoice.amount_untaxed, sum(settlement.rating_ids.mapped("amount_total")))
        self.assertAlmostEqual(invoice.amount_untaxed, settlement.sold_amount)
        self.assertEqual(invoice.session_count, 2)

    def test_partner_is_told_once_which_cdrs_the_invoice_is_about(self) -> None:
        cdr = self.charge_as_guest().cdr_ids
        connection = self._connection()
        self.provider.connection_id = connection
        sent = self.receive_cdr(id="SENT")
        sent.sudo()._as_system().write({"direction": "out", "cdr_id": cdr.id, "connection_id": connection.id})
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        invoice._tell_roaming_partner()
        told = self.env["emobility.ocpi.reconciliation"].search([("connection_id", "=", connection.id)])
        self.assertRecordValues(told, [{"invoice_ref": invoice.name, "cdr_ids": sent.ids}])

    def test_f58_list_of_cdrs_adds_up_to_the_invoice_and_the_other_side_can_read_it(self) -> None:
        first = self.charge_as_guest("G1", kwh="10.123")
        second = self.charge_as_guest("G2", kwh="3.333", start=self.before())
        settlement = self.settlement()
        with self.assertRaisesRegex(UserError, "Make the invoice first"):
            settlement.action_download_cdr_list()
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        attachment = invoice._cdr_list()
        rows = list(csv.DictReader(io.StringIO(attachment.raw.decode("utf-8-sig"))))
        self.assertEqual({row["cdr_id"] for row in rows}, set((first | second).cdr_ids.mapped("name")))
        self.assertAlmostEqual(sum(float(row["amount"]) for row in rows), invoice.amount_untaxed)
        self.assertIn(attachment, invoice._emobility_make_annex_files())
        self.assertEqual(settlement.action_download_cdr_list()["url"], f"/web/content/{attachment.id}?download=true")
        self.compare(settlement, attachment.raw.decode("utf-8-sig"))
        self.assertEqual(settlement.line_ids.mapped("status"), ["2_extra"] * 2, "none of them is one that we bought")

    def test_f58_what_their_list_of_cdrs_does_not_explain_is_shown_and_not_paid(self) -> None:
        cdr = self.receive_cdr()
        settlement = self.settlement(self.operator)
        self.compare(settlement, f"id;amount\n{cdr.name};4\n", total=6.5)
        self.assertRecordValues(
            settlement.line_ids.sorted("status"),
            [
                {"status": "0_no_cdr", "cdr_ref": False, "amount_invoiced": 2.5, "difference": 2.5},
                {"status": "4_matched", "cdr_ref": cdr.name, "amount_invoiced": 4.0, "difference": 0.0},
            ],
        )
        self.assertEqual(settlement.difference_count, 1)
        settlement.action_bill()
        self.assertAlmostEqual(settlement.move_ids.amount_untaxed, 4.0)
        other = self.receive_cdr()
        settlement.action_collect()
        self.compare(settlement, f"id;amount\n{other.name};4\n", "THEIRS-2", total=4.0)
        self.assertEqual(settlement.difference_count, 1, "the second list explains all of its invoice")

    def test_f58_invoice_without_a_list_is_compared_by_what_the_partner_told_by_ocpi(self) -> None:
        first, second = self.receive_cdr(), self.receive_cdr()
        connection = self._connection()
        connection.sudo().write({"version": "2.3.0", "state": "connected"})
        self.operator.connection_id = connection
        settlement = self.settlement(self.operator)
        with self.assertRaisesRegex(UserError, "has not told by OCPI"):
            self.compare(settlement, None)
        record = {
            "country_code": "BE",
            "party_id": "OPR",
            "id": "R-1",
            "invoice_id": "THEIRS-1",
            "cdrs": [first.name, "UNKNOWN"],
            "last_updated": "2026-03-01T10:00:00Z",
        }
        self.env["emobility.ocpi.receiver"].sudo()._receive(connection, "invoicereconciliation", [record])
        self.assertEqual((first.invoice_reference, second.invoice_reference), ("THEIRS-1", False))
        self.compare(settlement, None, total=7.0)
        self.assertEqual(
            {line.cdr_ref: (line.status, line.amount_invoiced) for line in settlement.line_ids},
            {
                first.name: ("4_matched", 4.0),
                "UNKNOWN": ("2_extra", 0.0),
                False: ("0_no_cdr", 3.0),
                second.name: ("3_missing", 0.0),
            },
        )

    def test_documents_name_the_legal_entity_of_the_agreement_and_its_vat_id(self) -> None:
        self.entity.write({"vat": "NL123456782B90", "street": "Keizersgracht 1", "city": "Amsterdam"})
        self.operator_entity.write({"vat": "BE0477472701", "country_id": self.env.ref("base.be").id})
        # Who the party is, is not who is invoiced.
        group = self.env["res.partner"].create({"name": "Provider Group Holding", "vat": "FR23334175221"})
        (self.provider | self.operator).partner_id = group
        self.assertEqual((self.sell.vat, self.buy.vat), ("NL123456782B90", "BE0477472701"))
        self.charge_as_guest()
        sold = self.settlement()
        with self.running_jobs():
            sold.action_invoice()
        invoice = sold.move_ids
        self.assertEqual(invoice.partner_id, self.entity)
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice_with_payments", invoice.ids
        )
        for text in (self.entity.name, "NL123456782B90", "Keizersgracht 1"):
            self.assertIn(text, html.decode())
        for text in (group.name, group.vat):
            self.assertNotIn(text, html.decode())
        cdr = self.receive_cdr()
        bought = self.settlement(self.operator)
        self.compare(bought, f"id;amount\n{cdr.name};4\n")
        bought.action_bill()
        self.assertEqual(bought.move_ids.partner_id, self.operator_entity)
        self.assertEqual(bought.move_ids.commercial_partner_id.vat, "BE0477472701")

    def test_f55_cdr_that_was_taken_back_is_on_the_list_of_the_credit_note(self) -> None:
        session = self.charge_as_guest(kwh="10")
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        original = session.cdr_ids
        with self.running_jobs():
            original.action_credit("dispute")
        note = settlement.move_ids.filtered(lambda move: move.move_type == "out_refund")
        [row] = csv.DictReader(io.StringIO(note._cdr_list().raw.decode("utf-8-sig")))
        self.assertEqual((row["amount"], row["credit_of"]), ("-3.00", original.name))

    def test_invoicing_twice_makes_one_invoice(self) -> None:
        self.charge_as_guest()
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        with self.running_jobs():
            settlement._make_invoices()
        self.assertEqual(len(settlement.move_ids), 1)
        with self.assertRaises(UserError):
            settlement.action_invoice()

    def test_invoice_has_the_payment_terms_and_the_currency_of_the_agreement(self) -> None:
        term = self.env["account.payment.term"].create(
            {"name": "45 days", "line_ids": [Command.create({"value": "percent", "value_amount": 100, "nb_days": 45})]}
        )
        self.sell.payment_term_id = term
        self.charge_as_guest()
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        self.assertRecordValues(invoice, [{"invoice_payment_term_id": term.id, "currency_id": self.euro.id}])
        self.assertEqual(invoice.invoice_date_due, invoice.invoice_date + timedelta(days=45))

    def test_hub_fee_is_borne_by_us_unless_it_was_agreed_to_pass_it_on(self) -> None:
        self.sell.write({"hub_fee_per_cdr": 0.25, "hub_fee_policy": "absorb"})
        self.charge_as_guest("G1", kwh="10")
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        self.assertAlmostEqual(settlement.move_ids.amount_untaxed, 3.00)

    def test_hub_fee_is_invoiced_when_it_is_passed_on(self) -> None:
        self.sell.write({"hub_fee_per_cdr": 0.25, "hub_fee_policy": "pass_on"})
        self.charge_as_guest("G1", kwh="10")
        self.charge_as_guest("G2", kwh="10", start=self.before())
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        self.assertAlmostEqual(settlement.move_ids.amount_untaxed, 6.00 + 0.50)

    def test_their_invoice_is_laid_beside_the_accepted_cdrs(self) -> None:
        same, other, unbilled = self.receive_cdr(), self.receive_cdr(), self.receive_cdr()
        unaccepted = self.receive_cdr("9.00")
        settlement = self.settlement(self.operator)
        self.assertEqual((settlement.bought_count, settlement.held_count), (3, 1))
        self.compare(
            settlement,
            f"cdr_id;amount\n{same.name.lower()};4,00\n{other.name};4.20\n{unaccepted.name};9.00\nUNKNOWN;1.00\n",
        )
        found = {line.cdr_ref.upper(): line.status for line in settlement.line_ids}
        self.assertEqual(
            found,
            {
                same.name: "4_matched",
                other.name: "1_different",
                unaccepted.name: "2_extra",
                "UNKNOWN": "2_extra",
                unbilled.name: "3_missing",
            },
        )
        self.assertEqual(settlement.difference_count, 4)

    def test_only_what_matches_is_billed_and_only_once(self) -> None:
        same, other = self.receive_cdr(), self.receive_cdr()
        settlement = self.settlement(self.operator)
        self.compare(settlement, f"cdr_id,amount\n{same.name},4.00\n{other.name},5.00\n")
        settlement.action_bill()
        settlement.action_bill()
        bill = settlement.move_ids
        self.assertRecordValues(
            bill, [{"move_type": "in_invoice", "ref": "THEIRS-1", "partner_id": self.operator_entity.id}]
        )
        self.assertAlmostEqual(bill.amount_untaxed, 4.00)

    def test_bad_lists_are_refused_as_a_whole_and_say_where(self) -> None:
        cdr = self.receive_cdr()
        settlement = self.settlement(self.operator)
        for text, message in (
            ("id;amount\n", "no rows"),
            ("id;value\nX;1\n", "no column called amount"),
            (f"id;amount\n{cdr.name};4\n;5\n", "Line 3 has no CDR ID"),
            (f"id;amount\n{cdr.name};4\n{cdr.name.lower()};4\n", "Line 3: the CDR"),
            ("id;amount\nX;much\n", "Line 2: much is not an amount"),
            ("id;amount\nX;NaN\n", "Line 2: NaN is not an amount"),
        ):
            with self.subTest(text), self.assertRaisesRegex(UserError, message):
                self.compare(settlement, text)
            self.assertFalse(settlement.line_ids)

    def test_cdr_is_on_one_invoice_only(self) -> None:
        cdr = self.receive_cdr()
        settlement = self.settlement(self.operator)
        self.compare(settlement, f"id;amount\n{cdr.name};4\n")
        with self.assertRaisesRegex(UserError, "on an invoice already"):
            self.compare(settlement, f"id;amount\n{cdr.name};4\n", "THEIRS-2")

    def test_corrected_list_of_an_invoice_replaces_the_first_until_it_is_billed(self) -> None:
        cdr = self.receive_cdr()
        settlement = self.settlement(self.operator)
        self.compare(settlement, f"id;amount\n{cdr.name};5\nUNKNOWN;1\n")
        self.assertEqual(settlement.difference_count, 2)
        self.compare(settlement, f"id;amount\n{cdr.name};4\n")
        self.assertEqual(settlement.line_ids.mapped("status"), ["4_matched"])
        settlement.action_bill()
        with self.assertRaisesRegex(UserError, "There is a bill of THEIRS-1 already"):
            self.compare(settlement, f"id;amount\n{cdr.name};5\n")
        self.assertEqual(settlement.line_ids.mapped("status"), ["4_matched"])

    def test_missing_cdr_may_come_with_the_next_invoice(self) -> None:
        first, second = self.receive_cdr(), self.receive_cdr()
        settlement = self.settlement(self.operator)
        self.compare(settlement, f"id;amount\n{first.name};4\n")
        self.compare(settlement, f"id;amount\n{second.name};4\n", "THEIRS-2")
        self.assertEqual(set(settlement.line_ids.mapped("status")), {"4_matched"})

    def test_both_sides_are_set_off_and_the_rest_stays_open(self) -> None:
        self.charge_as_guest("G1", kwh="20")
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        invoice = settlement.move_ids
        bill = settlement._make_bill("THEIRS-1", 4.0)
        bill.invoice_line_ids.tax_ids = False
        bill.action_post()
        settlement.move_ids |= bill
        settlement.action_net()
        self.assertEqual(bill.payment_state, "paid")
        self.assertAlmostEqual(invoice.amount_residual, invoice.amount_total - 4.0)
        self.assertAlmostEqual(settlement.balance, invoice.amount_total - 4.0)
        with self.assertRaisesRegex(UserError, "nothing to set off"):
            settlement.action_net()

    def test_operator_and_provider_of_one_party_are_settled_together(self) -> None:
        self.operator_entity.country_id = self.env.ref("base.de")
        as_provider = self._make_partner("Operator", "BE", "OPR", "EMSP", self.operator_entity)
        self._make_agreement(as_provider, "sell", self.operator_entity)
        self._make_rule(self.wholesale, relation="wholesale", partner_id=self.operator_entity.id)
        self.foreign_token.write({"country_code": "BE", "party_id": "OPR"})
        self.charge_as_guest(kwh="10")
        bought = self.receive_cdr("4.00")
        settlement = self.settlement(as_provider)
        self.assertRecordValues(settlement, [{"sold_amount": 3.0, "bought_amount": 4.0}])
        with self.assertRaisesRegex(ValidationError, "settled with the partner already"):
            self.settlement(self.operator)
        with self.running_jobs():
            settlement.action_invoice()
        self.compare(settlement, f"cdr_id;amount\n{bought.name};4\n")
        settlement.action_bill()
        bill = settlement.move_ids.filtered(lambda move: move.move_type == "in_invoice")
        bill.invoice_line_ids.tax_ids = False
        bill.action_post()
        invoice = settlement.move_ids - bill
        settlement.action_net()
        self.assertAlmostEqual(settlement.balance, invoice.amount_total - 4.0)
        self.assertEqual({invoice.amount_residual, bill.amount_residual} & {0.0}, {0.0})

    def test_f53_legal_entities_are_not_set_off_against_each_other(self) -> None:
        self.charge_as_guest(kwh="20")
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        bill = settlement._bill_in(self.company, self.operator_entity, "X", 4.0, self.euro, date.today())
        bill.action_post()
        settlement.move_ids |= bill
        with self.assertRaisesRegex(UserError, "nothing to set off"):
            settlement.action_net()

    def test_f44_credit_note_is_in_the_balance_of_the_month_that_it_corrects(self) -> None:
        session = self.charge_as_guest(kwh="20")
        settlement = self.settlement()
        with self.running_jobs():
            settlement.action_invoice()
        with self.running_jobs():
            session._current_cdr().action_credit("dispute")
        self.assertEqual(sorted(settlement.move_ids.mapped("move_type")), ["out_invoice", "out_refund"])
        self.assertAlmostEqual(settlement.balance, 0.0)

    def test_cron_collects_last_month_once(self) -> None:
        last_month = fields.Date.context_today(self.provider).replace(day=1) - timedelta(days=3)
        start = datetime(last_month.year, last_month.month, last_month.day, 10, tzinfo=UTC)
        self.charge_as_guest("OLD", start=start)
        settlements = self.env["emobility.roaming.settlement"]
        settlements._cron_collect()
        settlements._cron_collect()
        made = settlements.search([("roaming_partner_id", "=", self.provider.id)])
        self.assertRecordValues(made, [{"state": "ready", "sold_count": 1}])
