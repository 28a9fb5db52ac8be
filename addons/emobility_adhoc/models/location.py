from __future__ import annotations

from typing import Any

from odoo import fields, models


class EmobilityLocation(models.Model):
    _inherit = "emobility.location"

    display_lang_ids = fields.Many2many(
        "res.lang",
        "emobility_location_display_lang_rel",
        "location_id",
        "lang_id",
        "Languages of Displays",
        help="In which languages the displays of stations tell the price. None: in the language of the company.",
    )

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if "display_lang_ids" in vals:
            self.evse_ids._adhoc_show_prices()
        return result

    def _display_languages(self) -> list[str]:
        """Two letters each, the first one first."""
        codes = self.display_lang_ids.mapped("code") or [self.company_id.partner_id.lang or "en_US"]
        return list(dict.fromkeys(code[:2] for code in codes))
