from __future__ import annotations

from typing import Any

from stdnum import iso11649

from odoo import api, models

from .account_move import OPEN

LONGEST, SHORTEST = 25, 5


class AccountBankStatementLine(models.Model):
    _inherit = "account.bank.statement.line"

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Any:
        lines = super().create(vals_list)
        lines._emobility_match()
        return lines

    def action_emobility_match(self) -> None:
        """Look for the charging invoices that these transfers pay."""
        self._emobility_match()

    def _emobility_match(self) -> None:
        """Reconcile incoming transfers with the invoice whose reference they carry, when exactly one does."""
        for line in self.filtered(lambda one: one.amount > 0 and not one.is_reconciled and one.payment_ref):
            move = line._emobility_invoice()
            if len(move) == 1:
                line._emobility_settle(move)

    def _emobility_invoice(self) -> Any:
        found = references(self.payment_ref)
        if not found:
            return self.env["account.move"]
        return self.env["account.move"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("emobility_contract_id", "!=", False),
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", OPEN),
                ("currency_id", "=", self.currency_id.id),
                ("payment_reference", "in", found),
            ],
            limit=2,
        )

    def _emobility_settle(self, move: Any) -> None:
        """Too little leaves the rest of the invoice open, too much stays as a credit of the payer."""
        _liquidity, suspense, _other = self._seek_for_lines()
        receivable = move.line_ids.filtered(
            lambda one: one.account_id.account_type == "asset_receivable" and not one.reconciled
        )
        if not suspense or not receivable:
            return
        self.partner_id = move.commercial_partner_id
        _liquidity, suspense, _other = self._seek_for_lines()
        suspense.account_id = receivable[0].account_id
        (suspense | receivable).reconcile()


def references(text: str) -> list[str]:
    """Creditor references (ISO 11649) in the text of a transfer, as invoices have them, and the text itself.

    Banks and people put spaces anywhere, and other words before and after.
    """
    compact = "".join(text.split()).upper()
    found = [text.strip()]
    start = compact.find("RF")
    while start >= 0:
        for length in range(LONGEST, SHORTEST - 1, -1):
            candidate = compact[start : start + length]
            if len(candidate) == length and iso11649.is_valid(candidate):
                found += [candidate, iso11649.format(candidate)]
        start = compact.find("RF", start + 1)
    return found
