from typing import Any

from odoo import models


class EmobilityDatevExport(models.TransientModel):
    _inherit = "emobility.datev.export"

    def _moves(self) -> Any:
        """The credit notes that we issue for hosts are documents of ours too."""
        own = (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("state", "=", "posted"),
                    ("move_type", "in", ("in_invoice", "in_refund")),
                    ("journal_id.is_self_billing", "=", True),
                    ("date", ">=", self.date_from),
                    ("date", "<=", self.date_to),
                ],
                order="date, id",
            )
        )
        return super()._moves() | own
