from __future__ import annotations

import csv
import io
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.wrappers import Response

from odoo import http
from odoo.http import request

from .portal import ChargingPortal, card_domain
from .portal_common import own_token

MAX_ROWS = 10_000
# A cell that begins like this is a formula for a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ChargingCsvPortal(ChargingPortal):
    @http.route("/my/charging/sessions.csv", type="http", auth="user", website=True)
    def portal_charging_csv(self, filterby: str = "all", card: str | None = None, **_kw: Any) -> Response:
        """The sessions of the list as a CSV file, with the times of their places."""
        filters = self._charging_filters()
        chosen = filters.get(filterby, filters["all"])
        domain = self._charging_domain() + chosen["domain"] + card_domain(own_token(card))
        sessions = request.env["emobility.session"].search(
            domain, order="start_at desc, id desc", limit=MAX_ROWS
        )
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self._csv_header())
        # What the user may see is decided above; place and card belong to what they see.
        writer.writerows(self._csv_row(session) for session in sessions.sudo())
        name = "charging-sessions.csv" if filterby not in filters or filterby == "all" else (
            f"charging-sessions-{filterby}.csv"
        )
        return request.make_response(
            out.getvalue().encode("utf-8-sig"),
            headers=[
                ("Content-Type", "text/csv; charset=utf-8"),
                ("Content-Disposition", f'attachment; filename="{name}"'),
            ],
        )

    def _csv_header(self) -> list[str]:
        env = request.env
        return [
            env._("Start"),
            env._("End"),
            env._("Time zone"),
            env._("Place"),
            env._("City"),
            env._("Charging point"),
            env._("Card"),
            env._("Driver"),
            env._("Cost centre"),
            env._("Energy (kWh)"),
            env._("Amount"),
            env._("Currency"),
            env._("State"),
            env._("Invoice"),
        ]

    def _csv_row(self, session: Any) -> list[str]:
        location, token = session.location_id, session.token_id
        zone = ZoneInfo(location.time_zone or "UTC")
        cdr = session._current_cdr()
        rating = cdr.rating_ids.filtered(lambda one: one.relation in ("retail", "adhoc"))[:1]
        states = dict(session._fields["state"]._description_selection(request.env))
        cells = [
            self._csv_time(session.start_at, zone),
            self._csv_time(session.end_at, zone),
            zone.key,
            location.name,
            location.city,
            session.evse_id.evse_id or session.evse_id.uid,
            token.visual_number or token.label or session.token_uid,
            token.partner_id.name,
            token.cost_centre or session.contract_id.cost_centre,
            f"{session.energy_kwh:.3f}",
            f"{cdr.retail_amount:.2f}" if cdr else "",
            (cdr.currency_id if cdr else session.currency_id).name,
            states.get(session.state, ""),
            rating.move_id.name if rating.move_id.state == "posted" else "",
        ]
        return [self._csv_cell(cell) for cell in cells]

    def _csv_time(self, moment: Any, zone: ZoneInfo) -> str:
        if not moment:
            return ""
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    def _csv_cell(self, value: Any) -> str:
        """Text that no spreadsheet takes for a formula."""
        text = str(value or "")
        return f"'{text}" if text.startswith(FORMULA) else text
