from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    def _adhoc_reader(self) -> Any:
        """The reader where this charging point can be paid for now; none when there is none that works."""
        readers = self.env["emobility.terminal"].sudo().search(
            [("evse_ids", "in", self.ids), ("stripe_reader", "!=", False), ("state", "not in", ("silent", "fault"))]
        )
        return readers.filtered(lambda terminal: terminal.provider_id.state != "disabled")[:1]
