from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from werkzeug.wrappers import Response

from odoo import fields, http
from odoo.http import request
from odoo.tools import format_date

from .portal import ChargingPortal, month_domain
from .portal_common import driven_tokens

_MONTHS_OFFERED = 13


class ChargingDriverPortal(ChargingPortal):
    """Who drives on the account of a company: what each card cost in a month, its limit, and cost centres."""

    def _prepare_portal_layout_values(self) -> dict[str, Any]:
        values = super()._prepare_portal_layout_values()
        return values | {"charging_has_drivers": bool(driven_tokens(limit=1))}

    @http.route("/my/charging/drivers", type="http", auth="user", website=True)
    def portal_charging_drivers(self, month: str | None = None, **_kw: Any) -> Response:
        """Cards that the user pays for, with their use in a month (``2026-01``; the present one by default)."""
        months = self._months_of_drivers()
        month = month if month in months else next(iter(months))
        first = date.fromisoformat(f"{month}-01")
        rows = self._driver_rows(first)
        values = self._prepare_portal_layout_values()
        values.update(
            {
                "page_name": "charging_drivers",
                "months": months,
                "month": month,
                "rows": rows,
                "centres": self._cost_centres(rows),
            }
        )
        return request.render("emobility_billing.portal_charging_drivers", values)

    def _months_of_drivers(self) -> dict[str, str]:
        first = fields.Date.context_today(request.env.user).replace(day=1)
        months = [first - relativedelta(months=back) for back in range(_MONTHS_OFFERED)]
        return {f"{day:%Y-%m}": format_date(request.env, day, date_format="MMMM yyyy") for day in months}

    def _driver_rows(self, first: date) -> list[dict[str, Any]]:
        """One row for each card: those that can charge, and those that did in the month."""
        domain = [*self._charging_domain(), *month_domain(first, ZoneInfo(request.env.user.tz or "UTC"))]
        sessions = request.env["emobility.session"]
        used = {
            token.id: (count, energy)
            for token, count, energy in sessions._read_group(domain, ["token_id"], ["__count", "energy_kwh:sum"])
        }
        without_price = dict(sessions._read_group([*domain, ("state", "!=", "done")], ["token_id"], ["__count"]))
        amounts: dict[int, list[tuple[Any, float]]] = {}
        for token, currency, amount in (
            request.env["emobility.cdr"]
            .sudo()
            ._read_group(
                [("session_id", "any", domain)], ["session_id.token_id", "currency_id"], ["retail_amount:sum"]
            )
        ):
            if currency:
                amounts.setdefault(token.id, []).append((currency, amount))
        tokens = driven_tokens(others_only=False).filtered(
            lambda token: token.id in used or token.state in ("active", "blocked")
        )
        return [
            {
                "token": token,
                "centre": token.cost_centre or token.contract_id.cost_centre or "",
                "count": used.get(token.id, (0, 0.0))[0],
                "energy": used.get(token.id, (0, 0.0))[1] or 0.0,
                "amounts": amounts.get(token.id, []),
                "open": without_price.get(token, 0),
                "share": self._share_of_limit(token, amounts.get(token.id, [])),
            }
            for token in tokens.sudo().sorted(lambda one: (one.partner_id.name or "", one.id))
        ]

    def _share_of_limit(self, token: Any, amounts: list[tuple[Any, float]]) -> int | None:
        """Percent of the monthly limit; None: there is none."""
        if not token.monthly_limit:
            return None
        return round(100 * sum(amount for _currency, amount in amounts) / token.monthly_limit)

    def _cost_centres(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows added up by cost centre; nothing when there is only one."""
        centres: dict[str, dict[str, Any]] = {}
        for row in rows:
            centre = centres.setdefault(row["centre"], {"name": row["centre"], "count": 0, "energy": 0.0, "sums": {}})
            centre["count"] += row["count"]
            centre["energy"] += row["energy"]
            for currency, amount in row["amounts"]:
                centre["sums"][currency] = centre["sums"].get(currency, 0.0) + amount
        return [centres[name] for name in sorted(centres)] if len(centres) > 1 else []
