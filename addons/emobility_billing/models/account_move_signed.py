from __future__ import annotations

from odoo import models

from ..report.transparency_file import SignedValue, render


class AccountMove(models.Model):
    _inherit = "account.move"

    def _emobility_signed_file(self) -> tuple[str, bytes] | None:
        """Name and content of the file with all that meters signed in the sessions of this invoice, if they did.

        Its numbers are those of the sessions in the annex.
        """
        self.ensure_one()
        sessions = [
            (number, [SignedValue(one["text"], one["public_key"]) for one in rating.cdr_id.signed_values])
            for number, rating in enumerate(self._emobility_listed_ratings(), start=1)
            if rating.cdr_id.has_signed_values
        ]
        if not sessions:
            return None
        title = self.with_context(lang=self.partner_id.lang or self.env.lang).env._("Signed meter values")
        return f"{title} {self.name.replace('/', '_')}.xml", render(sessions)
