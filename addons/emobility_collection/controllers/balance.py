from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.http import request

from odoo.addons.emobility_billing.controllers.portal_common import attempt, own_contracts
from odoo.addons.payment.controllers.portal import PaymentPortal

PAGE = "/my/charging/balance"
OFFERED = (20, 50, 100)
LARGEST = 1000


class BalancePortal(PaymentPortal):
    """The prepaid balances of the user: ledger, top-up, automatic reload."""

    @http.route(PAGE, type="http", auth="user", website=True)
    def portal_balance(self, done: str | None = None, **_kw: Any) -> Response:
        """Balances with what happened on them."""
        return self._balance_page(done=done)

    @http.route(f"{PAGE}/<int:wallet_id>/topup", type="http", auth="user", website=True)
    def portal_balance_topup(self, wallet_id: int, amount: str | None = None, **_kw: Any) -> Response:
        """The payment form for an amount."""
        wallet = self._own_wallet(wallet_id)
        value = self._cast_as_float(amount) or 0.0
        if not wallet or not 0 < value <= LARGEST:
            error = request.env._("Enter an amount between 1 and %s.", LARGEST) if wallet else None
            return self._balance_page(error=error)
        return request.render(
            "emobility_collection.portal_balance_topup",
            {**self._prepare_portal_layout_values(), **self._payment_values(wallet, value)},
        )

    @http.route(f"{PAGE}/<int:wallet_id>/transaction", type="jsonrpc", auth="user")
    def portal_balance_transaction(self, wallet_id: int, amount: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Begin the payment that the form asks for."""
        wallet = self._own_wallet(wallet_id)
        value = self._cast_as_float(amount) or 0.0
        if not wallet or not 0 < value <= LARGEST:
            raise ValidationError(request.env._("The amount cannot be paid in."))
        self._validate_transaction_kwargs(kwargs)
        kwargs.pop("is_validation", None)
        transaction = self._create_transaction(
            amount=value,
            currency_id=wallet.currency_id.id,
            partner_id=request.env.user.partner_id.id,
            reference_prefix=f"W{wallet.id}",
            custom_create_values={"emobility_wallet_id": wallet.id},
            **kwargs,
        )
        return transaction._get_processing_values()

    @http.route(f"{PAGE}/<int:wallet_id>/reload", type="http", auth="user", methods=["POST"], website=True)
    def portal_balance_reload(self, wallet_id: int, **post: Any) -> Response:
        """Set below which balance how much is charged to which stored payment method."""
        wallet = self._own_wallet(wallet_id)

        def step() -> None:
            if not wallet:
                raise UserError(request.env._("There is no such balance."))
            token = self._tokens(wallet).filtered(lambda one: str(one.id) == str(post.get("token_id")))
            below, by = (self._cast_as_float(post.get(name)) or 0.0 for name in ("reload_below", "reload_amount"))
            if by and not token:
                raise UserError(request.env._("Choose one of your stored payment methods."))
            if not 0 <= by <= LARGEST or not 0 <= below <= LARGEST:
                raise UserError(request.env._("Enter amounts between 0 and %s.", LARGEST))
            wallet._as_system().write(
                {"payment_token_id": token.id, "reload_below": below, "reload_amount": by, "reload_problem": False}
            )

        error = attempt(step)
        if error:
            return self._balance_page(error=error)
        return request.redirect(f"{PAGE}?done=reload")

    def _wallets(self) -> Any:
        partner = request.env.user.partner_id
        payer = partner.commercial_partner_id
        if partner != payer and not own_contracts().filtered(lambda one: one.sudo()._payer() == partner):
            return request.env["emobility.wallet"].sudo().browse()
        return request.env["emobility.wallet"].sudo().search([("partner_id", "=", payer.id)])

    def _own_wallet(self, wallet_id: int) -> Any:
        return self._wallets().filtered(lambda one: one.id == wallet_id)

    def _tokens(self, wallet: Any) -> Any:
        return (
            request.env["payment.token"]
            .sudo()
            .search(
                [
                    ("partner_id.commercial_partner_id", "=", wallet.partner_id.id),
                    ("company_id", "=", wallet.company_id.id),
                ]
            )
        )

    def _payment_values(self, wallet: Any, amount: float) -> dict[str, Any]:
        """What the payment form needs, as on the page of an invoice."""
        partner = request.env.user.partner_id
        report: dict[Any, Any] = {}
        providers = (
            request.env["payment.provider"]
            .sudo()
            ._get_compatible_providers(
                wallet.company_id.id, partner.id, amount, currency_id=wallet.currency_id.id, report=report
            )
        )
        methods = (
            request.env["payment.method"]
            .sudo()
            ._get_compatible_payment_methods(
                providers.ids, partner.id, currency_id=wallet.currency_id.id, report=report
            )
        )
        return {
            "page_name": "charging_balance",
            "wallet": wallet,
            "amount": amount,
            "currency": wallet.currency_id,
            "partner_id": partner.id,
            "providers_sudo": providers,
            "payment_methods_sudo": methods,
            "tokens_sudo": request.env["payment.token"].sudo()._get_available_tokens(providers.ids, partner.id),
            "availability_report": report,
            "show_tokenize_input_mapping": self._compute_show_tokenize_input_mapping(providers),
            "transaction_route": f"{PAGE}/{wallet.id}/transaction",
            "landing_route": f"{PAGE}?done=topup",
            "access_token": None,
        }

    def _balance_page(self, *, done: str | None = None, error: str | None = None) -> Response:
        wallets = self._wallets()
        values = self._prepare_portal_layout_values()
        values.update(
            {
                "page_name": "charging_balance",
                "wallets": wallets,
                "tokens": {one.id: self._tokens(one) for one in wallets},
                "ledger": {
                    one.id: one.line_ids.filtered(lambda line: line.parent_state == "posted").sorted(
                        lambda line: (line.date, line.id), reverse=True
                    )[:20]
                    for one in wallets
                },
                "offered_amounts": OFFERED,
                "done": {
                    "topup": request.env._("Thank you. Your payment appears here as soon as it is confirmed."),
                    "reload": request.env._("Your settings were saved."),
                }.get(done or ""),
                "error": error,
            }
        )
        return request.render("emobility_collection.portal_balance", values)
