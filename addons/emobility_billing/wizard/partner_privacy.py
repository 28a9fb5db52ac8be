from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odoo import models


class EmobilityPartnerPrivacy(models.TransientModel):
    """Sessions and invoices of a person: exported, and kept for accounting and calibration law."""

    _inherit = "emobility.partner.privacy"

    def _sessions(self) -> Any:
        return self.env["emobility.session"].search([("partner_id", "=", self.partner_id.id)])

    def _invoices(self) -> Any:
        return self.env["account.move"].search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("move_type", "in", ["out_invoice", "out_refund"]),
                ("state", "=", "posted"),
            ]
        )

    def _blockers(self) -> Iterator[str]:
        yield from super()._blockers()
        unpaid = self._invoices().filtered(lambda move: move.payment_state in ("not_paid", "partial"))
        if unpaid:
            yield self.env._("Invoices are not paid: %(invoices)s.", invoices=", ".join(unpaid.mapped("name")))
        waiting = self.env["emobility.rating"].search_count(
            [("partner_id", "=", self.partner_id.id), ("state", "=", "open")]
        )
        if waiting:
            yield self.env._("%(count)s sessions are not invoiced yet.", count=waiting)

    def _sections(self) -> Iterator[tuple[str, Any, str, str]]:
        yield from super()._sections()
        law = self.env._("law: accounting and measuring data; they name nobody once the contact is anonymous")
        yield self.env._("Charging sessions"), self._sessions(), "kept", law
        yield self.env._("Invoices"), self._invoices(), "kept", self.env._("law: documents of accounting")

    def _export_data(self) -> dict[str, Any]:
        data = super()._export_data()
        data["sessions"] = [
            {
                "start": session.start_at,
                "end": session.end_at,
                "place": session.location_id.name,
                "charging_point": session.evse_id.evse_id or session.evse_id.uid,
                "token": session.token_uid,
                "energy_kwh": session.energy_kwh,
                "state": session.state,
            }
            for session in self._sessions()
        ]
        data["invoices"] = [
            {
                "number": move.name,
                "date": move.invoice_date,
                "amount": move.amount_total,
                "currency": move.currency_id.name,
            }
            for move in self._invoices()
        ]
        return data
