from __future__ import annotations

from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

from .portal_common import attempt

MAX_TEXT = 4000
MAX_FILES = 5
MAX_FILE_BYTES = 10 * 1024 * 1024
FILE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "application/pdf")


class ChargingDisputePortal(CustomerPortal):
    """Complaints of the user about sessions and invoices of their own."""

    @http.route("/my/charging/disputes", type="http", auth="user", website=True)
    def portal_charging_disputes(self, **_kw: Any) -> Response:
        """List of the complaints of the user."""
        values = self._prepare_portal_layout_values()
        disputes = request.env["emobility.dispute"].search(self._own_disputes())
        values |= {"page_name": "charging_disputes", "disputes": disputes.sudo()}
        return request.render("emobility_billing.portal_charging_disputes", values)

    @http.route("/my/charging/disputes/<int:dispute_id>", type="http", auth="user", website=True)
    def portal_charging_dispute(self, dispute_id: int, done: str | None = None, **_kw: Any) -> Response:
        """One complaint with its answer. Who may not see it is sent to the list, as if it did not exist."""
        return self._dispute_page(self._own_dispute(dispute_id), done=done)

    @http.route(
        "/my/charging/disputes/<int:dispute_id>/<any(reply,withdraw):step>",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_charging_dispute_step(self, dispute_id: int, step: str, **post: Any) -> Response:
        """Write again about a complaint of one's own, or take it back."""
        dispute = self._own_dispute(dispute_id)
        if not dispute:
            return request.redirect("/my/charging/disputes")
        error = attempt(dispute._withdraw if step == "withdraw" else lambda: self._reply(dispute, post))
        if error:
            return self._dispute_page(dispute, error=error, post=post)
        return request.redirect(f"/my/charging/disputes/{dispute.id}?done={step}")

    def _own_dispute(self, dispute_id: int) -> Any:
        return request.env["emobility.dispute"].search([*self._own_disputes(), ("id", "=", dispute_id)])

    def _reply(self, dispute: Any, post: dict[str, Any]) -> None:
        dispute._reply(self._complaint_text(post), self._files())

    def _dispute_page(self, dispute: Any, done: str | None = None, **values: Any) -> Response:
        if not dispute:
            return request.redirect("/my/charging/disputes")
        confirmations = {
            "1": request.env._("We have received your complaint, and mail you when it is answered."),
            "reply": request.env._("We have received what you wrote."),
            "withdraw": request.env._("Your complaint is withdrawn."),
        }
        messages = dispute.sudo()._conversation()
        files = request.env["ir.attachment"].sudo().search(
            [("res_model", "=", "emobility.dispute"), ("res_id", "=", dispute.id)], order="id"
        )
        page = self._prepare_portal_layout_values() | {
            "page_name": "charging_disputes",
            "dispute": dispute.sudo(),
            "messages": messages,
            "files": files - messages.attachment_ids,
            "done": confirmations.get(done or ""),
            "post": {},
        }
        return request.render("emobility_billing.portal_charging_dispute", page | values)

    @http.route(
        "/my/charging/<int:session_id>/dispute", type="http", auth="user", methods=["GET", "POST"], website=True
    )
    def portal_dispute_session(self, session_id: int, **post: Any) -> Response:
        """Complain about a session of the user."""
        partner = request.env.user.partner_id
        session = request.env["emobility.session"].search(
            [
                ("id", "=", session_id),
                ("state", "=", "done"),
                "|",
                ("partner_id", "=", partner.id),
                ("contract_id.partner_id", "=", partner.id),
            ]
        )
        if not session:
            return request.redirect("/my/charging")
        return self._dispute_form({"session_id": session.id}, f"/my/charging/{session.id}", post)

    @http.route(
        "/my/charging/invoices/<int:move_id>/dispute",
        type="http",
        auth="user",
        methods=["GET", "POST"],
        website=True,
    )
    def portal_dispute_invoice(self, move_id: int, **post: Any) -> Response:
        """Complain about an invoice of the user."""
        try:
            move = self._document_check_access("account.move", move_id)
        except (AccessError, MissingError):
            return request.redirect("/my/invoices")
        own = request.env.user.partner_id.commercial_partner_id
        if move.partner_id.commercial_partner_id != own or not move.session_count:
            return request.redirect("/my/invoices")
        return self._dispute_form({"move_id": move.id}, f"/my/invoices/{move.id}", post)

    def _own_disputes(self) -> list[Any]:
        return [("partner_id", "=", request.env.user.partner_id.id)]

    def _dispute_form(self, subject: dict[str, Any], back: str, post: dict[str, Any]) -> Response:
        """Show the form; or open the complaint, or say what is wrong with it."""
        disputes = request.env["emobility.dispute"].sudo()
        [(field, record_id)] = subject.items()
        known = disputes.search([(field, "=", record_id), ("state", "in", ("new", "in_review"))], limit=1)
        if known and known.partner_id == request.env.user.partner_id:
            return request.redirect(f"/my/charging/disputes/{known.id}")
        opened: list[Any] = []
        error = None
        if request.httprequest.method == "POST":
            error = attempt(lambda: opened.append(self._open_dispute(subject, known, post)))
            if not error:
                return request.redirect(f"/my/charging/disputes/{opened[0].id}?done=1")
        values = self._prepare_portal_layout_values()
        values |= {
            "page_name": "charging_disputes",
            "record": disputes[field].browse(record_id),
            "is_invoice": field == "move_id",
            "back": back,
            "reasons": disputes._fields["reason"]._description_selection(request.env),
            "post": post,
            "error": error,
        }
        return request.render("emobility_billing.portal_charging_dispute_new", values)

    def _open_dispute(self, subject: dict[str, Any], known: Any, post: dict[str, Any]) -> Any:
        reasons = dict(known._fields["reason"].selection)
        if known:
            raise UserError(request.env._("There is an open complaint about it already."))
        if post.get("reason") not in reasons:
            raise UserError(request.env._("Choose what is wrong."))
        text = self._complaint_text(post)
        files = self._files()
        dispute = known.create(
            {"partner_id": request.env.user.partner_id.id, "reason": post["reason"], "text": text, **subject}
        )
        for name, content in files:
            request.env["ir.attachment"].sudo().create(
                {"name": name, "raw": content, "res_model": dispute._name, "res_id": dispute.id}
            )
        return dispute

    def _complaint_text(self, post: dict[str, Any]) -> str:
        text = (post.get("text") or "").strip()
        if not text or len(text) > MAX_TEXT:
            raise UserError(
                request.env._("Describe what is wrong, in at most %(most)s characters.", most=MAX_TEXT)
            )
        return text

    def _files(self) -> list[tuple[str, bytes]]:
        uploads: list[FileStorage] = [
            upload for upload in request.httprequest.files.getlist("files") if upload.filename
        ]
        if len(uploads) > MAX_FILES:
            raise UserError(request.env._("At most %(most)s files can be attached.", most=MAX_FILES))
        files = []
        for upload in uploads:
            content = upload.read(MAX_FILE_BYTES + 1)
            if upload.mimetype not in FILE_TYPES or len(content) > MAX_FILE_BYTES:
                raise UserError(
                    request.env._("'%(name)s' is no picture or PDF of at most 10 MB.", name=upload.filename)
                )
            files.append((upload.filename or "", content))
        return files
