from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

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
