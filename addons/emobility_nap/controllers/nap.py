from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.http import request

from ..models.nap_publication import KINDS


class NapController(http.Controller):
    """Public data for national access points and whoever else may read them."""

    @http.route(
        "/nap/<string:party>/<string:country>/<path:kind>",
        type="http",
        auth="public",
        methods=["GET"],
        csrf=False,
        save_session=False,
        readonly=False,
        sitemap=False,
    )
    def fetch(self, party: str, country: str, kind: str, since: str = "", **_ignored: Any) -> Response:
        publication = request.env["emobility.nap.publication"]._find(party, country)
        if not publication or kind not in KINDS:
            return Response(status=404)
        fetches = request.env["emobility.nap.fetch"].sudo()
        client = request.env["emobility.adhoc.attempt"]._client(request.httprequest.remote_addr or "")
        if fetches._is_too_often(publication, client):
            return Response(status=429, headers={"Retry-After": "60"})
        response, from_time = self._answer(publication, kind, since)
        fetches.create(
            {
                "publication_id": publication.id,
                "kind": kind,
                "since": from_time,
                "status": response.status_code,
                "size": response.content_length or 0,
                "client": client,
            }
        )
        return response

    def _answer(self, publication: Any, kind: str, since: str) -> tuple[Response, datetime | None]:
        if not publication.company_id._nap_admits(self._token()):
            return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="nap"'}), None
        try:
            from_time = _instant(since) if since else None
        except (ValueError, OverflowError):
            return Response("since: an instant of ISO 8601, such as 2026-01-31T10:00:00Z", status=400), None
        document = request.env["emobility.nap.feed"]._document(publication, kind, from_time)
        if document is None:
            return Response(status=503, headers={"Retry-After": "5"}), from_time
        response = Response(document.body, content_type=document.content_type)
        response.status_code = 200 if document.body else 204
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Whoever keeps a copy asks again whether it still holds; with a token the copy is for its owner only.
        is_open = publication.company_id.nap_access == "open"
        response.headers["Cache-Control"] = "public, no-cache" if is_open else "private, no-cache"
        response.set_etag(document.etag)
        response.last_modified = document.changed_at.replace(tzinfo=UTC)
        if document.body:
            response.make_conditional(request.httprequest)
        return response, from_time

    def _token(self) -> str:
        scheme, _space, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "token") else ""


def _instant(text: str) -> datetime:
    """An instant as naive UTC, which it is without a zone. A `+` that the client did not quote arrives as a blank."""
    at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
