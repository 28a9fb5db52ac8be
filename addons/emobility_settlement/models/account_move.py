from __future__ import annotations

from typing import Self

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _post(self, soft: bool = True) -> Self:
        posted = super()._post(soft)
        posted.filtered("rating_ids")._tell_roaming_partner()
        return posted

    def _tell_roaming_partner(self) -> None:
        """Which CDRs the invoice is about, by OCPI's module for that (2.3.0, invoicereconciliation)."""
        reconciliations = self.env["emobility.ocpi.reconciliation"].sudo()
        for move in self:
            wholesale = move.sudo().rating_ids.filtered(lambda rating: rating.relation == "wholesale")
            sent = wholesale.cdr_id.exchange_ids.filtered(lambda cdr: cdr.direction == "out")
            for connection, cdrs in sent.grouped("connection_id").items():
                if not reconciliations.search_count(
                    [("connection_id", "=", connection.id), ("invoice_ref", "=", move.name)], limit=1
                ):
                    reconciliations._tell(connection, move.name, cdrs)
