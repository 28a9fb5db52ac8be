from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    def _rate_others(self) -> None:
        """Both CDRs of a charge between our companies are there now, or one of them is priced for the driver."""
        result = super()._rate_others()
        (self.session_id | self.session_id.sudo().origin_session_id)._rate_share()
        self._queue_margins()
        self.filtered(lambda cdr: cdr.revision > 1).session_id.sudo().origin_session_id._queue_share()
        return result

    def _take_back(self, reason: str = "other", note: str | None = None) -> Any:
        credits = super()._take_back(reason, note)
        self.session_id.sudo().origin_session_id._queue_share()
        self._queue_margins()
        return credits

    def _queue_margins(self) -> None:
        """What is left of the driver's price is another now."""
        self.session_id.sudo().partner_cdr_ids._queue_margin()
        self.session_id._queue_internal_margin()

    def action_dispute(self) -> dict[str, Any]:
        """Enter what a partner disputes about this CDR."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.roaming.dispute",
            "view_mode": "form",
            "context": {
                "default_direction": "theirs",
                "default_cdr_id": self.id,
                "default_roaming_partner_id": self.session_id.roaming_agreement_id.roaming_partner_id.id,
            },
        }
