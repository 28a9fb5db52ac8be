from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.http import request


class LocationPage(http.Controller):
    """The page of a place with charging points, for drivers on their way or in front of it."""

    @http.route("/charging/location/<path:code>", type="http", auth="public", website=True, sitemap=False)
    def location_page(self, code: str, **_kw: Any) -> Response:
        """Address, opening hours and charging points of a place that is published; others do not exist."""
        # Drivers have no rights on places: only what the page shows of a published one is read.
        locations = (
            request.env["emobility.location"]
            .sudo()
            .search([("code", "=", code), ("is_published", "=", True)], order="id")
        )
        location = locations.filtered(lambda one: one.company_id == request.env.company)[:1] or locations[:1]
        if not location:
            raise request.not_found()
        return request.render(
            "emobility_crm.location_page",
            {"location": location, "status": {evse.id: evse._live_status() for evse in location.evse_ids}},
        )
