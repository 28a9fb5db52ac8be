from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class ContractContract(models.Model):
    _inherit = "contract.contract"

    payment_token_id = fields.Many2one(
        "payment.token",
        "Stored payment method",
        index="btree_not_null",
        check_company=True,
        domain="[('partner_id.commercial_partner_id', '=', commercial_partner_id)]",
        help="Invoices of charging sessions are charged to it as soon as they are posted.",
    )
    emobility_session_ids = fields.One2many("emobility.session", "contract_id", "Charging sessions")
    emobility_session_count = fields.Integer(compute="_compute_emobility_session_count")
    emobility_open_rating_count = fields.Integer(compute="_compute_emobility_session_count")

    @api.depends("emobility_session_ids")
    def _compute_emobility_session_count(self) -> None:
        sessions = dict(
            self.env["emobility.session"]._read_group(
                [("contract_id", "in", self.ids)], ["contract_id"], ["__count"]
            )
        )
        ratings = dict(
            self.env["emobility.rating"]._read_group(
                [("contract_id", "in", self.ids), ("state", "=", "open")], ["contract_id"], ["__count"]
            )
        )
        for contract in self:
            contract.emobility_session_count = sessions.get(contract, 0)
            contract.emobility_open_rating_count = ratings.get(contract, 0)

    def action_redeem_coupon(self) -> dict[str, Any]:
        """Return the dialogue that asks for a coupon code."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Redeem a Coupon"),
            "res_model": "emobility.discount.redeem",
            "view_mode": "form",
            "target": "new",
            "context": {"default_contract_id": self.id},
        }

    def action_view_sessions(self) -> dict[str, Any]:
        """Charging sessions of these contracts."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("contract_id", "in", self.ids)], self.env._("Charging sessions")
        )

    def action_view_open_ratings(self) -> dict[str, Any]:
        """What of these contracts waits to be invoiced."""
        return self.env["emobility.session"]._window(
            "emobility.rating",
            [("contract_id", "in", self.ids), ("state", "=", "open")],
            self.env._("To invoice"),
        )
