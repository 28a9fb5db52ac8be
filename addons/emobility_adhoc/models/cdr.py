from __future__ import annotations

from odoo import models


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    def _after_rating(self) -> None:  # pylint: disable=missing-return
        """What a session without a contract costs is collected at once."""
        super()._after_rating()
        for session in self.session_id.filtered("adhoc_id"):
            session.sudo().adhoc_id._enqueue("invoice")._invoice_due()
