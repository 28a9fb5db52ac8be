from __future__ import annotations

from typing import Any

from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    emobility_one_credit_note = fields.Boolean(
        "One Credit Note",
        help="A host with several agreements gets one self-billed credit note a month for all of them.",
    )
    host_agreement_count = fields.Integer(compute="_compute_host_agreement_count")

    def _compute_host_agreement_count(self) -> None:
        agreements = self.env["emobility.host.agreement"]
        counts = (
            dict(agreements._read_group([("partner_id", "in", self.ids)], ["partner_id"], ["__count"]))
            if agreements.has_access("read")
            else {}
        )
        for partner in self:
            partner.host_agreement_count = counts.get(partner, 0)

    def action_view_host_agreements(self) -> dict[str, Any]:
        """What is agreed with this host."""
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.host.agreement",
            "name": self.env._("Host agreements"),
            "domain": [("partner_id", "in", self.ids)],
            "context": {"default_partner_id": self.id},
            "view_mode": "list,form",
        }
