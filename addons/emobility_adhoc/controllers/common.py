"""What the pages of ad-hoc charging share: language, brand, headers, limits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from werkzeug.wrappers import Response

from odoo.http import request

from odoo.addons.bus.websocket import WebsocketConnectionHandler
from odoo.addons.emobility_billing.colors import readable_on


@dataclass(frozen=True)
class Style:
    """The colours of a brand, with a text colour for each that can be read on it."""

    primary: str
    on_primary: str
    accent: str
    on_accent: str


class AdhocPages:
    """Pages for people without an account. They know the address of a charging point, or that of their session.

    No controller itself: one that inherited from two would serve the portal's pages a second time.
    """

    def _language(self) -> str:
        """What the customer chose, else what the browser prefers of the languages that are installed."""
        installed = [code for code, _name in request.env["res.lang"].sudo().get_installed()]
        short = {code[:2]: code for code in reversed(installed)}
        chosen = (request.params.get("lang") or request.cookies.get("charge_lang") or "")[:2]
        if chosen in short:
            return short[chosen]
        wanted = request.httprequest.accept_languages.best_match(list(short))
        return short.get(wanted or "en", installed[0])

    def _use_language(self) -> str:
        lang = self._language()
        request.update_context(lang=lang)
        return lang

    def _client(self) -> str:
        return request.env["emobility.adhoc.attempt"]._client(request.httprequest.remote_addr or "")

    def _page(
        self, template: str, values: dict[str, Any], *, company: Any, location: Any = None, status: int = 200
    ) -> Response:
        """Render a page in the brand of the place."""
        brand = request.env["emobility.brand"].sudo()._brand_for(company, location=location)
        look = brand._look(company)
        lang = request.env.lang or "en_US"
        nonce = secrets.token_urlsafe(12)
        values |= {
            "brand": brand,
            "look": look,
            "style": Style(
                look.primary_color,
                readable_on(look.primary_color),
                look.secondary_color,
                readable_on(look.secondary_color),
            ),
            "page_lang": lang[:2],
            "languages": [code[:2] for code, _name in request.env["res.lang"].sudo().get_installed()],
            "nonce": nonce,
            "host": request.httprequest.host,
            "bus_version": WebsocketConnectionHandler._VERSION,
            "page_path": request.httprequest.path,
            "page_keep": f"&t={quote(values['ticket'])}" if values.get("ticket") else "",
        }
        response = request.render(template, values)
        response.flatten()
        response.status_code = status
        if request.params.get("lang"):
            response.set_cookie("charge_lang", lang[:2], max_age=86400, secure=request.httprequest.is_secure,
                                httponly=True, samesite="Lax")  # fmt: skip
        return self._protect(response, nonce)

    def _protect(self, response: Response, nonce: str = "") -> Response:
        """Nothing from elsewhere runs on these pages, nobody frames them, and their address goes nowhere."""
        socket = f"ws://{request.httprequest.host} wss://{request.httprequest.host}"
        response.headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                f"style-src 'self' 'nonce-{nonce}'",
                "img-src 'self' data:",
                f"connect-src 'self' {socket}",
                "manifest-src 'self'",
                "worker-src 'self'",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response
