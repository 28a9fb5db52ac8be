from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from odoo import http
from odoo.http import request
from odoo.tools import email_normalize

MAX_LENGTH = 120
MAX_CARDS = 20
TEXTS = ("name", "company", "email", "phone", "street", "zip", "city", "message")


class ChargingJoin(http.Controller):
    """A page on which people sign up for a charging plan. A clerk makes the contract of the lead."""

    @http.route("/charging/join", type="http", auth="public", website=True, sitemap=True)
    def charging_join(self, plan: str | None = None, **_kw: Any) -> Response:
        """The form, with the plans that are offered in the portal."""
        return self._page({"plan_id": plan or ""})

    @http.route("/charging/join/send", type="http", auth="public", methods=["POST"], website=True)
    def charging_join_send(self, **post: Any) -> Response:
        """Make a lead of what was entered, or show the form again with what is wrong."""
        values = {name: (post.get(name) or "").strip() for name in (*TEXTS, "plan_id", "cards")}
        if post.get("homepage"):
            # A field that people do not see: whoever fills it is a program.
            return request.redirect("/charging/join/thanks")
        problems = self._problems(values, bool(post.get("consent")))
        if problems:
            return self._page(values, problems)
        request.env["crm.lead"].sudo().create(self._lead_values(values))
        return request.redirect("/charging/join/thanks")

    @http.route("/charging/join/thanks", type="http", auth="public", website=True)
    def charging_join_thanks(self, **_kw: Any) -> Response:
        """What comes next."""
        return request.render("emobility_crm_lead.join_thanks")

    def _page(self, values: dict[str, str], problems: dict[str, str] | None = None) -> Response:
        return request.render(
            "emobility_crm_lead.join",
            {"plans": self._plans(), "values": values, "problems": problems or {}, "max_cards": MAX_CARDS},
        )

    def _plans(self) -> Any:
        return (
            request.env["product.template"]
            .sudo()
            .search(
                [
                    ("is_charging_plan", "=", True),
                    ("plan_is_offered", "=", True),
                    ("company_id", "in", [False, request.env.company.id]),
                ],
                order="plan_base_fee, name",
            )
            ._with_price(request.env.company)
        )

    def _problems(self, values: dict[str, str], consent: bool) -> dict[str, str]:
        env = request.env
        problems = {}
        for name in TEXTS:
            if len(values[name]) > (2000 if name == "message" else MAX_LENGTH):
                problems[name] = env._("This is too long.")
        for name in ("name", "email", "street", "zip", "city"):
            if not values[name]:
                problems[name] = env._("Please fill this in.")
        if values["email"] and not email_normalize(values["email"]):
            problems["email"] = env._("This is not an e-mail address.")
        if values["plan_id"] not in {str(plan.id) for plan in self._plans()}:
            problems["plan_id"] = env._("Please choose one of the plans.")
        if not (values["cards"].isdecimal() and int(values["cards"]) <= MAX_CARDS):
            problems["cards"] = env._("A number from 0 to %(most)s.", most=MAX_CARDS)
        if not consent:
            problems["consent"] = env._("We need your consent to work on your request.")
        return problems

    def _lead_values(self, values: dict[str, str]) -> dict[str, Any]:
        plan_id = int(values["plan_id"])
        return {
            "name": request.env._("Sign-up of %(name)s", name=values["company"] or values["name"]),
            "type": "opportunity",
            "contact_name": values["name"],
            "partner_name": values["company"] or False,
            "email_from": values["email"],
            "phone": values["phone"] or False,
            "street": values["street"],
            "zip": values["zip"],
            "city": values["city"],
            "country_id": request.env.company.sudo().country_id.id,
            "description": values["message"] or False,
            "charging_plan_id": plan_id,
            "charging_card_count": int(values["cards"]),
            "company_id": request.env.company.id,
            "user_id": False,
        }
