from __future__ import annotations

from collections import defaultdict
from typing import Any

from werkzeug.wrappers import Response

from odoo import fields, http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

from .portal_common import own_contract, own_contracts

MAX_PLACES = 10


class ChargingPricePortal(CustomerPortal):
    """The prices that apply to the user near a place, from the rules that price the sessions."""

    @http.route("/my/charging/prices", type="http", auth="user", website=True)
    def portal_charging_prices(
        self, contract: str | None = None, q: str | None = None, done: str | None = None, **_kw: Any
    ) -> Response:
        """Charging points whose place or number contains a text, with what they cost the user now."""
        return self._prices_page(contract, q, done=done)

    def _prices_page(
        self, contract_id: str | None, text: str | None, *, done: str | None = None, error: str | None = None
    ) -> Response:
        contracts = own_contracts().filtered(lambda one: one.charging_state == "active").sudo()
        contract = own_contract(contract_id) & contracts or contracts[:1]
        text = (text or "").strip()[:80]
        values = self._prepare_portal_layout_values()
        values.update(
            {
                "page_name": "charging_prices",
                "contracts": contracts,
                "chosen": contract,
                "query": text,
                "places": self._places(contract, text) if contract else [],
                "included": contract and contract._included_text(fields.Date.context_today(contract)),
                "my_tokens": contract.token_ids.filtered(
                    lambda token: token._authorization_status() == "Accepted"
                ),
                "max_places": MAX_PLACES,
                "done": request.env._("The charging point was asked to start. Plug in if you have not yet.")
                if done == "start"
                else None,
                "error": error,
            }
        )
        return request.render("emobility_billing.portal_charging_prices", values)

    def _places(self, contract: Any, text: str) -> list[dict[str, Any]]:
        """Places with their charging points by what they cost."""
        domain: list[Any] = [("company_id", "=", contract.company_id.id), ("evse_ids", "!=", False)]
        if text:
            domain += [
                "|", "|", "|", "|",
                ("name", "ilike", text),
                ("city", "ilike", text),
                ("zip", "=like", f"{text}%"),
                ("evse_ids.evse_id", "ilike", text),
                ("evse_ids.uid", "=", text),
            ]  # fmt: skip
        locations = request.env["emobility.location"].sudo().search(domain, limit=MAX_PLACES)
        return [{"location": one, "offers": self._offers(contract, one)} for one in locations]

    def _offers(self, contract: Any, location: Any) -> list[dict[str, Any]]:
        """The charging points of a place, together when they have the same power: then they cost the same."""
        by_outlets: dict[Any, Any] = defaultdict(request.env["emobility.evse"].sudo().browse)
        for evse in location.evse_ids:
            outlets = frozenset((each.power_type, each.max_power_kw) for each in evse.connector_ids)
            by_outlets[outlets] |= evse
        rules = request.env["emobility.price.rule"].sudo()
        now = fields.Datetime.now()
        offers = []
        for outlets, evses in by_outlets.items():
            answer = rules._answer(
                contract.company_id, contract, evses[:1], request.env["emobility.connector"], now
            )
            offers.append(
                {
                    "evses": evses,
                    "power": max((kw for _kind, kw in outlets), default=0.0),
                    "is_dc": any(kind == "DC" for kind, _kw in outlets),
                    "sentences": (answer.version.price_summary or "").splitlines(),
                    "reason": self._reason(answer.rule),
                    "gross": answer.version.price_mode == "gross",
                }
            )
        return sorted(offers, key=lambda offer: offer["power"])

    def _reason(self, rule: Any) -> str:
        """Why this price, in words that name nothing that the customer does not know of."""
        env = request.env
        if rule.partner_id or rule.customer_group_id:
            return env._("Your own terms")
        reasons = []
        if rule.plan_id:
            reasons.append(env._("your plan %(plan)s", plan=rule.plan_id.name))
        if rule.location_group_id:
            reasons.append(env._("this place"))
        if rule.power_class:
            reasons.append(env._("the power of the charging point"))
        if not reasons:
            return env._("Applies to all customers") if rule else ""
        return env._("Because of %(reasons)s", reasons=", ".join(reasons))
