from __future__ import annotations

from typing import Any

from odoo import fields, models


class EmobilityPayoutLine(models.Model):
    """One movement of a payout, and what in our books it belongs to."""

    _name = "emobility.payout.line"
    _description = "Movement of a payout"
    _inherit = ["emobility.guarded"]
    _order = "payout_id desc, id"
    _rec_name = "reference"
    _check_company_auto = True

    payout_id = fields.Many2one("emobility.payout", required=True, readonly=True, index=True, ondelete="cascade")
    provider_id = fields.Many2one(related="payout_id.provider_id", store=True, index=True)
    company_id = fields.Many2one(related="payout_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="payout_id.currency_id")
    uid = fields.Char("Movement", required=True, readonly=True)
    reference = fields.Char(readonly=True, index=True)
    kind = fields.Selection(
        [("charge", "Charge"), ("refund", "Refund"), ("other", "Other")], required=True, readonly=True
    )
    amount = fields.Monetary(readonly=True)
    fee = fields.Monetary(readonly=True)
    transaction_id = fields.Many2one(
        "payment.transaction", "Charge", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    adhoc_id = fields.Many2one(
        "emobility.adhoc.session", "Ad-hoc session", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    session_id = fields.Many2one(related="adhoc_id.session_id", string="Charging session")
    move_id = fields.Many2one(related="adhoc_id.move_id", string="Receipt")
    difference = fields.Selection(
        [
            ("unknown", "We know of no such charge"),
            ("amount", "Another amount than we charged"),
            ("twice", "Paid out twice"),
            ("receipt", "The receipt is not paid by it"),
            ("session", "No charging session behind it"),
            ("other", "Neither charge nor refund"),
        ],
        readonly=True,
        index="btree_not_null",
    )

    _uid_unique = models.UniqueIndex("(provider_id, uid)", "This movement has been imported already.")

    def _compare(self) -> None:
        """Session, hold, charge, payout and receipt say the same, or it is said what does not."""
        for line in self._as_system():
            charge = line._find_charge()
            adhoc = (charge.source_transaction_id or charge).adhoc_id
            line.write({"transaction_id": charge.id, "adhoc_id": adhoc.id})
            line.difference = line._difference(charge, adhoc)

    def _find_charge(self) -> Any:
        """Our transaction: the captured part of the hold with this reference, or what has the reference itself."""
        transactions = self.env["payment.transaction"].sudo()
        domain = [("provider_id", "=", self.provider_id.id)]
        named = transactions.search([*domain, ("reference", "=", self.reference)], limit=1)
        # Acquirers of terminals know the card payment by the reference of the terminal.
        holds = [*domain, ("provider_reference", "=", self.reference), ("source_transaction_id", "=", False)]
        named = named or transactions.search(holds, limit=1)
        operation = "refund" if self.kind == "refund" else "capture"
        children = (named.child_transaction_ids | named.child_transaction_ids.child_transaction_ids).filtered(
            lambda child: child.state == "done" and (child.operation == "refund") == (operation == "refund")
        )
        exact = children.filtered(lambda child: self.currency_id.compare_amounts(child.amount, self.amount) == 0)
        return exact[:1] or children[:1] or (named if named.state == "done" else transactions)

    def _difference(self, charge: Any, adhoc: Any) -> str | bool:
        if self.kind == "other":
            return "other"
        if not charge:
            return "unknown"
        if self.search_count([("transaction_id", "=", charge.id), ("id", "!=", self.id)]):
            return "twice"
        if self.currency_id.compare_amounts(charge.amount, self.amount) or charge.currency_id != self.currency_id:
            return "amount"
        if self.kind == "charge" and adhoc:
            if adhoc.session_id.state != "done":
                return "session"
            move = adhoc.move_id
            paid = move.amount_total - move.amount_residual
            if move.state != "posted" or move.currency_id.compare_amounts(paid, self.amount):
                return "receipt"
        return False
