from __future__ import annotations

from odoo import fields, models

from .session_processing import SOURCES_WITH_CABLE


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    def _continued_session(self) -> EmobilitySession:
        """The session of the same card on the same connector that ended a moment before, with the cable still in."""
        self.ensure_one()
        rule = self.env["emobility.gate.rule"]._terms_for(self, "continuation")
        known = self.connector_id and self.token_uid and self.start_at
        if not rule.is_on or not known or self.source not in SOURCES_WITH_CABLE:
            return self.browse()
        return self.sudo().search(
            [
                ("connector_id", "=", self.connector_id.id),
                ("token_uid", "=", self.token_uid),
                ("id", "!=", self.id),
                ("state", "in", ("ended", "held", "done")),
                ("end_at", "<=", self.start_at),
                ("end_at", ">=", fields.Datetime.subtract(self.start_at, minutes=rule.limit_minutes)),
                "|",
                ("unplugged_at", "=", False),
                ("unplugged_at", ">=", self.start_at),
            ],
            order="end_at desc",
            limit=1,
        )
