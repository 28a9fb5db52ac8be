from __future__ import annotations

import base64
import csv
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .charging_common import ChargedCommon

# What DATEV publishes for the columns that we fill (developer.datev.de, DATEV format, Buchungsstapel).
_EXPRESSIONS = {
    "Umsatz (ohne Soll/Haben-Kz)": r"\d{1,10},\d{2}",
    "Soll/Haben-Kennzeichen": r"S|H",
    "WKZ Umsatz": r"[A-Z]{3}",
    "Konto": r"\d{1,9}",
    "Gegenkonto (ohne BU-Schlüssel)": r"\d{1,9}",
    "BU-Schlüssel": r"(\d{4})?",
    "Belegdatum": r"\d{4}",
    "Belegfeld 1": r"[A-Za-z0-9$&%*+/-]{0,36}",
    "Buchungstext": r".{0,60}",
    "Fälligkeit": r"(((0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(\d{4}))|)",
}
# The published columns of format version 13: order, type and greatest length.
_FORMAT = Path(__file__).with_name("data") / "datev_buchungsstapel_13.csv"


@tagged("post_install", "-at_install")
class TestDatevExport(ChargedCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.write(
            {
                "currency_id": cls.euro.id,
                "emobility_datev_consultant": 29098,
                "emobility_datev_client": 55003,
                "emobility_datev_account_length": 6,
            }
        )
        with _FORMAT.open(encoding="utf-8") as file:
            cls.format = list(csv.DictReader(file, delimiter=";"))

    def _moves(self) -> Any:
        session = self._charge("datev1", self.contract, datetime(2026, 3, 2, 8, tzinfo=UTC), 40, "17.345")
        invoice = self._invoice(session)
        session.cdr_ids._take_back()
        return invoice | self._invoice(session)

    def _export(self, moves: Any, **values: Any) -> list[str]:
        days = moves.mapped("date")
        wizard = self.env["emobility.datev.export"].create(
            {"company_id": self.company.id, "date_from": min(days), "date_to": max(days), **values}
        )
        wizard.action_export()
        text = base64.b64decode(wizard.file).decode("cp1252")
        self.assertTrue(text.endswith("\r\n"))
        self.assertNotIn("\n", text.replace("\r\n", ""))
        return text.removesuffix("\r\n").split("\r\n")

    def _cells(self, line: str) -> list[str]:
        """Fields of a line with their quotes."""
        return re.findall(r'(?:^|;)("(?:[^"]|"")*"|[^;]*)', line)

    def _bookings(self, lines: list[str]) -> list[dict[str, str]]:
        names = [column["name"] for column in self.format]
        return [dict(zip(names, (cell.strip('"') for cell in self._cells(line)), strict=True)) for line in lines[2:]]

    def test_the_file_has_the_published_columns_types_and_lengths(self) -> None:
        _header, names, *rows = self._export(self._moves())
        self.assertEqual(names.split(";"), [column["name"] for column in self.format])
        self.assertTrue(rows)
        for row in rows:
            cells = self._cells(row)
            self.assertEqual(len(cells), 125)
            for column, cell in zip(self.format, cells, strict=True):
                with self.subTest(column=column["name"]):
                    is_text = column["type"] == "text"
                    self.assertEqual(cell.startswith('"') and cell.endswith('"'), is_text)
                    self.assertLessEqual(len(cell.strip('"')), int(column["length"]))
                    if not is_text:
                        self.assertRegex(cell, r"^(\d+(,\d+)?)?$")

    def test_what_is_filled_has_the_published_form(self) -> None:
        self.company.emobility_datev_automatic_accounts = "1-999999"
        for booking in self._bookings(self._export(self._moves())):
            for name, value in booking.items():
                with self.subTest(column=name):
                    self.assertRegex(value, f"^({_EXPRESSIONS.get(name, '')})$")

    def test_the_header_has_the_published_fields(self) -> None:
        moves = self._moves()
        day = moves[0].date
        cells = self._cells(self._export(moves)[0])
        self.assertEqual(len(cells), 31)
        self.assertEqual(cells[:5], ['"EXTF"', "700", "21", '"Buchungsstapel"', "13"])
        self.assertRegex(cells[5], r"^\d{17}$")
        self.assertEqual(cells[10:12], ["29098", "55003"])
        self.assertEqual(cells[12:16], [f"{day.year}0101", "6", f"{day:%Y%m%d}", f"{day:%Y%m%d}"])
        self.assertEqual(cells[18:22], ["1", "0", "0", '"EUR"'])

    def test_the_bookings_of_a_document_are_its_total_to_the_cent(self) -> None:
        moves = self._moves()
        bookings = self._bookings(self._export(moves))
        for move in moves:
            own = [one for one in bookings if one["Belegfeld 1"] == re.sub("[^A-Za-z0-9/-]", "-", move.name)]
            signed = sum(
                Decimal(one["Umsatz (ohne Soll/Haben-Kz)"].replace(",", "."))
                * (1 if one["Soll/Haben-Kennzeichen"] == "S" else -1)
                for one in own
            )
            self.assertGreater(len(own), 1, "revenue and tax")
            self.assertEqual(signed, Decimal(f"{move.amount_total_signed:.2f}"))
            self.assertEqual({one["Belegdatum"] for one in own}, {f"{move.date:%d%m}"})
            accounts = move.line_ids.account_id.mapped("code")
            used = {one[name] for one in own for name in ("Konto", "Gegenkonto (ohne BU-Schlüssel)")}
            self.assertEqual(used, set(accounts))

    def test_only_automatic_accounts_get_the_key_that_stops_the_automatic_tax(self) -> None:
        moves = self._moves()
        revenue = moves.invoice_line_ids.account_id.mapped("code")
        self.company.emobility_datev_automatic_accounts = f"1-2, {min(revenue)}-{max(revenue)}"
        for booking in self._bookings(self._export(moves)):
            is_revenue = booking["Gegenkonto (ohne BU-Schlüssel)"] in revenue
            self.assertEqual(booking["BU-Schlüssel"], "0040" if is_revenue else "")
        with self.assertRaises(ValidationError):
            self.company.emobility_datev_automatic_accounts = "all"

    def test_names_cannot_break_the_file(self) -> None:
        self.driver.name = 'Łukasz; "Ampère"\nGmbH'
        (booking, *_others) = self._bookings(self._export(self._moves()))
        self.assertTrue(booking["Buchungstext"].startswith('?ukasz; ""Ampère"" GmbH'))

    def test_drafts_and_other_periods_are_left_out(self) -> None:
        moves = self._moves()
        draft = self.init_invoice("out_invoice", products=self.product_a, invoice_date=str(moves[0].date))
        bookings = self._bookings(self._export(moves))
        self.assertNotIn(draft.name, {one["Belegfeld 1"] for one in bookings})
        day = date(moves[0].date.year - 1, 5, 1)
        with self.assertRaises(UserError):
            self._export(moves, date_from=day, date_to=day)

    def test_a_period_over_two_financial_years_is_refused(self) -> None:
        with self.assertRaises(ValidationError):
            self._export(self._moves(), date_from=date(2025, 12, 1), date_to=date(2026, 1, 31))

    def test_accounts_that_datev_cannot_have_are_refused(self) -> None:
        self.company.emobility_datev_account_length = 4
        with self.assertRaisesRegex(UserError, "4 digits"):
            self._export(self._moves())

    def test_managers_and_auditors_export_own_companies_and_nobody_else_does(self) -> None:
        other = self.env["res.company"].create({"name": "Other"})
        values = {"company_id": self.company.id, "date_from": "2026-03-01", "date_to": "2026-03-31"}
        for group, allowed in (("manager", True), ("auditor", True), ("user", False)):
            with self.subTest(group=group):
                wizard = self.env["emobility.datev.export"].with_user(
                    self._make_user(f"datev-{group}", f"emobility_crm.group_{group}")
                )
                if allowed:
                    self.assertTrue(wizard.create(values))
                    with self.assertRaises(UserError):
                        wizard.create({**values, "company_id": other.id}).action_export()
                else:
                    with self.assertRaises(AccessError):
                        wizard.create(values)
