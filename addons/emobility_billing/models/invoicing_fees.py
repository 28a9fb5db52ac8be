from __future__ import annotations

from collections import defaultdict
from typing import Any

from odoo import fields, models

from .invoicing import Draft

# Contracts that are billed when a session ends or an amount is reached have no day on which fees could join.
PERIODIC = ("weekly", "monthly", "quarterly")


class EmobilityInvoicing(models.AbstractModel):
    """Fees of contracts on the invoice of their sessions: one invoice for a month, and its total is both."""

    _inherit = "emobility.invoicing"

    def _drafts(
        self, ratings: Any, invoice_date: Any, fees: dict[Any, Any] | None = None
    ) -> dict[Any, list[Draft]]:
        drafts = super()._drafts(ratings, invoice_date, fees)
        left = dict(fees or {})
        for draft in (draft for company in drafts.values() for draft in company if not draft.is_credit):
            for contract in draft.ratings.contract_id:
                if contract in left and contract.currency_id == draft.ratings.currency_id:
                    self._add_fees(draft, left.pop(contract))
        alone: dict[Any, list[Any]] = defaultdict(list)
        for contract, lines in left.items():
            alone[self._fee_scope(contract)].append(lines)
        for groups in alone.values():
            draft = self._fee_draft(groups[0].contract_id, invoice_date)
            for lines in groups:
                self._add_fees(draft, lines)
            drafts.setdefault(groups[0].contract_id.company_id, []).append(draft)
        return drafts

    def _fee_draft(self, contract: Any, invoice_date: Any) -> Draft:
        """An invoice without sessions."""
        day = invoice_date or fields.Date.context_today(self)
        values = contract._prepare_invoice(day) | {"invoice_date": day}
        return Draft(self.env["emobility.rating"].sudo()._as_system(), {}, False, values)

    def _add_fees(self, draft: Draft, lines: Any) -> None:
        position = len(draft.values["invoice_line_ids"])
        for line in lines:
            # An empty dictionary is how extensions of OCA's contract say that nothing is invoiced.
            if values := line._prepare_invoice_line():
                position += 1
                draft.values["invoice_line_ids"].append(
                    fields.Command.create(values | {"sequence": position})
                )
        draft.fee_lines.append(lines)

    def _after_create(self, moves: Any, drafts: list[Draft]) -> None:
        result = super()._after_create(moves, drafts)
        lines = self.env["contract.line"].browse(
            [line.id for draft in drafts for group in draft.fee_lines for line in group]
        )
        if lines:
            lines.sudo()._update_last_date_invoiced()
            lines.sudo().contract_id._compute_recurring_next_date()
        return result
