"""The annex of a charging invoice as a file that a spreadsheet or a program reads."""

from __future__ import annotations

import csv
import io
from typing import Any

import xlsxwriter

MIMETYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A cell that begins with one of these is a formula for a spreadsheet. Names of places come from outside.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(table: list[list[Any]], kind: str) -> bytes:
    """A table, headings first, as a file of this kind."""
    return _as_csv(table) if kind == "csv" else _as_xlsx(table)


def _as_csv(table: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[_harmless(cell) for cell in row] for row in table])
    # With the mark, spreadsheets read the file as UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _as_xlsx(table: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        for number, row in enumerate(table):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell, *([bold] if number == 0 else []))
        sheet.freeze_panes(1, 0)
        sheet.autofit()
    return out.getvalue()
