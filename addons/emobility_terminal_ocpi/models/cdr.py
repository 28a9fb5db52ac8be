from __future__ import annotations

from typing import Any

from odoo import models


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    def _ocpi_rating(self) -> Any:
        """A session without a contract has one rating: what the customer pays."""
        return self.rating_ids.filtered(lambda one: one.relation == "adhoc")[:1] or super()._ocpi_rating()

    def _ocpi_changed(self) -> None:  # pylint: disable=missing-return
        """One that was paid at a terminal waits for its receipt, which it names."""
        paid = self.sudo().filtered(lambda cdr: cdr.session_id.adhoc_id.terminal_id.connection_id)
        waiting = paid.filtered(lambda cdr: cdr._ocpi_rating().move_id.state != "posted" and not cdr.credit)
        super(EmobilityCdr, self - waiting)._ocpi_changed()
