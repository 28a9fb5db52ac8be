from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from odoo import api, fields, models

MISSING_DAYS = 7


@dataclass(frozen=True)
class PayoutRow:
    """One movement in a report of a payment provider. Amounts in the currency of the payout.

    :param uid: of the movement, at the provider
    :param reference: of our transaction
    :param kind: charge, refund or other
    """

    uid: str
    reference: str
    kind: str
    amount: Decimal
    fee: Decimal


class EmobilityPayout(models.Model):
    """What a payment provider paid out, compared with sessions, charges and receipts, line by line."""

    _name = "emobility.payout"
    _description = "Payout of a payment provider"
    _inherit = ["emobility.guarded", "mail.thread"]
    _order = "date desc, id desc"
    _check_company_auto = True

    name = fields.Char("Payout ID", required=True, readonly=True)
    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True, index=True)
    date = fields.Date(required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    line_ids = fields.One2many("emobility.payout.line", "payout_id", "Movements", readonly=True)
    amount = fields.Monetary("Gross", compute="_compute_amounts", store=True)
    fee = fields.Monetary("Fees", compute="_compute_amounts", store=True)
    net = fields.Monetary("Paid out", compute="_compute_amounts", store=True)
    difference_count = fields.Integer("Differences", compute="_compute_amounts", store=True)

    _name_unique = models.UniqueIndex("(provider_id, name)", "This payout has been imported already.")

    @api.depends("line_ids.amount", "line_ids.fee", "line_ids.difference")
    def _compute_amounts(self) -> None:
        for payout in self:
            payout.amount = sum(payout.line_ids.mapped("amount"))
            payout.fee = sum(payout.line_ids.mapped("fee"))
            payout.net = payout.currency_id.round(payout.amount - payout.fee)
            payout.difference_count = len(payout.line_ids.filtered("difference"))

    @api.model
    def _take_in(self, provider: Any, name: str, day: date, currency: Any, rows: list[PayoutRow]) -> EmobilityPayout:
        """Take a payout in and compare it; one that is known already is compared again."""
        payouts = self.sudo()._as_system()
        payout = payouts.search([("provider_id", "=", provider.id), ("name", "=", name)])
        if not payout:
            payout = payouts.create(
                {
                    "name": name,
                    "provider_id": provider.id,
                    "date": day,
                    "currency_id": currency.id,
                    "line_ids": [
                        fields.Command.create(
                            {
                                "uid": row.uid,
                                "reference": row.reference,
                                "kind": row.kind,
                                "amount": float(row.amount),
                                "fee": float(row.fee),
                            }
                        )
                        for row in rows
                    ],
                }
            )
        payout.line_ids._compare()
        return payout

    def action_compare(self) -> None:
        """Compare again with what is booked now."""
        self.check_access("read")
        self.sudo()._as_system().line_ids._compare()

    @api.model
    def _missing(self, provider: Any) -> Any:
        """Charges of this provider that have been in no payout for longer than payouts take."""
        limit = fields.Datetime.now() - timedelta(days=MISSING_DAYS)
        return self.env["payment.transaction"].sudo().search(
            [
                ("provider_id", "=", provider.id),
                ("state", "=", "done"),
                ("source_transaction_id.adhoc_id", "!=", False),
                ("last_state_change", "<", limit),
                ("emobility_payout_line_ids", "=", False),
            ]
        )
