from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class EmobilityPricePublication(models.Model):
    """Since when which price for walk-ups has been shown at a charging point; the log of what was published."""

    _name = "emobility.price.publication"
    _inherit = ["emobility.guarded"]
    _description = "Published price"
    _order = "published_at desc, id desc"
    _rec_name = "evse_id"
    _check_company_auto = True

    evse_id = fields.Many2one(
        "emobility.evse", "EVSE", required=True, readonly=True, index=True, check_company=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="evse_id.company_id", store=True, index=True)
    tariff_version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff", readonly=True, index=True, ondelete="restrict"
    )
    fingerprint = fields.Char(readonly=True)
    sheet = fields.Json(readonly=True)
    text = fields.Text("Prices", readonly=True)
    published_at = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)

    @api.model
    def _publish(self, evses: Any) -> EmobilityPricePublication:
        """Note the prices that changed since they were noted last, and tell whoever shows them."""
        news = self.sudo()._as_system()
        latest = self._latest(evses)
        made = self.browse()
        for evse in evses.sudo():
            # In one language, so that who publishes makes no difference.
            sheet = evse._adhoc_sheet(lang="en")
            fingerprint = sheet.fingerprint() if sheet else False
            if fingerprint == latest.get(evse.id, False):
                continue
            made |= news.create(
                {
                    "evse_id": evse.id,
                    "tariff_version_id": evse._adhoc_version().id,
                    "fingerprint": fingerprint,
                    "sheet": sheet.to_json() if sheet else False,
                    "text": sheet.short_text() if sheet else self.env._("No price for charging without a contract"),
                }
            )
        made.evse_id._adhoc_price_changed()
        return made

    def _latest(self, evses: Any) -> dict[int, str | bool]:
        """The fingerprint that was noted last, by EVSE."""
        newest = self.sudo()._read_group([("evse_id", "in", evses.ids)], ["evse_id"], ["id:max"])
        rows = self.sudo().browse([number for _evse, number in newest])
        return {row.evse_id.id: row.fingerprint for row in rows}

    @api.model
    def _cron_publish(self) -> None:
        """Prices change by themselves, when a version begins."""
        evses = self.env["emobility.evse"].sudo().search([("location_id.is_public", "=", True)])
        self._publish(evses)
