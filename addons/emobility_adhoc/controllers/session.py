from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.http import request
from odoo.tools import email_normalize

from odoo.addons.emobility_billing.colors import readable_on
from odoo.addons.emobility_billing.rating.wording import words_of
from odoo.addons.payment.controllers.portal import PaymentPortal

from .common import AdhocPages

FIELDS = ("name", "vat", "street", "zip", "city", "country_id", "email")


class SessionController(AdhocPages, PaymentPortal):
    """The pages of one session. Its link cannot be guessed; whoever has it sees this session and nothing else."""

    @http.route("/charge/session/<string:token>", type="http", auth="public", methods=["GET"], sitemap=False)
    def charge_session(self, token: str, **_kw: Any) -> Response:
        """What goes on, and at the end the receipt."""
        adhoc = self._adhoc(token)
        return self._session_page("emobility_adhoc.charging_session", adhoc, {})

    @http.route(
        "/charge/session/<string:token>/status", type="http", auth="public", methods=["GET"], sitemap=False,
        save_session=False, readonly=True,
    )  # fmt: skip
    def charge_status(self, token: str, **_kw: Any) -> Response:
        """The figures of the session, for whoever cannot be pushed to."""
        response = request.make_json_response(self._adhoc(token, lang=False)._public_status())
        return self._protect(response)

    @http.route("/charge/session/<string:token>/stop", type="http", auth="public", methods=["POST"], sitemap=False)
    def charge_stop(self, token: str, **_kw: Any) -> Response:
        """End charging, or give up before it begins."""
        adhoc = self._adhoc(token)
        adhoc._enqueue("stop")._stop_by_customer()
        return request.redirect(adhoc._session_path(), code=303)

    # Payment

    @http.route(
        "/charge/session/<string:token>/pay", type="http", auth="public", methods=["GET"], sitemap=False, website=True
    )
    def charge_pay(self, token: str, **_kw: Any) -> Response:
        """Odoo's payment form, with the providers that can hold an amount and capture a part of it."""
        adhoc = self._adhoc(token)
        if adhoc.state != "draft" or adhoc.kind != "paid":
            return request.redirect(adhoc._session_path(), code=303)
        partner = adhoc.company_id._adhoc_payer()
        providers = self._providers(adhoc)
        methods = request.env["payment.method"].sudo()._get_compatible_payment_methods(
            providers.ids, partner.id, currency_id=adhoc.currency_id.id
        )
        look = adhoc.evse_id._adhoc_brand()._look(adhoc.company_id)
        values = {
            "adhoc": adhoc,
            "look": look,
            "primary": look.primary_color,
            "on_primary": readable_on(look.primary_color),
            "accent": look.secondary_color,
            "on_accent": readable_on(look.secondary_color),
            "res_company": adhoc.company_id,
            "no_header": True,
            "no_footer": True,
            "reference_prefix": adhoc.name,
            "amount": adhoc.hold_amount,
            "currency": adhoc.currency_id,
            "partner_id": partner.id,
            "providers_sudo": providers,
            "payment_methods_sudo": methods,
            "tokens_sudo": request.env["payment.token"].sudo(),
            "transaction_route": f"{adhoc._session_path()}/transaction",
            "landing_route": adhoc._session_path(),
            "access_token": token,
            "show_tokenize_input_mapping": dict.fromkeys(providers.ids, False),
            "allow_token_selection": False,
            "submit_button_label": request.env._("Hold %s", adhoc.currency_id.format(adhoc.hold_amount)),
        }
        response = request.render("emobility_adhoc.charging_pay", values)
        response.headers["Content-Security-Policy"] = "frame-ancestors 'none'; object-src 'none'; base-uri 'self'"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    @http.route("/charge/session/<string:token>/transaction", type="jsonrpc", auth="public")
    def charge_transaction(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """Make the transaction of the payment form. The amount is ours, whatever the browser says.

        :raises UserError: when it cannot be paid any more, or not with this provider
        """
        adhoc = self._adhoc(token)
        provider = request.env["payment.provider"].sudo().browse(int(kwargs.get("provider_id") or 0))
        if adhoc.state != "draft" or adhoc.kind != "paid" or provider not in self._providers(adhoc):
            raise UserError(request.env._("This session cannot be paid any more."))
        tx = self._create_transaction(
            provider_id=provider.id,
            payment_method_id=kwargs.get("payment_method_id"),
            token_id=None,
            amount=adhoc.hold_amount,
            currency_id=adhoc.currency_id.id,
            partner_id=adhoc.company_id._adhoc_payer().id,
            flow="redirect" if kwargs.get("flow") == "redirect" else "direct",
            tokenization_requested=False,
            landing_route=adhoc._session_path(),
            custom_create_values={"adhoc_id": adhoc.id},
        )
        return tx._get_processing_values()

    def _providers(self, adhoc: Any) -> Any:
        """Providers of the company that sells which capture a part of a hold and release the rest."""
        providers = request.env["payment.provider"].sudo()._get_compatible_providers(
            adhoc.company_id.id,
            adhoc.company_id._adhoc_payer().id,
            adhoc.hold_amount,
            currency_id=adhoc.currency_id.id,
        )
        return providers.filtered(
            lambda one: one.capture_manually
            and one.support_manual_capture == "partial"
            and one.company_id == adhoc.company_id
        )

    # Receipt and invoice

    @http.route(
        "/charge/session/<string:token>/receipt.pdf", type="http", auth="public", methods=["GET"], sitemap=False
    )
    def charge_receipt(self, token: str, **_kw: Any) -> Response:
        """The receipt, or the invoice that replaced it."""
        adhoc = self._adhoc(token)
        if not adhoc.move_id:
            raise request.not_found()
        name = adhoc.move_id.name.replace("/", "-")
        headers = [
            ("Content-Type", "application/pdf"),
            ("Content-Disposition", f'inline; filename="{name}.pdf"'),
        ]
        return self._protect(request.make_response(adhoc._receipt_pdf(), headers))

    @http.route(
        "/charge/session/<string:token>/invoice", type="http", auth="public", methods=["GET", "POST"], sitemap=False
    )
    def charge_invoice(self, token: str, **values: Any) -> Response:
        """An invoice with name, address and VAT number in place of the receipt."""
        adhoc = self._adhoc(token)
        if not adhoc._can_reissue():
            return request.redirect(adhoc._session_path(), code=303)
        given = {name: str(values.get(name) or "").strip()[:200] for name in FIELDS}
        error = None
        if request.httprequest.method == "POST":
            error = self._ask_for_invoice(adhoc, given)
            if not error:
                return request.redirect(adhoc._session_path(), code=303)
        countries = request.env["res.country"].sudo().search([])  # pylint: disable=no-search-all
        given["country_id"] = given["country_id"] or str(adhoc.company_id.country_id.id or "")
        return self._session_page(
            "emobility_adhoc.charging_invoice_form", adhoc,
            {"given": given, "error": error, "countries": countries}, status=422 if error else 200,
        )  # fmt: skip

    def _ask_for_invoice(self, adhoc: Any, given: dict[str, str]) -> str | None:
        """What is wrong with what was given; None when the invoice was made."""
        env = request.env
        if not env["emobility.adhoc.attempt"]._may("invoice", self._client()):
            return env._("Too many attempts. Please wait some minutes.")
        if not all(given[name] for name in ("name", "street", "zip", "city")):
            return env._("Please enter name and address.")
        if given["email"] and not email_normalize(given["email"]):
            return env._("This is not an email address.")
        country = env["res.country"].sudo().browse(
            int(given["country_id"]) if given["country_id"].isdecimal() else 0
        ).exists()  # fmt: skip
        try:
            with env.cr.savepoint():
                adhoc._reissue({**given, "country_id": country.id, "vat": given["vat"] or False})
        except ValidationError as error:
            return str(error)
        return None

    # Helpers

    def _adhoc(self, token: str, *, lang: bool = True) -> Any:
        """:raises NotFound: when there is no session with this link"""
        if lang:
            self._use_language()
        sessions = request.env["emobility.adhoc.session"].sudo()
        adhoc = sessions.search([("access_token", "=", token)], limit=1) if len(token) >= 30 else sessions
        if not adhoc:
            raise NotFound()
        return adhoc

    def _session_page(self, template: str, adhoc: Any, values: dict[str, Any], status: int = 200) -> Response:
        point = words_of(request.env.lang or "en").decimal_point
        values |= {"adhoc": adhoc, "evse": adhoc.evse_id, "status": adhoc._public_status(), "channel": adhoc._channel()}
        values["local"] = lambda figure: figure.replace(".", point)
        return self._page(
            template, values, company=adhoc.company_id, location=adhoc.location_id, status=status
        )
