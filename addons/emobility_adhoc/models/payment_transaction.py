from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    adhoc_id = fields.Many2one(
        "emobility.adhoc.session", "Ad-hoc session", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    emobility_payout_line_ids = fields.One2many(
        "emobility.payout.line", "transaction_id", "Payouts", readonly=True
    )

    @api.model
    def _compute_reference_prefix(self, separator: str, **values: Any) -> str:
        """The reference names the charging session, so that a payout can be matched by a person too."""
        adhoc = self.env["emobility.adhoc.session"].browse(values.get("adhoc_id") or []).exists()
        return adhoc.name or super()._compute_reference_prefix(separator, **values)

    def _update_state(
        self, allowed_states: tuple[str, ...], target_state: str, state_message: str | None
    ) -> PaymentTransaction:
        changed = super()._update_state(allowed_states, target_state, state_message)
        for adhoc in (changed | changed.source_transaction_id).adhoc_id:
            adhoc._enqueue("payment")._on_payment()
        return changed

    def _get_invoices_to_notify(self) -> Any:
        """A receipt is a document, not a place to talk about the payment."""
        return self.env["account.move"] if self.adhoc_id else super()._get_invoices_to_notify()
