from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.http import content_disposition, request

from odoo.addons.portal.controllers.portal import CustomerPortal


class HostPortal(CustomerPortal):
    """What a host agreed to, and the statements."""

    def _prepare_home_portal_values(self, counters: Iterable[str]) -> dict[str, Any]:
        values = super()._prepare_home_portal_values(counters)
        if "host_agreement_count" in counters:
            values["host_agreement_count"] = len(self._own_as_host("emobility.host.agreement"))
        return values

    def _own_as_host(self, model: str) -> Any:
        """Records of the user, with the rights of the system; also for internal users, who could read others."""
        domain = [("partner_id", "=", request.env.user.partner_id.id), ("state", "!=", "draft")]
        return (
            request.env[model].search(domain).sudo()
            if request.env[model].has_access("read")
            else request.env[model]
        )

    @http.route("/my/charging/host", type="http", auth="user", website=True)
    def portal_host(self, **_kw: Any) -> Response:
        """Agreements and statements of the user."""
        values = self._prepare_portal_layout_values()
        settlements = self._own_as_host("emobility.host.settlement").filtered(lambda one: one.state == "done")
        values.update(
            {
                "page_name": "charging_host",
                "agreements": self._own_as_host("emobility.host.agreement"),
                "settlements": settlements,
            }
        )
        return request.render("emobility_host.portal_host", values)

    @http.route(
        "/my/charging/host/statements/<int:settlement_id>/<any(pdf,csv):kind>",
        type="http",
        auth="user",
        website=True,
    )
    def portal_host_file(self, settlement_id: int, kind: str, **_kw: Any) -> Response:
        """The statement or its sessions as a file. What is not the user's own does not exist."""
        settlement = self._own_as_host("emobility.host.settlement").filtered(lambda one: one.id == settlement_id)
        files = settlement and settlement.state == "done" and settlement._make_files()
        file = files and files.filtered(lambda one: one.name.endswith(f".{kind}"))[:1]
        if not file:
            return request.redirect("/my/charging/host")
        return request.make_response(
            file.raw,
            [("Content-Type", file.mimetype), ("Content-Disposition", content_disposition(file.name))],
        )
