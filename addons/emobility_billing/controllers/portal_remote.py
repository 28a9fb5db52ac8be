from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from .portal_common import attempt, own_token
from .portal_prices import ChargingPricePortal


class ChargingRemotePortal(ChargingPricePortal):
    """Start and stop a session. Whether a charging point can be asked is said by ``_can_start_remotely``."""

    @http.route("/my/charging/start", type="http", auth="user", methods=["POST"], website=True)
    def portal_charging_start(self, **post: Any) -> Response:
        """Start a session at a charging point with a token of the user."""
        token = own_token(post.get("token_id"))
        evse_id = post.get("evse_id") or ""
        evse = request.env["emobility.evse"].sudo().browse(int(evse_id) if evse_id.isdecimal() else 0).exists()

        def step() -> None:
            if not token or token._authorization_status() != "Accepted":
                raise UserError(request.env._("Choose a card that can charge."))
            if not evse or evse.company_id != token.company_id or not evse._can_start_remotely():
                raise UserError(request.env._("At this charging point a session cannot be started from here."))
            evse._start_remotely(token)

        error = attempt(step)
        if error:
            return self._prices_page(str(token.contract_id.id), post.get("q"), error=error)
        return request.redirect(f"/my/charging/prices?contract={token.contract_id.id}&done=start")

    @http.route(
        "/my/charging/<int:session_id>/stop", type="http", auth="user", methods=["POST"], website=True
    )
    def portal_charging_stop(self, session_id: int, **_post: Any) -> Response:
        """Stop a session that the user pays."""
        session = request.env["emobility.session"].search(
            [("id", "=", session_id), ("partner_id", "=", request.env.user.partner_id.id)]
        )

        def step() -> None:
            if not session or not session.sudo()._can_stop_remotely():
                raise UserError(request.env._("This session cannot be stopped from here."))
            session.sudo()._stop_remotely()

        error = attempt(step)
        outcome = "failed" if error else "asked"
        return request.redirect(f"/my/charging/{session_id}?stop={outcome}")
