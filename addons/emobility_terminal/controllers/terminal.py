"""The interface for terminals: JSON over HTTP, one bearer key for each terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from psycopg2.errors import UniqueViolation
from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.queue_job.exception import RetryableJobError

from ..terminal_messages import (
    Authorization,
    Confirmation,
    Heartbeat,
    Hold,
    M,
    OrderAnswer,
    TerminalError,
    bearer,
    error_body,
    read,
)

_logger = logging.getLogger(__name__)
ROUTE: dict[str, Any] = {"type": "http", "auth": "public", "csrf": False, "save_session": False, "sitemap": False}
BASE = "/emobility/terminal/v1"
LONGEST = 64 * 1024
BUSY = TerminalError(503, "BUSY", "This is being worked on: repeat the request.")


class TerminalController(http.Controller):
    """Each call may be repeated: it then says the same and does nothing more."""

    @http.route(f"{BASE}/terminal", methods=["GET"], **ROUTE)
    def terminal_self(self, **_kw: Any) -> Response:
        """Who the terminal is and what is assigned to it: OCPI's Terminal."""
        return self._answer(lambda terminal: terminal._to_ocpi())

    @http.route(f"{BASE}/heartbeat", methods=["POST"], **ROUTE)
    def terminal_heartbeat(self, **_kw: Any) -> Response:
        """How it is; answers how many orders wait."""
        return self._answer(lambda terminal: terminal._beat(self._read(Heartbeat)))

    @http.route(f"{BASE}/evses", methods=["GET"], **ROUTE)
    def terminal_evses(self, lang: str = "", **_kw: Any) -> Response:
        """Its charging points: prices in the order of the law, whether they are free, how much to pre-authorise."""
        return self._answer(lambda terminal: {"evses": terminal._describe_evses(lang)})

    @http.route(f"{BASE}/authorizations", methods=["POST"], **ROUTE)
    def terminal_authorise(self, **_kw: Any) -> Response:
        """A card was pre-authorised: start charging."""
        return self._answer(lambda terminal: terminal._authorise(self._read(Authorization))._terminal_status())

    @http.route(f"{BASE}/authorizations/<string:reference>", methods=["GET"], **ROUTE)
    def terminal_status(self, reference: str, **_kw: Any) -> Response:
        """What goes on, and at the end the receipt."""
        return self._answer(lambda terminal: terminal._adhoc_known(reference)._terminal_status())

    @http.route(f"{BASE}/authorizations/<string:reference>/stop", methods=["POST"], **ROUTE)
    def terminal_stop(self, reference: str, **_kw: Any) -> Response:
        """End charging, or give up before it begins."""

        def stop(terminal: Any) -> dict[str, Any]:
            adhoc = terminal._adhoc_known(reference)
            adhoc._enqueue("stop")._stop_by_customer()
            return adhoc._terminal_status()

        return self._answer(stop)

    @http.route(f"{BASE}/authorizations/<string:reference>/hold", methods=["POST"], **ROUTE)
    def terminal_hold(self, reference: str, **_kw: Any) -> Response:
        """How much is held now: the answer to an order to increase."""

        def hold(terminal: Any) -> dict[str, Any]:
            adhoc = terminal._adhoc_known(reference)
            adhoc._hold_is_now(float(self._read(Hold).amount))
            return adhoc._terminal_status()

        return self._answer(hold)

    @http.route(f"{BASE}/orders", methods=["GET"], **ROUTE)
    def terminal_orders(self, **_kw: Any) -> Response:
        """What to capture, to cancel, or to say the outcome of."""
        return self._answer(lambda terminal: {"orders": terminal._hand_out_orders()})

    @http.route(f"{BASE}/orders/<string:uid>", methods=["POST"], **ROUTE)
    def terminal_order(self, uid: str, **_kw: Any) -> Response:
        """What became of an order, other than a capture that was done."""
        return self._answer(lambda terminal: terminal._order_known(uid)._answered(self._read(OrderAnswer)))

    @http.route(f"{BASE}/confirmations", methods=["POST"], **ROUTE)
    def terminal_confirm(self, **_kw: Any) -> Response:
        """What was captured: OCPI's FinancialAdviceConfirmation."""
        return self._answer(
            lambda terminal: request.env["emobility.terminal.confirmation"]._receive(
                terminal, self._read(Confirmation)
            )
        )

    # Helpers

    def _read(self, kind: type[M]) -> M:
        if (request.httprequest.content_length or 0) > LONGEST:
            raise TerminalError(413, "TOO_LARGE", "The body is too large.")
        return read(kind, request.httprequest.get_data(cache=False))

    def _answer(self, work: Callable[[Any], dict[str, Any]]) -> Response:
        """Do it for the terminal whose key was sent, all of it or nothing."""
        try:
            terminal = self._terminal()
            with request.env.cr.savepoint():
                return self._json(work(terminal))
        except TerminalError as error:
            return self._json(error_body(error), error.status)
        except (UniqueViolation, RetryableJobError):
            # Somebody does the same at this moment: what it will have done is told to the next request.
            return self._json(error_body(BUSY), BUSY.status)
        except UserError as error:
            return self._json(error_body(TerminalError(409, "REFUSED", str(error))), 409)

    def _terminal(self) -> Any:
        """:raises TerminalError: when the key is not that of a terminal"""
        terminals = request.env["emobility.terminal"]
        terminal = terminals._find_by_key(bearer(request.httprequest.headers.get("Authorization", "")))
        if not terminal:
            _logger.warning("Unknown terminal key from %s", request.httprequest.remote_addr)
            raise TerminalError(401, "UNAUTHORIZED", "Unknown key.")
        terminal._seen()
        return terminal

    def _json(self, body: dict[str, Any], status: int = 200) -> Response:
        headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        return request.make_json_response(body, headers=headers, status=status)
