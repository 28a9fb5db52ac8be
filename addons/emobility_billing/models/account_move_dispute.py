from __future__ import annotations

from typing import Any

from odoo import fields, models

from .dispute import OPEN_STATES


class AccountMove(models.Model):
    _inherit = "account.move"

    has_open_dispute = fields.Boolean(
        "Complaint Is Open",
        compute="_compute_has_open_dispute",
        search="_search_has_open_dispute",
        help="The customer complains about it or about one of its sessions: it is not dunned until that is answered.",
    )

    def _compute_has_open_dispute(self) -> None:
        disputed = self._own_moves_in_dispute()
        for move in self:
            move.has_open_dispute = move._origin in disputed

    def _search_has_open_dispute(self, operator: str, value: Any) -> Any:
        if operator not in ("in", "not in"):
            return NotImplemented
        wanted = (True in value) == (operator == "in")
        disputed = self._moves_in_dispute(("move_id", "!=", False), ("session_id", "!=", False))
        return [("id", "in" if wanted else "not in", disputed.ids)]

    def _own_moves_in_dispute(self) -> Any:
        return self._moves_in_dispute(
            ("move_id", "in", self.ids), ("session_id.cdr_ids.rating_ids.move_id", "in", self.ids)
        )

    def _moves_in_dispute(self, *about: tuple[str, str, Any]) -> Any:
        """Invoices with an open complaint, of those complaints that one of both terms is about."""
        disputes = self.env["emobility.dispute"].sudo().search([("state", "in", OPEN_STATES), "|", *about])
        return disputes.move_id | disputes.session_id.cdr_ids.rating_ids.move_id

    def _has_open_dispute(self) -> bool:
        """Whether the customer complains about one of these invoices: then they are not dunned."""
        return bool(self & self._own_moves_in_dispute())
