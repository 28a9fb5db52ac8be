"""OCPI 2.3.0, module payments, receiver: what a payment terminal provider tells us, and asks what we know of it."""

# Annotations are evaluated when a function is made. So no "from __future__ import annotations" here.

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from odoo.addons.emobility_roaming.ocpi import payments
from odoo.addons.emobility_roaming.ocpi.transport import INVALID, OcpiError
from odoo.addons.emobility_roaming.server.caller import AuthenticatedCaller, Caller, OcpiRoute

TERMINALS = "/terminals"
CONFIRMATIONS = "/financial-advice-confirmations"


def _provider(caller: Caller) -> Any:
    """The connection, which must be that of a payment terminal provider."""
    if not caller.connection._is_terminal_provider():
        raise OcpiError(INVALID, "You are no payment terminal provider (PTP) here.", 404)
    return caller.connection


def payments_router() -> APIRouter:
    """The specification ends the addresses of the lists with a slash: both are served."""
    router = APIRouter(prefix="/2.3.0/cpo/payments", tags=["2.3.0 card terminals"], route_class=OcpiRoute)

    @router.get(TERMINALS + "/{terminal_id}", summary="A terminal as we know it")
    def get_terminal(caller: AuthenticatedCaller, terminal_id: str) -> JSONResponse:
        return caller.reply(_provider(caller)._terminal_known(terminal_id)._to_ocpi())

    @router.post(TERMINALS, summary="New terminal")
    @router.post(TERMINALS + "/", include_in_schema=False)
    def post_terminal(
        caller: AuthenticatedCaller, request: Request, body: Annotated[payments.Terminal, Body()]
    ) -> JSONResponse:
        _provider(caller)._take_terminal(json.loads(request._body))
        return caller.reply()

    @router.get(CONFIRMATIONS + "/{uid}", summary="A confirmation as we know it")
    def get_confirmation(caller: AuthenticatedCaller, uid: str) -> JSONResponse:
        return caller.reply(_provider(caller)._payments_object("confirmation", uid).data)

    @router.post(CONFIRMATIONS, summary="What became of a capture")
    @router.post(CONFIRMATIONS + "/", include_in_schema=False)
    def post_confirmation(
        caller: AuthenticatedCaller, request: Request, body: Annotated[payments.FinancialAdviceConfirmation, Body()]
    ) -> JSONResponse:
        _provider(caller)._take_confirmation(json.loads(request._body))
        return caller.reply()

    return router
