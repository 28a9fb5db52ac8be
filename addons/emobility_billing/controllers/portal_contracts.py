from __future__ import annotations

from datetime import timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from werkzeug.wrappers import Response

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

from .portal_common import attempt, own_contract, own_contracts


class ChargingContractPortal(CustomerPortal):
    """Contracts of the user: plan, what is included and used, change of the plan, notice, coupons."""

    @http.route("/my/charging/contracts", type="http", auth="user", website=True)
    def portal_charging_contracts(self, **_kw: Any) -> Response:
        """List of the charging contracts of the user."""
        values = self._prepare_portal_layout_values()
        contracts = own_contracts().sudo()
        values.update(
            {
                "page_name": "charging_contracts",
                "contracts": contracts,
                "usage": {contract.id: self._usage(contract) for contract in contracts},
            }
        )
        return request.render("emobility_billing.portal_charging_contracts", values)

    @http.route("/my/charging/contracts/<int:contract_id>", type="http", auth="user", website=True)
    def portal_charging_contract(
        self, contract_id: int, done: str | None = None, error: str | None = None, **_kw: Any
    ) -> Response:
        """One contract. Who may not see it is sent to the list, as if it did not exist."""
        contract = own_contract(contract_id)
        if not contract:
            return request.redirect("/my/charging/contracts")
        return self._contract_page(contract, done=done)

    @http.route(
        "/my/charging/contracts/<int:contract_id>/plan",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_charging_change_plan(self, contract_id: int, **post: Any) -> Response:
        """Change to one of the plans that are offered, tomorrow or at the beginning of next month."""
        contract = own_contract(contract_id)
        plan = self._offered_plans(contract).filtered(lambda one: str(one.id) == str(post.get("plan_id")))
        tomorrow = fields.Date.context_today(contract) + timedelta(days=1)
        day = tomorrow if post.get("when") == "tomorrow" else tomorrow + relativedelta(months=1, day=1)
        if tomorrow.day == 1 and post.get("when") != "tomorrow":
            day = tomorrow

        def step() -> None:
            if not plan:
                raise UserError(request.env._("Choose one of the plans."))
            contract._change_plan(plan, day)

        return self._after(contract, attempt(step), "plan")

    @http.route(
        "/my/charging/contracts/<int:contract_id>/notice",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_charging_notice(self, contract_id: int, **post: Any) -> Response:
        """Give notice for the first possible day; only the holder can, not somebody who pays."""
        contract = own_contract(contract_id)

        def step() -> None:
            if contract.partner_id != request.env.user.partner_id:
                raise UserError(request.env._("Only the holder of the contract can give notice."))
            if not post.get("confirm"):
                raise UserError(request.env._("Please confirm that the contract shall end."))
            contract._give_notice(contract.earliest_end, "customer")

        return self._after(contract, attempt(step), "notice")

    @http.route(
        "/my/charging/contracts/<int:contract_id>/coupon",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_charging_coupon(self, contract_id: int, **post: Any) -> Response:
        """Redeem a coupon code for a contract."""
        contract = own_contract(contract_id)

        def step() -> None:
            discounts = request.env["emobility.discount"].sudo()
            discount = discounts._find_coupon(post.get("code"), contract.company_id)
            if not discount:
                raise UserError(request.env._("This coupon code is not known."))
            discount._redeem(contract)

        return self._after(contract, attempt(step), "coupon")

    def _after(self, contract: Any, error: str | None, done: str) -> Response:
        if not contract:
            return request.redirect("/my/charging/contracts")
        if error:
            return self._contract_page(contract, error=error)
        return request.redirect(f"/my/charging/contracts/{contract.id}?done={done}")

    def _contract_page(self, contract: Any, *, done: str | None = None, error: str | None = None) -> Response:
        values = self._prepare_portal_layout_values()
        values.update(
            {
                "page_name": "charging_contracts",
                "charging_contract": contract,
                "usage": self._usage(contract),
                "plans": self._offered_plans(contract),
                "is_holder": contract.partner_id == request.env.user.partner_id,
                "discounts": request.env["emobility.discount"].sudo()._candidates(contract),
                "done": self._done_texts().get(done or ""),
                "error": error,
            }
        )
        return request.render("emobility_billing.portal_charging_contract", values)

    def _done_texts(self) -> dict[str, str]:
        return {
            "plan": request.env._("Your plan will change. You find the day below."),
            "notice": request.env._("Your notice was received. You find the last day below."),
            "coupon": request.env._("The coupon was redeemed. It counts from your next session on."),
        }

    def _usage(self, contract: Any) -> dict[str, float]:
        """What is included this month, and how much of it is used."""
        month = fields.Date.context_today(contract).replace(day=1)
        kwh, sessions = contract._included_in_month(month)
        used = (
            request.env["emobility.allowance"]
            .sudo()
            .search([("contract_id", "=", contract.id), ("month", "=", month)])
        )
        return {
            "kwh": kwh,
            "sessions": sessions,
            "used_kwh": used.used_kwh,
            "used_sessions": used.used_sessions,
            "percent": min(100, round(100 * used.used_kwh / kwh)) if kwh else 0,
        }

    def _offered_plans(self, contract: Any) -> Any:
        """Plans to which the user can change: offered in the portal, of the company of the contract, with a price."""
        plans = request.env["product.template"].sudo()
        if not contract or contract.charging_state not in ("active", "suspended"):
            return plans
        return plans.search(
            [
                ("is_charging_plan", "=", True),
                ("plan_is_offered", "=", True),
                ("company_id", "in", [False, contract.company_id.id]),
                ("id", "!=", contract.plan_id.id),
            ],
            order="plan_base_fee, name",
        )._with_price(contract.company_id)
