from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal
from typing import Any

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..datev import NO_AUTOMATIC_TAX, Batch, Booking, render


class EmobilityDatevExport(models.TransientModel):
    """Invoices and credit notes of a period as bookings for the tax adviser."""

    _name = "emobility.datev.export"
    _description = "DATEV export"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, readonly=True
    )
    date_from = fields.Date("From", required=True, default=lambda self: self._last_month()[0])
    date_to = fields.Date("To", required=True, default=lambda self: self._last_month()[1])
    file = fields.Binary(readonly=True, attachment=False)
    file_name = fields.Char(readonly=True)
    booking_count = fields.Integer("Bookings", readonly=True)

    @api.model
    def _last_month(self) -> tuple[date, date]:
        first = fields.Date.context_today(self).replace(day=1)
        return first - relativedelta(months=1), first - relativedelta(days=1)

    @api.constrains("date_from", "date_to", "company_id")
    def _check_period(self) -> None:
        for export in self:
            year = export.company_id.compute_fiscalyear_dates(export.date_from)
            if not export.date_from <= export.date_to <= year["date_to"]:
                raise ValidationError(
                    self.env._("The period of a DATEV export is part of one financial year, first day first.")
                )

    def action_export(self) -> dict[str, Any]:
        """Make the file and show it for download."""
        self.ensure_one()
        self._check_company_access()
        bookings = [booking for move in self._moves() for booking in self._bookings(move)]
        if not bookings:
            raise UserError(self.env._("No invoice was posted in this period."))
        self.write(
            {
                "file": base64.b64encode(render(self._batch(), bookings)),
                "file_name": f"EXTF_Buchungsstapel_{self.date_from:%Y%m%d}_{self.date_to:%Y%m%d}.csv",
                "booking_count": len(bookings),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "name": self.env._("DATEV export"),
        }

    def _check_company_access(self) -> None:
        """The records are read as the system, so that the right to this wizard is enough: in own companies only."""
        if self.company_id not in self.env.user.company_ids:
            raise UserError(self.env._("This is not one of your companies."))

    def _batch(self) -> Batch:
        company = self.company_id.sudo()
        if not company.emobility_datev_consultant or not company.emobility_datev_client:
            raise UserError(self.env._("Set the DATEV numbers of consultant and client in the settings first."))
        return Batch(
            consultant=company.emobility_datev_consultant,
            client=company.emobility_datev_client,
            year_start=company.compute_fiscalyear_dates(self.date_from)["date_from"],
            account_length=company.emobility_datev_account_length,
            first=self.date_from,
            last=self.date_to,
            name=self.env._("Charging invoices"),
            currency=company.currency_id.name,
            made_at=fields.Datetime.now(),
        )

    def _moves(self) -> Any:
        return (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("state", "=", "posted"),
                    ("move_type", "in", ("out_invoice", "out_refund")),
                    ("date", ">=", self.date_from),
                    ("date", "<=", self.date_to),
                ],
                order="date, id",
            )
        )

    def _bookings(self, move: Any) -> list[Booking]:
        """The receivable (of a bill: the payable) against each other account. Together they are it, to the cent."""
        receivable = move.line_ids.filtered(
            lambda line: line.account_id.account_type in ("asset_receivable", "liability_payable")
        )
        others = (move.line_ids - receivable).filtered("account_id")
        if not receivable:
            return []
        debtor = self._account_code(receivable[:1].account_id)
        return [
            Booking(
                amount=Decimal(f"{-line.balance:.2f}"),
                account=debtor,
                counter_account=self._account_code(line.account_id),
                day=move.date,
                document=move.name,
                text=f"{move.partner_id.commercial_partner_id.name} {line.name or ''}".strip(),
                due=move.invoice_date_due,
                tax_key=self._tax_key(line.account_id),
            )
            for line in others
            if not line.company_currency_id.is_zero(line.balance)
        ]

    def _account_code(self, account: Any) -> str:
        code = account.with_company(self.company_id).code or ""
        length = self.company_id.sudo().emobility_datev_account_length
        if not code.isdecimal() or len(code) > length + 1:
            raise UserError(
                self.env._(
                    "Account '%(account)s' cannot be exported: DATEV has numbers of %(length)s digits.",
                    account=account.display_name,
                    length=length,
                )
            )
        return code

    def _tax_key(self, account: Any) -> str:
        is_automatic = self.company_id.sudo()._emobility_is_datev_automatic(self._account_code(account))
        return NO_AUTOMATIC_TAX if is_automatic else ""
