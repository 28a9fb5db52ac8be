from __future__ import annotations

import base64
import csv
import io
from decimal import Decimal, InvalidOperation
from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError

CDR_COLUMNS = ("cdr_id", "cdr", "id")
AMOUNT_COLUMNS = ("amount", "net_amount", "total_cost", "excl_vat", "before_taxes")


class EmobilityPartnerInvoiceImport(models.TransientModel):
    """The list of CDRs that came with a partner's invoice, to be compared with those that we accepted."""

    _name = "emobility.partner.invoice.import"
    _description = "Import a Partner's Invoice"

    settlement_id = fields.Many2one("emobility.roaming.settlement", required=True, ondelete="cascade")
    invoice_ref = fields.Char("Number of Their Invoice", required=True)
    total = fields.Monetary(
        "Its Total Without Taxes",
        help="What the list of CDRs does not explain is shown as a line of its own. 0: the total is not compared.",
    )
    currency_id = fields.Many2one(related="settlement_id.currency_id")
    file = fields.Binary(
        "CDR List (CSV)",
        attachment=False,
        help="UTF-8, with a header: cdr_id, and amount without taxes. Empty: the CDRs that the partner has told by "
        "OCPI 2.3.0 to be on this invoice.",
    )
    filename = fields.Char()

    def action_import(self) -> dict[str, Any]:
        """Compare. A list with an error is refused as a whole."""
        self.ensure_one()
        amounts = self._amounts(self._rows()) if self.file else self._told_amounts()
        self._refuse_what_is_invoiced_already({cdr_ref.upper() for cdr_ref in amounts})
        self.settlement_id._compare(self.invoice_ref, amounts, self.total or None)
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.roaming.settlement",
            "res_id": self.settlement_id.id,
            "view_mode": "form",
        }

    def _told_amounts(self) -> dict[str, float]:
        amounts = self.settlement_id._told_amounts(self.invoice_ref)
        if not amounts:
            raise UserError(
                self.env._(
                    "The partner has not told by OCPI which CDRs the invoice %s is about: its list of CDRs is needed.",
                    self.invoice_ref,
                )
            )
        return amounts

    def _refuse_what_is_invoiced_already(self, keys: set[str]) -> None:
        again = self.settlement_id.line_ids.filtered(
            lambda line: (
                line.status != "3_missing"
                and line.invoice_ref != self.invoice_ref
                and (line.cdr_ref or "").upper() in keys
            )
        )
        if again:
            raise UserError(
                self.env._(
                    "%(count)s of these CDRs are on an invoice already, for example %(cdr)s on %(invoice)s.",
                    count=len(again),
                    cdr=again[:1].cdr_ref,
                    invoice=again[:1].invoice_ref,
                )
            )

    def _rows(self) -> list[dict[str, str]]:
        try:
            text = base64.b64decode(self.file).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(self.env._("The file is not UTF-8: see byte %s.", error.start)) from None
        first = text.splitlines()[0] if text.strip() else ""
        delimiter = ";" if first.count(";") > first.count(",") else ","
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))

    def _amounts(self, rows: list[dict[str, str]]) -> dict[str, float]:
        if not rows:
            raise UserError(self.env._("The file has no rows."))
        cdr_column = self._column(rows[0], CDR_COLUMNS)
        amount_column = self._column(rows[0], AMOUNT_COLUMNS)
        amounts: dict[str, float] = {}
        seen: set[str] = set()
        for number, row in enumerate(rows, start=2):
            cdr_ref = (row[cdr_column] or "").strip()
            if not cdr_ref:
                raise UserError(self.env._("Line %s has no CDR ID.", number))
            if cdr_ref.upper() in seen:
                raise UserError(self.env._("Line %(line)s: the CDR %(cdr)s is there twice.", line=number, cdr=cdr_ref))
            seen.add(cdr_ref.upper())
            amounts[cdr_ref] = self._amount(row[amount_column], number)
        return amounts

    def _column(self, row: dict[str, str], names: tuple[str, ...]) -> str:
        for column in row:
            if column and column.strip().lower() in names:
                return column
        raise UserError(self.env._("The file has no column called %s.", " / ".join(names)))

    def _amount(self, text: str | None, line: int) -> float:
        try:
            amount = Decimal((text or "").strip().replace(",", "."))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            raise UserError(self.env._("Line %(line)s: %(text)s is not an amount.", line=line, text=text or "?"))
        return float(amount)
