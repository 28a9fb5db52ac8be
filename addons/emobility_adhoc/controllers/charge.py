from __future__ import annotations

import hmac
import json
from typing import Any
from urllib.parse import quote

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import email_normalize, file_open

from odoo.addons.emobility_billing.colors import readable_on

from ..icon import SIZES, icon
from ..one_time_password import VERSION
from .common import AdhocPages


class ChargeController(AdhocPages, http.Controller):
    """The page behind the code on a charging point: what it costs, and the way to pay."""

    @http.route("/charge", type="http", auth="public", methods=["GET", "POST"], sitemap=False)
    def charge_code(self, code: str | None = None, **_kw: Any) -> Response:
        """Type the code that is on the station, for whoever cannot scan it."""
        self._use_language()
        error = None
        if code:
            if not request.env["emobility.adhoc.attempt"]._may("code", self._client()):
                error = request.env._("Too many attempts. Please wait some minutes.")
            elif shown := request.env["emobility.adhoc.code"]._find(code):
                return self._to_page(shown.evse_id, shown.evse_id._adhoc_ticket(shown.code))
            elif evse := request.env["emobility.evse"]._adhoc_find(code):
                return request.redirect(f"/charge/{evse.adhoc_code}", code=303)
            else:
                error = request.env._("There is no charging point with this code.")
        return self._page(
            "emobility_adhoc.charging_code",
            {"error": error, "code": (code or "")[:60]},
            company=request.env.company,
            status=429 if error and code and "wait" in error else 200,
        )

    @http.route("/charge/<string:code>", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_point(self, code: str, s: str | None = None, t: str = "", **_kw: Any) -> Response:
        """The price of a charging point, in the order of the law, before anything is paid."""
        self._use_language()
        shown = s and request.env["emobility.adhoc.code"]._find(code)
        if shown and hmac.compare_digest(s.encode(), shown._signature().encode()):
            return self._to_page(shown.evse_id, shown.evse_id._adhoc_ticket(shown.code))
        return self._point_page(self._evse(code, s), ticket=t)

    @http.route(
        "/charge/display/<string:station>/<int:number>/<string:password>/<string:version>", type="http",
        auth="public", methods=["GET"], sitemap=False,
    )  # fmt: skip
    def charge_shown(self, station: str, number: int, password: str, version: str, **_kw: Any) -> Response:
        """The code that a station made itself (OCPP 2.1, C25)."""
        self._use_language()
        evse, ticket = request.env["emobility.evse"]._adhoc_find_shown(station, number, password)
        if not evse or version != VERSION:
            request.env["emobility.adhoc.attempt"]._may("code", self._client())
            raise request.not_found()
        return self._to_page(evse, ticket or "")

    def _to_page(self, evse: Any, ticket: str) -> Response:
        query = f"?t={quote(ticket)}" if ticket else ""
        return request.redirect(f"/charge/{evse.adhoc_code}{query}", code=303)

    @http.route(
        "/charge/<string:code>/start", type="http", auth="public", methods=["POST"], sitemap=False,
        captcha="emobility_adhoc_start",
    )  # fmt: skip
    def charge_start(
        self, code: str, email: str = "", voucher: str = "", ticket: str = "", price: str = "", **_kw: Any
    ) -> Response:
        """Charge here: to the payment, or at once where nothing is to be paid."""
        lang = self._use_language()
        evse = self._evse(code)
        env = request.env
        client = self._client()
        attempts = env["emobility.adhoc.attempt"]
        if refusal := self._refuse_request(evse, client, email, ticket):
            return refusal
        found = env["emobility.adhoc.voucher"].sudo().browse()
        if voucher.strip():
            if not attempts._may("voucher", client):
                return self._point_page(evse, env._("Too many attempts. Please wait some minutes."), status=429)
            currency = evse._adhoc_version().currency_id
            found = env["emobility.adhoc.voucher"]._find(voucher[:40], evse.company_id, currency)
            if not found:
                return self._point_page(evse, env._("This voucher cannot be used here."), status=422, ticket=ticket)
        if refusal := self._refuse_start(evse, ticket, price):
            return refusal
        try:
            adhoc = env["emobility.adhoc.session"]._check_out(
                evse, email=email, lang=lang, client=client, voucher=found
            )
        except UserError as error:
            return self._point_page(evse, str(error), status=409)
        if adhoc.kind == "paid":
            adhoc._say_that_somebody_pays()
        suffix = "/pay" if adhoc.kind == "paid" else ""
        return request.redirect(adhoc._session_path() + suffix, code=303)

    def _refuse_request(self, evse: Any, client: str, email: str, ticket: str) -> Response | None:
        """Whoever asks too often, or cannot be answered."""
        env = request.env
        attempts = env["emobility.adhoc.attempt"]
        if not attempts._may("start", client, evse) or attempts._is_farming(client):
            return self._point_page(evse, env._("Too many attempts. Please wait some minutes."), status=429)
        if email and not email_normalize(email):
            return self._point_page(evse, env._("This is not an email address."), status=422, ticket=ticket)
        return None

    def _refuse_start(self, evse: Any, ticket: str, price: str, is_ready: bool = True) -> Response | None:
        """Nobody starts here now, at this price or with this ticket, which is used up otherwise."""
        env = request.env
        if not is_ready or not evse._adhoc_is_available() or evse._adhoc_is_taken():
            return self._point_page(evse, env._("This charging point is not available now."), status=409)
        if price and price != evse._adhoc_price_id(evse._adhoc_version()):
            error = env._("The price has just changed. Please look at it again.")
            return self._point_page(evse, error, status=409, ticket=ticket)
        if not evse._adhoc_use_ticket(ticket):
            return self._point_page(evse, env._("This code is not good any more. Please use the new one."), status=403)
        return None

    @http.route("/charge/<string:code>/report", type="http", auth="public", methods=["GET", "POST"], sitemap=False)
    def charge_report(self, code: str, reason: str = "", note: str = "", **_kw: Any) -> Response:
        """Tell the operator that something is wrong here, such as a code that was pasted over."""
        self._use_language()
        evse = self._evse(code)
        reports = request.env["emobility.adhoc.report"].sudo()
        done = False
        if request.httprequest.method == "POST" and reason in dict(reports._fields["reason"].selection):
            done = True
            # Whoever reports too much is thanked too, and nothing is kept.
            if request.env["emobility.adhoc.attempt"]._may("report", self._client(), evse):
                reports.create({"evse_id": evse.id, "reason": reason, "note": note[:2000]})
        return self._page(
            "emobility_adhoc.charging_report",
            {"evse": evse, "done": done, "reasons": reports._fields["reason"]._description_selection(request.env)},
            company=evse.company_id,
            location=evse.location_id,
        )

    def _evse(self, code: str, signature: str | None = None) -> Any:
        """:raises NotFound: when there is none, or when the signature of the sticker is wrong"""
        evse = request.env["emobility.evse"]._adhoc_find(code)
        wrong = signature is not None and evse and not hmac.compare_digest(
            signature.encode(), evse._adhoc_signature().encode()
        )  # fmt: skip
        if not evse or wrong:
            request.env["emobility.adhoc.attempt"]._may("code", self._client())
            raise request.not_found()
        return evse.with_context(lang=request.env.lang)

    def _point_page(self, evse: Any, error: str | None = None, status: int = 200, ticket: str = "") -> Response:
        version = evse._adhoc_version()
        sheet = evse._adhoc_sheet_of(version)
        return self._page(
            "emobility_adhoc.charging_point",
            {
                "evse": evse,
                "sheet": sheet,
                "version": version,
                "next_change": evse._adhoc_next_change(version),
                "available": evse._adhoc_is_available() and not evse._adhoc_is_taken(),
                "hold": evse._adhoc_hold(),
                "power": max(evse.connector_ids.mapped("max_power_kw"), default=0.0),
                "error": error,
                "ticket": ticket,
                "price_id": evse._adhoc_price_id(version),
                "may_start": evse._adhoc_may_start(ticket),
            },
            company=evse.company_id,
            location=evse.location_id,
            status=status,
        )

    # An application on the home screen

    @http.route("/charge/app.webmanifest", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_manifest(self, code: str = "", **_kw: Any) -> Response:
        """What a phone needs to put the page on its home screen, in the brand of the place."""
        evse = request.env["emobility.evse"]._adhoc_find(code)
        look = self._look_of(evse)
        manifest = {
            "name": look.name,
            "short_name": look.name[:12],
            "start_url": "/charge",
            "scope": "/charge",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": look.primary_color,
            "icons": [
                {
                    "src": f"/charge/icon/{size}.png?code={evse.adhoc_code or ''}",
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for size in SIZES
                for purpose in ("any", "maskable")
            ],
        }
        return request.make_response(
            json.dumps(manifest), [("Content-Type", "application/manifest+json"), ("Cache-Control", "max-age=3600")]
        )

    @http.route("/charge/icon/<int:size>.png", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_icon(self, size: int, code: str = "", **_kw: Any) -> Response:
        """The icon of the brand on a home screen."""
        if size not in SIZES:
            raise request.not_found()
        look = self._look_of(request.env["emobility.evse"]._adhoc_find(code))
        picture = icon(look.name, look.primary_color, readable_on(look.primary_color), size)
        headers = [("Content-Type", "image/png"), ("Cache-Control", "public, max-age=86400")]
        return request.make_response(picture, headers)

    def _look_of(self, evse: Any) -> Any:
        company = evse.company_id or request.env.company
        return request.env["emobility.brand"].sudo()._brand_for(company, location=evse.location_id)._look(company)

    @http.route("/charge/sw.js", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_service_worker(self, **_kw: Any) -> Response:
        """The service worker is for `/charge` itself, too, which is above its own address."""
        with file_open("emobility_adhoc/static/src/sw.js") as script:
            text = script.read()
        headers = [
            ("Content-Type", "text/javascript"),
            ("Cache-Control", "max-age=3600"),
            ("Service-Worker-Allowed", "/charge"),
        ]
        return request.make_response(text, headers)

    @http.route("/charge/<string:code>/logo", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_logo(self, code: str, **_kw: Any) -> Response:
        """The logo of the brand of a charging point."""
        evse = self._evse(code)
        brand = evse._adhoc_brand()
        record, field = (brand, "logo") if brand.logo else (evse.company_id.sudo(), "logo")
        stream = request.env["ir.binary"].sudo()._get_image_stream_from(record, field, width=400, height=160)
        response = stream.get_response()
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response
