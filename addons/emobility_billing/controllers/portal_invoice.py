from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import content_disposition, request

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..report.annex_file import MIMETYPES


class ChargingInvoicePortal(CustomerPortal):
    """The sessions of an invoice as a file, for its payer in the portal and for staff in the back office."""

    @http.route(
        ["/my/invoices/<int:invoice_id>/sessions/<any(csv,xlsx,signed):kind>"],
        type="http",
        auth="public",
        website=True,
    )
    def portal_invoice_sessions(
        self, invoice_id: int, kind: str, access_token: str | None = None, **_kw: Any
    ) -> Response:
        """Who may not see the invoice is sent home, as if it did not exist."""
        try:
            move = self._document_check_access("account.move", invoice_id, access_token)
        except (AccessError, MissingError):
            return request.redirect("/my")
        if not move.rating_ids or not move.is_sale_document():
            return request.redirect("/my")
        file = move._emobility_signed_file() if kind == "signed" else move._emobility_annex_file(kind)
        if not file:
            return request.redirect("/my")
        name, content = file
        return request.make_response(
            content,
            [
                ("Content-Type", MIMETYPES.get(kind, "application/xml")),
                ("Content-Length", len(content)),
                ("Content-Disposition", content_disposition(name)),
            ],
        )
