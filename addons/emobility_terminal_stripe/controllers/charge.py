from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.emobility_adhoc.controllers.charge import ChargeController


class ReaderController(ChargeController):
    """The second way to pay on the page of a charging point: with the card at the terminal beside it."""

    @http.route(
        "/charge/<string:code>/terminal", type="http", auth="public", methods=["POST"], sitemap=False,
        captcha="emobility_adhoc_start",
    )  # fmt: skip
    def charge_terminal(self, code: str, email: str = "", ticket: str = "", price: str = "", **_kw: Any) -> Response:
        """Let the terminal ask for a card, and show what becomes of it."""
        lang = self._use_language()
        evse = self._evse(code)
        env = request.env
        client = self._client()
        if refusal := self._refuse_request(evse, client, email, ticket):
            return refusal
        terminal = evse._adhoc_reader()
        if refusal := self._refuse_start(evse, ticket, price, is_ready=bool(terminal)):
            return refusal
        try:
            adhoc = env["emobility.adhoc.session"]._check_out_at_reader(
                evse, terminal, email=email, lang=lang, client=client
            )
        except UserError as error:
            return self._point_page(evse, str(error), status=409)
        return request.redirect(adhoc._session_path(), code=303)
