from __future__ import annotations

from typing import Any

from odoo import models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _link_invoice_documents(self, invoices_data: dict[Any, dict[str, Any]]) -> Any:
        """Make the session lists together with the PDF, so that they are there when the mail is written."""
        result = super()._link_invoice_documents(invoices_data)
        for move in invoices_data:
            if move.state == "posted" and move.rating_ids and move.is_sale_document():
                move._emobility_make_annex_files()
        return result

    def _get_invoice_extra_attachments(self, move: Any) -> Any:
        return super()._get_invoice_extra_attachments(move) + move._emobility_annex_attachments()
