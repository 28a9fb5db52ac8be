from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class EmobilityRoamingPartner(models.Model):
    _inherit = "emobility.roaming.partner"

    internal_company_id = fields.Many2one(
        "res.company",
        "Company of This Database",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="The partner is another company on this system: its drivers charge here without any network between.",
    )
    agreement_ids = fields.One2many("emobility.roaming.agreement", "roaming_partner_id", "Agreements")
    agreement_count = fields.Integer(compute="_compute_money_counts")
    dispute_count = fields.Integer("Open Disputes", compute="_compute_money_counts")
    settlement_count = fields.Integer("Settlements", compute="_compute_money_counts")

    @api.depends("agreement_ids")
    def _compute_money_counts(self) -> None:
        def counts(model: str, domain: list[Any]) -> dict[Any, int]:
            found = self.env[model]._read_group(
                [("roaming_partner_id", "in", self.ids), *domain], ["roaming_partner_id"], ["__count"]
            )
            return dict(found)

        agreements = counts("emobility.roaming.agreement", [])
        disputes = counts("emobility.roaming.dispute", [("state", "in", ("draft", "open"))])
        settlements = counts("emobility.roaming.settlement", [])
        for partner in self:
            partner.agreement_count = agreements.get(partner, 0)
            partner.dispute_count = disputes.get(partner, 0)
            partner.settlement_count = settlements.get(partner, 0)

    @api.constrains("internal_company_id", "company_id")
    def _check_internal_company(self) -> None:
        for partner in self:
            if partner.internal_company_id and partner.internal_company_id == partner.company_id:
                raise ValidationError(self.env._("A company does not roam with itself."))

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if "internal_company_id" in vals:
            self.agreement_ids._tell_stations()
        return result

    def _open(self, xml_id: str) -> dict[str, Any]:
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        return action | {
            "domain": [("roaming_partner_id", "=", self.id)],
            "context": {"default_roaming_partner_id": self.id},
        }

    def action_open_agreements(self) -> dict[str, Any]:
        """The agreements with this partner."""
        return self._open("emobility_settlement.action_roaming_agreement")

    def action_open_disputes(self) -> dict[str, Any]:
        """The disputes with this partner."""
        return self._open("emobility_settlement.action_roaming_dispute")

    def action_open_settlements(self) -> dict[str, Any]:
        """The settlements with this partner."""
        return self._open("emobility_settlement.action_roaming_settlement")
