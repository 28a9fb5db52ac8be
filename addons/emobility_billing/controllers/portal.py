from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request
from odoo.tools import format_date

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from .portal_common import own_token

_SESSIONS_PER_PAGE = 20
_MONTHS_OFFERED = 36


class ChargingPortal(CustomerPortal):
    """The charging sessions of a customer. Which ones those are is said by the record rules of the portal
    group.
    """

    def _prepare_home_portal_values(self, counters: Iterable[str]) -> dict[str, Any]:
        values = super()._prepare_home_portal_values(counters)
        if "charging_session_count" in counters:
            values["charging_session_count"] = request.env["emobility.session"].search_count(
                self._charging_domain()
            )
        return values

    @http.route(["/my/charging", "/my/charging/page/<int:page>"], type="http", auth="user", website=True)
    def portal_my_charging(
        self, page: int = 1, sortby: str = "date", filterby: str = "all", card: str | None = None, **_kw: Any
    ) -> Response:
        """List of sessions with sums over all pages.

        :param filterby: ``all`` or a month as ``2026-01``
        :param card: id of a token: only its sessions
        """
        sessions = request.env["emobility.session"]
        sortings = self._charging_sortings()
        filters = self._charging_filters()
        sortby = sortby if sortby in sortings else "date"
        filterby = filterby if filterby in filters else "all"
        token = own_token(card)
        domain = self._charging_domain() + filters[filterby]["domain"] + card_domain(token)
        page_values = pager(
            url="/my/charging",
            url_args={"sortby": sortby, "filterby": filterby} | ({"card": token.id} if token else {}),
            total=sessions.search_count(domain),
            page=page,
            step=_SESSIONS_PER_PAGE,
        )
        found = sessions.search(
            domain, order=sortings[sortby]["order"], limit=_SESSIONS_PER_PAGE, offset=page_values["offset"]
        )
        values = self._prepare_portal_layout_values()
        values.update(
            {
                # What the user may see is decided above; place and card belong to what they see.
                "sessions": found.sudo(),
                "card": token,
                "totals": self._charging_totals(domain),
                "page_name": "charging",
                "pager": page_values,
                "default_url": "/my/charging",
                "searchbar_sortings": sortings,
                "sortby": sortby,
                "searchbar_filters": filters,
                "filterby": filterby,
            }
        )
        return request.render("emobility_billing.portal_my_charging", values)

    @http.route(
        ["/my/charging/<int:session_id>", "/my/charging/sessions/<int:session_id>"],
        type="http",
        auth="public",
        website=True,
    )
    def portal_charging_session(
        self, session_id: int, access_token: str | None = None, **_kw: Any
    ) -> Response:
        """One session with its price lines. Who may not see it is sent home, as if it did not exist."""
        try:
            session = self._document_check_access("emobility.session", session_id, access_token)
        except (AccessError, MissingError):
            return request.redirect("/my")
        cdr = session._current_cdr()
        rating = cdr.rating_ids.filtered(lambda one: one.relation in ("retail", "adhoc"))[:1]
        values = self._get_page_view_values(
            session,
            access_token,
            {
                "page_name": "charging",
                "charging_session": session,
                "cdr": cdr,
                "rating": rating,
                "invoice": rating.move_id if rating.move_id.state == "posted" else rating.move_id.browse(),
            },
            "my_charging_history",
            False,
        )
        return request.render("emobility_billing.portal_charging_session", values)

    def _charging_domain(self) -> list[Any]:
        """Own sessions also for internal users, who could read others; what was written off is nobody's."""
        return [("partner_id", "=", request.env.user.partner_id.id), ("state", "!=", "void")]

    def _charging_sortings(self) -> dict[str, dict[str, str]]:
        return {
            "date": {"label": request.env._("Newest"), "order": "start_at desc, id desc"},
            "oldest": {"label": request.env._("Oldest"), "order": "start_at, id"},
            "energy": {"label": request.env._("Energy"), "order": "energy_kwh desc, id desc"},
            "amount": {"label": request.env._("Amount"), "order": "amount_estimated desc, id desc"},
        }

    def _charging_filters(self) -> dict[str, dict[str, Any]]:
        """The months in which the user charged, newest first, in the user's time zone."""
        filters: dict[str, dict[str, Any]] = {"all": {"label": request.env._("All"), "domain": []}}
        zone = ZoneInfo(request.env.user.tz or "UTC")
        first, last = request.env["emobility.session"]._read_group(
            self._charging_domain(), [], ["start_at:min", "start_at:max"]
        )[0]
        if not first:
            return filters
        month = _first_of_month(last, zone)
        oldest = max(_first_of_month(first, zone), month - relativedelta(months=_MONTHS_OFFERED - 1))
        while month >= oldest:
            filters[month.strftime("%Y-%m")] = {
                "label": format_date(request.env, month, date_format="MMMM yyyy"),
                "domain": month_domain(month, zone),
            }
            month -= relativedelta(months=1)
        return filters

    def _charging_totals(self, domain: list[Any]) -> dict[str, Any]:
        """Sums over all sessions of the filter, not only of the page; amounts by currency, after
        corrections.
        """
        count, energy = request.env["emobility.session"]._read_group(
            domain, [], ["__count", "energy_kwh:sum"]
        )[0]
        session_domain = [("session_id", "any", domain)]
        amounts = request.env["emobility.cdr"]._read_group(
            session_domain, ["currency_id"], ["retail_amount:sum"]
        )
        return {"count": count, "energy": energy or 0.0, "amounts": [pair for pair in amounts if pair[0]]}


def card_domain(token: Any) -> list[Any]:
    return [("token_id", "=", token.id)] if token else []


def month_domain(first: date, zone: ZoneInfo) -> list[Any]:
    """Sessions that started in the month of a first day, on the clock of the user."""
    following = first + relativedelta(months=1)
    return [("start_at", ">=", _utc(first, zone)), ("start_at", "<", _utc(following, zone))]


def _first_of_month(moment: datetime, zone: ZoneInfo) -> date:
    return moment.replace(tzinfo=UTC).astimezone(zone).date().replace(day=1)


def _utc(day: date, zone: ZoneInfo) -> datetime:
    """Midnight of a local day as the naive UTC that the ORM compares with."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
