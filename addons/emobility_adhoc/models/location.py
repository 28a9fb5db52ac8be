from __future__ import annotations

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

    def _display_languages(self) -> list[str]:
        """Two letters each, the first one first."""
        codes = self.display_lang_ids.mapped("code") or [self.company_id.partner_id.lang or "en_US"]
        return list(dict.fromkeys(code[:2] for code in codes))
