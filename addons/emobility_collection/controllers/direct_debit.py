from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.emobility_billing.controllers.portal_common import attempt, own_contract, own_contracts
from odoo.addons.portal.controllers.portal import CustomerPortal

PAGE = "/my/charging/direct-debit"


class DirectDebitPortal(CustomerPortal):
    """Sign and revoke a SEPA mandate for a contract. Only who pays the contract can."""

    @http.route(PAGE, type="http", auth="user", website=True)
    def portal_direct_debit(self, done: str | None = None, **_kw: Any) -> Response:
        """The contracts that the user pays, each with its mandate or a form to sign one."""
        return self._debit_page(done=done)

    @http.route(f"{PAGE}/sign", type="http", auth="user", methods=["POST"], website=True)
    def portal_direct_debit_sign(self, **post: Any) -> Response:
        """Sign: the name is typed and the box is ticked; who did it, when and from where is kept."""
        contract = self._payable(post.get("contract_id"))

        def step() -> None:
            if not contract:
                raise UserError(request.env._("Choose one of your contracts."))
            if not post.get("accept") or not (post.get("signature") or "").strip():
                raise UserError(request.env._("Please type your name as a signature and tick the box."))
            request.env["account.banking.mandate"].sudo()._sign(
                contract, post.get("iban") or "", post.get("holder") or "", self._evidence(post["signature"])
            )

        return self._after_debit(attempt(step), "signed", post)

    @http.route(f"{PAGE}/revoke", type="http", auth="user", methods=["POST"], website=True)
    def portal_direct_debit_revoke(self, **post: Any) -> Response:
        """Take the mandate back: invoices are to be paid in another way from now on."""
        contract = self._payable(post.get("contract_id"))

        def step() -> None:
            if not contract.mandate_id:
                raise UserError(request.env._("There is no mandate to revoke."))
            contract.mandate_id._revoke()

        return self._after_debit(attempt(step), "revoked", post)

    def _evidence(self, signature: str) -> dict[str, Any]:
        return {
            "signed_at": fields.Datetime.now(),
            "signed_name": signature.strip(),
            "signed_ip": request.httprequest.remote_addr,
            "signed_agent": (request.httprequest.user_agent.string or "")[:300],
            "signed_user_id": request.env.uid,
        }

    def _payable(self, contract_id: Any) -> Any:
        return own_contract(contract_id).filtered(lambda one: one._payer() == request.env.user.partner_id)

    def _after_debit(self, error: str | None, done: str, post: dict[str, Any]) -> Response:
        if error:
            return self._debit_page(error=error, entered=post)
        return request.redirect(f"{PAGE}?done={done}")

    def _debit_page(
        self, *, done: str | None = None, error: str | None = None, entered: dict[str, Any] | None = None
    ) -> Response:
        contracts = (
            own_contracts()
            .sudo()
            .filtered(
                lambda one: (
                    one._payer() == request.env.user.partner_id and one.charging_state in ("active", "suspended")
                )
            )
        )
        mandates = request.env["account.banking.mandate"].sudo()
        values = self._prepare_portal_layout_values()
        values.update(
            {
                "page_name": "charging_debit",
                "contracts": contracts,
                "offered": contracts.filtered(
                    lambda one: (
                        not one.is_prepaid
                        and one.company_id.emobility_debit_method_id
                        and one.company_id._emobility_creditor_identifier()
                    )
                ),
                "texts": {one.id: mandates._text_to_sign(one.company_id) for one in contracts},
                "entered": entered or {},
                "done": {
                    "signed": request.env._("Thank you. Your mandate was signed, a copy comes by mail."),
                    "revoked": request.env._("Your mandate was revoked. Please pay invoices in another way."),
                }.get(done or ""),
                "error": error,
            }
        )
        return request.render("emobility_collection.portal_direct_debit", values)
