from __future__ import annotations

import base64
import csv
import io
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.account_move import OPEN

# A spreadsheet program would run what begins like this.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class EmobilityCollectionExport(models.TransientModel):
    """Invoices for a collection agency, with all that it needs. They are not reminded of afterwards."""

    _name = "emobility.collection.export"
    _description = "Export to a collection agency"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        compute="_compute_move_ids",
        store=True,
        readonly=False,
        domain="[('company_id', '=', company_id), ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'),"
        " ('payment_state', 'in', ('not_paid', 'partial')), ('emobility_agency_on', '=', False)]",
    )
    file = fields.Binary(readonly=True)
    file_name = fields.Char(readonly=True)

    @api.depends("company_id")
    def _compute_move_ids(self) -> None:
        """What was reminded of for the last time, and is still open."""
        for wizard in self:
            lines = (
                self.env["credit.control.line"]
                .sudo()
                .search(
                    [
                        ("company_id", "=", wizard.company_id.id),
                        ("policy_level_id.is_last", "=", True),
                        ("state", "in", ("queued", "sent")),
                        ("invoice_id.payment_state", "in", OPEN),
                        ("invoice_id.emobility_agency_on", "=", False),
                    ]
                )
            )
            wizard.move_ids = lines.invoice_id.filtered(lambda move: not move._dunning_blocked())

    def action_export(self) -> dict[str, Any]:
        """Make the file and hand the invoices over."""
        self.ensure_one()
        if not self.move_ids:
            raise UserError(self.env._("There is no invoice to hand over."))
        today = fields.Date.context_today(self)
        self.write(
            {
                "file": base64.b64encode(self._content().encode("utf-8-sig")),
                "file_name": f"collection-{today}.csv",
            }
        )
        self.move_ids.sudo().write(
            {
                "emobility_agency_on": today,
                "emobility_collection_state": "agency",
                "emobility_next_attempt_on": False,
            }
        )
        for move in self.move_ids:
            move.message_post(body=self.env._("Handed over to a collection agency."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _content(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        rows = [self._row(move) for move in self.move_ids.sudo().sorted("name")]
        writer.writerow(rows[0])
        writer.writerows([[_safe(value) for value in row.values()] for row in rows])
        return out.getvalue()

    def _row(self, move: Any) -> dict[str, str]:
        """Names of columns as agencies know them; the amounts are those of now."""
        debtor = move.commercial_partner_id
        reminders = move.credit_control_line_ids.filtered(lambda line: line.state in ("queued", "sent"))
        fees = reminders.communication_id.fee_move_id | self._return_items(move).fee_move_id
        open_fees = fees.filtered(lambda fee: fee.payment_state in OPEN)
        return {
            "creditor": move.company_id.name,
            "debtor_number": debtor.ref or str(debtor.id),
            "debtor": debtor.name or "",
            "is_company": "1" if debtor.is_company else "0",
            "street": debtor.street or "",
            "street2": debtor.street2 or "",
            "zip": debtor.zip or "",
            "city": debtor.city or "",
            "country": debtor.country_id.code or "",
            "email": debtor.email or "",
            "phone": debtor.phone or "",
            "vat": debtor.vat or "",
            "language": debtor.lang or "",
            "contract": move.emobility_contract_id.code or move.emobility_contract_id.name or "",
            "invoice": move.name,
            "reference": move.payment_reference or "",
            "invoice_date": str(move.invoice_date),
            "due_date": str(move.invoice_date_due),
            "delivery_date": str(move.delivery_date or ""),
            "currency": move.currency_id.name,
            "amount": f"{move.amount_total:.2f}",
            "open": f"{move.amount_residual:.2f}",
            "open_fees": f"{sum(open_fees.mapped('amount_residual')):.2f}",
            "sessions": str(move.session_count),
            "reminders": " | ".join(f"{line.date} {line.policy_level_id.name}" for line in reminders.sorted("date")),
            "returned_debits": " | ".join(f"{item.date} {item.reason_id.code}" for item in self._return_items(move)),
            "mandate": move.mandate_id.unique_mandate_reference or "",
        }

    def _return_items(self, move: Any) -> Any:
        return self.env["emobility.return.item"].sudo().search([("move_ids", "in", move.ids)])


def _safe(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value
