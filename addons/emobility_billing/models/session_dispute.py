from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    dispute_ids = fields.One2many("emobility.dispute", "session_id", "Complaints")
    dispute_count = fields.Integer(compute="_compute_dispute_count")

    @api.depends("dispute_ids")
    def _compute_dispute_count(self) -> None:
        for session in self:
            session.dispute_count = len(session.dispute_ids)

    def action_open_disputes(self) -> dict[str, Any]:
        """Complaints about these sessions."""
        return self._window("emobility.dispute", [("session_id", "in", self.ids)], self.env._("Complaints"))
