from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.colors import readable_on
from odoo.addons.emobility_billing.rating import RatingError

from ..price_sheet import PriceSheet, price_sheet
from .adhoc_session import ACTIVE
from .adhoc_voucher import readable_code

CODE_LENGTH = 7
ANNOUNCE_DAYS = 14


class EmobilityEvse(models.Model):
    """What a walk-up customer needs to know of a charging point: its code, its price, whether it is free."""

    _inherit = "emobility.evse"

    adhoc_code = fields.Char(
        "Short code",
        copy=False,
        index="btree_not_null",
        readonly=True,
        help="What a customer types who cannot scan the code on the sticker.",
    )
    adhoc_url = fields.Char("Web page", compute="_compute_adhoc_url", help="What the code on the sticker opens.")
    adhoc_ids = fields.One2many("emobility.adhoc.session", "evse_id", "Ad-hoc sessions")

    _adhoc_code_unique = models.UniqueIndex(
        "(adhoc_code) WHERE adhoc_code IS NOT NULL", "Another EVSE has this short code."
    )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityEvse:
        return super().create([{"adhoc_code": readable_code(CODE_LENGTH), **vals} for vals in vals_list])

    def _adhoc_ensure_codes(self) -> None:
        for evse in self.filtered(lambda one: not one.adhoc_code):
            evse.adhoc_code = readable_code(CODE_LENGTH)

    @api.depends("adhoc_code", "location_id.group_ids.emobility_brand_id", "company_id.emobility_brand_id")
    def _compute_adhoc_url(self) -> None:
        for evse in self:
            code = evse.adhoc_code
            evse.adhoc_url = code and f"{evse._adhoc_host()}/charge/{code}?s={evse._adhoc_signature()}"

    # Who is who

    def _adhoc_signature(self) -> str:
        """Says that a code comes from a sticker of ours."""
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret") or ""
        text = f"adhoc-sticker:{self.adhoc_code}"
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:12]

    def _adhoc_host(self) -> str:
        domain = self._adhoc_brand().website_domain
        return f"https://{domain}" if domain else self.get_base_url()

    def _adhoc_brand(self) -> Any:
        return self.env["emobility.brand"].sudo()._brand_for(self.company_id, location=self.location_id)

    @api.model
    def _adhoc_find(self, code: str) -> EmobilityEvse:
        """The EVSE with this short code or EVSE-ID, at a place that the public can see."""
        wanted = "".join(code.split()).upper()[:60]
        if not wanted:
            return self.browse()
        evses = self.sudo().search([("adhoc_code", "=", wanted)], limit=1)
        evses = evses or self.sudo().search([("evse_id", "=", wanted)], limit=2)
        return evses if len(evses) == 1 and evses.location_id.is_public else self.browse()

    # Price

    def _adhoc_version(self, at: Any = None) -> Any:
        """The tariff version for somebody without a contract."""
        self.ensure_one()
        evse = self.sudo()
        nobody = self.env["contract.contract"]
        connector = self.env["emobility.connector"]
        return self.env["emobility.price.rule"]._select_version(
            evse.company_id, nobody, evse, connector, at or fields.Datetime.now(), relation="adhoc"
        )

    def _adhoc_sheet(self, at: Any = None, lang: str | None = None) -> PriceSheet | None:
        """The prices as all channels show them; None: nobody can charge here without a contract."""
        return self._adhoc_sheet_of(self._adhoc_version(at), lang)

    def _adhoc_sheet_of(self, version: Any, lang: str | None = None) -> PriceSheet | None:
        if not version or version.price_mode != "gross":
            return None
        try:
            return price_sheet(version._engine_tariff(), lang or self.env.lang or "en")
        except RatingError:
            return None

    def _adhoc_price_id(self, version: Any) -> str:
        """The same for the same prices, in whichever language they are shown; empty without a price."""
        sheet = self._adhoc_sheet_of(version, "en")
        return sheet.fingerprint() if sheet else ""

    def _adhoc_next_change(self, version: Any) -> tuple[Any, PriceSheet] | None:
        """The next change of the price of this version that is known and near: when, and what it costs then."""
        now = fields.Datetime.now()
        starts = [
            one.valid_from for one in version.tariff_id.version_ids
            if now < one.valid_from <= now + timedelta(days=ANNOUNCE_DAYS)
        ]  # fmt: skip
        current = self._adhoc_sheet_of(version)
        for start in sorted(starts):
            sheet = self._adhoc_sheet(start)
            if sheet and current and sheet.fingerprint() != current.fingerprint():
                return start, sheet
        return None

    def _adhoc_hold(self) -> float:
        is_dc = "DC" in self.connector_ids.mapped("power_type")
        return self.company_id.adhoc_hold_dc if is_dc else self.company_id.adhoc_hold_ac

    def _adhoc_display_text(self, lang: str = "en") -> str:
        """What the display of the station says of the price."""
        sheet = self._adhoc_sheet(lang=lang)
        return sheet.short_text(lang) if sheet else ""

    def _adhoc_price_changed(self) -> None:
        """Hook: the published price of these EVSEs has changed. What shows it extends this."""

    # State

    def _adhoc_is_available(self) -> bool:
        """Whether somebody can start here now: connected, not broken, and nobody charges."""
        self.ensure_one()
        evse = self.sudo()
        if not evse._can_start_remotely() or evse._live_status() == "unavailable":
            return False
        live = self.env["emobility.session"].sudo().search_count(
            [("evse_id", "=", evse.id), ("state", "=", "live")], limit=1
        )
        return not live

    def _adhoc_is_taken(self) -> bool:
        active = [("evse_id", "=", self.id), ("state", "in", ACTIVE)]
        return bool(self.env["emobility.adhoc.session"].sudo().search_count(active, limit=1))

    # Stickers

    def _adhoc_ink(self) -> str:
        """A text colour that can be read on the colour of the brand."""
        return readable_on(self._adhoc_brand()._look(self.company_id).primary_color)

    def _adhoc_qr(self) -> str:
        """The code of the sticker as a picture for a report."""
        self.sudo()._adhoc_ensure_codes()
        picture = self.env["ir.actions.report"].barcode("QR", self.adhoc_url, width=600, height=600, barLevel="M")
        return "data:image/png;base64," + base64.b64encode(picture).decode()

    def action_print_stickers(self) -> dict[str, Any]:
        """Stickers of these EVSEs, one on a page."""
        if not self:
            raise UserError(self.env._("Choose the charging points first."))
        return self.env.ref("emobility_adhoc.action_report_sticker").report_action(self)
