from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
class TestAnnexFile(ChargedCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user = new_test_user(cls.env, "annex-anna", groups="base.group_portal", email="anna@example.com")
        cls.other = new_test_user(cls.env, "annex-volker", groups="base.group_portal")
        cls.clerk = cls._make_user("annex-clerk", "emobility_crm.group_user", "account.group_account_invoice")
        cls.contract = cls._make_contract(cls.user.partner_id, "04AAAA01")
        bank = cls.env["res.partner.bank"].create(
            {
                "acc_number": "DE02120300000000202051",
                "partner_id": cls.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        cls.company.write({"currency_id": cls.euro.id, "bank_ids": [(4, bank.id)]})

    def _moved(self, prefix: str = "annex") -> Any:
        sessions = self.env["emobility.session"]
        for day in (10, 11, 12):
            start = datetime(2026, 3, day, 22, 30, tzinfo=UTC)
            sessions |= self._charge(f"{prefix}{day}", self.contract, start, 45, f"{day}.345")
        return self._invoice(sessions)

    def _csv(self, move: Any) -> list[list[str]]:
        return list(csv.reader(io.StringIO(move._emobility_annex_file("csv")[1].decode("utf-8-sig"))))

    def test_f70_the_amounts_of_the_csv_add_up_to_the_invoice(self) -> None:
        move = self._moved()
        heading, *rows, total = self._csv(move)
        self.assertIn("EUR", heading[-1])
        self.assertEqual(len(rows), 3)
        self.assertAlmostEqual(sum(float(row[-1]) for row in rows), move.amount_total, 2)
        self.assertAlmostEqual(float(total[-1]), move.amount_total, 2)
        self.assertAlmostEqual(float(total[6]), 34.035, 3)
        self.assertEqual(rows[0][1], "2026-03-10T23:30:00+01:00", "on the clock of the place")

    def test_f70_a_fee_has_a_row_of_its_own(self) -> None:
        sessions = self._charge("fee", self.contract, datetime(2026, 3, 1, 8, tzinfo=UTC), 30, "10")
        ratings = sessions.cdr_ids.rating_ids
        move = self.env["emobility.invoicing"]._invoice(ratings)
        fee = {"name": "Base fee", "quantity": 1, "price_unit": 4.9, "tax_ids": []}
        move.write({"invoice_line_ids": [(0, 0, fee)]})
        move.action_post()
        _heading, *rows, total = self._csv(move)
        self.assertEqual([row[-1] for row in rows][-1], "4.9")
        self.assertAlmostEqual(sum(float(row[-1]) for row in rows), float(total[-1]), 2)

    def test_the_spreadsheet_says_the_same_as_the_csv(self) -> None:
        move = self._moved()
        sheet = openpyxl.load_workbook(io.BytesIO(move._emobility_annex_file("xlsx")[1])).active
        cells = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        self.assertEqual(cells, self._csv(move))

    def test_the_name_of_a_place_is_never_a_formula(self) -> None:
        self.location.write({"name": '=HYPERLINK("http://example.com")'})
        move = self._moved()
        self.assertTrue(self._csv(move)[1][3].startswith("'="))
        sheet = openpyxl.load_workbook(io.BytesIO(move._emobility_annex_file("xlsx")[1])).active
        self.assertEqual(sheet["D2"].data_type, "s")

    def test_the_mail_carries_the_files_that_the_company_chose(self) -> None:
        for number, (choice, kinds) in enumerate({"none": [], "xlsx": ["xlsx"], "both": ["csv", "xlsx"]}.items()):
            with self.subTest(choice=choice):
                self.company.emobility_annex_files = choice
                start = datetime(2026, 4, 1 + number, 8, tzinfo=UTC)
                move = self._invoice(self._charge(f"mail{number}", self.contract, start, 30, "10"))
                sender = self.env["account.move.send"]
                sender._generate_and_send_invoices(move, sending_methods=["email"])
                files = move._emobility_annex_attachments()
                self.assertEqual(sorted(name.rsplit(".", 1)[1] for name in files.mapped("name")), kinds)
                mailed = set(move.message_ids.attachment_ids.mapped("name"))
                lists = {name for name in mailed if name.endswith((".csv", ".xlsx"))}
                self.assertEqual(lists, set(files.mapped("name")))

    def test_f52_a_payer_downloads_own_invoices_only(self) -> None:
        move = self._moved()
        for login, allowed in (("annex-anna", True), ("annex-volker", False), ("annex-clerk", True), (None, False)):
            for kind in ("csv", "xlsx"):
                with self.subTest(login=login, kind=kind):
                    self.authenticate(login, login)
                    response = self.url_open(f"/my/invoices/{move.id}/sessions/{kind}", allow_redirects=False)
                    self.assertEqual(response.status_code, 200 if allowed else 303)
                    self.assertEqual("attachment" in response.headers.get("Content-Disposition", ""), allowed)

    def test_an_invoice_without_sessions_has_no_file(self) -> None:
        move = self.init_invoice("out_invoice", partner=self.user.partner_id, products=self.product_a, post=True)
        self.authenticate("annex-anna", "annex-anna")
        response = self.url_open(f"/my/invoices/{move.id}/sessions/csv", allow_redirects=False)
        self.assertEqual(response.status_code, 303)

    def test_the_invoice_page_of_the_portal_links_to_the_files(self) -> None:
        move = self._moved()
        self.authenticate("annex-anna", "annex-anna")
        page = html.fromstring(self.url_open(f"/my/invoices/{move.id}").text)
        for link in page.xpath("//*[@id='charging_session_files']//a/@href"):
            self.assertIn("attachment", self.url_open(link).headers["Content-Disposition"])
        self.assertEqual(len(page.xpath("//*[@id='charging_session_files']//a")), 2)

    def test_the_payment_code_is_for_who_has_to_pay(self) -> None:
        move = self._moved()
        self.assertEqual(move.partner_bank_id.sanitized_acc_number, "DE02120300000000202051")
        self.assertTrue(move._emobility_shows_payment_code())
        self.assertIn('alt="Payment code"', self._document(move))
        self._make_payment_token(self.contract)
        self.assertFalse(move._emobility_shows_payment_code(), "F65: what is collected must not be paid twice")
        self.contract.payment_token_id = False
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({})._create_payments()
        self.assertFalse(move.amount_residual and move._emobility_shows_payment_code())
        self.assertNotIn('alt="Payment code"', self._document(move))

    def _document(self, move: Any) -> str:
        report = self.env["ir.actions.report"]
        return report._render_qweb_html("account.account_invoices", move.ids)[0].decode()
