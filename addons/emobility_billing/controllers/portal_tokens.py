from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import email_normalize

from odoo.addons.portal.controllers.portal import CustomerPortal

from .portal_common import attempt, own_contract, own_contracts, own_token, own_tokens

MAX_NAME = 60


class ChargingTokenPortal(CustomerPortal):
    """Cards and apps of the user: order, name, block as lost; for a payer also who drives, and limits."""

    @http.route("/my/charging/tokens", type="http", auth="user", website=True)
    def portal_charging_tokens(self, done: str | None = None, **_kw: Any) -> Response:
        """List of the tokens that the user drives with or pays for."""
        return self._tokens_page(done=done)

    @http.route("/my/charging/tokens/order", type="http", auth="user", methods=["POST"], website=True)
    def portal_charging_order_token(self, **post: Any) -> Response:
        """Order a card for one of the contracts of the user."""
        contract = own_contract(post.get("contract_id"))

        def step() -> None:
            if not contract:
                raise UserError(request.env._("Choose the contract for the card."))
            tokens = request.env["emobility.token"].sudo()
            driver = self._driver(contract, post)
            token = tokens._order_card(contract, driver, self._text(post, "label"))
            token.write(self._terms(post))

        error = attempt(step)
        if error:
            return self._tokens_page(error=error, post=post)
        return request.redirect("/my/charging/tokens?done=order")

    @http.route(
        "/my/charging/tokens/<int:token_id>/save", type="http", auth="user", methods=["POST"], website=True
    )
    def portal_charging_save_token(self, token_id: int, **post: Any) -> Response:
        """Save the name; and, for who pays, the driver, the cost centre and the monthly limit."""
        token = own_token(token_id)

        def step() -> None:
            self._check_found(token)
            values: dict[str, Any] = {"label": self._text(post, "label")}
            if self._pays(token):
                driver = self._driver(token.contract_id, post)
                values |= self._terms(post)
                if driver:
                    values["partner_id"] = driver.id
            token.write(values)

        error = attempt(step)
        return self._tokens_page(error=error) if error else request.redirect("/my/charging/tokens?done=save")

    @http.route(
        "/my/charging/tokens/<int:token_id>/lost", type="http", auth="user", methods=["POST"], website=True
    )
    def portal_charging_lose_token(self, token_id: int, **_post: Any) -> Response:
        """Report a token as lost: it stops charging at once."""
        token = own_token(token_id)

        def step() -> None:
            self._check_found(token)
            token.action_report_lost()

        error = attempt(step)
        return self._tokens_page(error=error) if error else request.redirect("/my/charging/tokens?done=lost")

    def _tokens_page(
        self, *, done: str | None = None, error: str | None = None, post: dict[str, Any] | None = None
    ) -> Response:
        values = self._prepare_portal_layout_values()
        tokens = own_tokens().sudo()
        contracts = own_contracts().filtered(lambda contract: contract.charging_state == "active").sudo()
        values.update(
            {
                "page_name": "charging_tokens",
                "tokens": tokens,
                "pays": {token.id: self._pays(token) for token in tokens},
                "contracts": contracts,
                "post": post or {},
                "done": self._done_token_texts().get(done or ""),
                "error": error,
            }
        )
        return request.render("emobility_billing.portal_charging_tokens", values)

    def _done_token_texts(self) -> dict[str, str]:
        return {
            "order": request.env._("The card was ordered. It is sent to you as soon as it is made."),
            "save": request.env._("Saved."),
            "lost": request.env._("The card is blocked: nobody can charge with it any more."),
        }

    def _pays(self, token: Any) -> bool:
        """Whether the user holds or pays the contract of the token, and does not only drive with it."""
        contract = token.contract_id
        return request.env.user.partner_id in (contract.partner_id | contract.invoice_partner_id)

    def _terms(self, post: dict[str, Any]) -> dict[str, Any]:
        """What only who pays may say of a card."""
        return {
            "cost_centre": self._text(post, "cost_centre"),
            "monthly_limit": self._amount(post.get("monthly_limit")),
        }

    def _check_found(self, token: Any) -> None:
        if not token:
            raise UserError(request.env._("This card is not known."))

    def _text(self, post: dict[str, Any], name: str) -> str | bool:
        text = (post.get(name) or "").strip()
        if len(text) > MAX_NAME:
            raise UserError(
                request.env._("'%(text)s' is too long: at most %(most)s characters.", text=text, most=MAX_NAME)
            )
        return text or False

    def _amount(self, text: str | None) -> float:
        plain = (text or "").strip().replace(",", ".")
        try:
            amount = float(plain or 0)
        except ValueError:
            amount = -1.0
        if not 0 <= amount < 1e6:
            raise UserError(request.env._("'%(text)s' is not an amount, such as 150.00.", text=text))
        return amount

    def _driver(self, contract: Any, post: dict[str, Any]) -> Any:
        """The contact that is named as driver: one of the customer's own people, made when it is new."""
        partners = request.env["res.partner"].sudo()
        name = self._text(post, "driver_name")
        if not name:
            return partners
        customer = contract.partner_id.commercial_partner_id
        mail = email_normalize(post.get("driver_email") or "") or False
        if post.get("driver_email") and not mail:
            raise UserError(
                request.env._("'%(mail)s' is not an e-mail address.", mail=post.get("driver_email"))
            )
        found = partners.search(
            [
                ("id", "child_of", customer.id),
                ("email_normalized", "=", mail) if mail else ("name", "=", name),
            ],
            limit=1,
        )
        return found or partners.create(
            {"name": name, "email": mail, "parent_id": customer.id, "type": "contact", "lang": customer.lang}
        )
