from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    # The groups keep the classification of a customer away from the customer's own portal user.
    customer_group_id = fields.Many2one(
        "emobility.customer.group",
        string="Charging Customer Group",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )
    charging_contract_count = fields.Integer(
        compute="_compute_charging_contract_count",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )
    emobility_token_count = fields.Integer(
        compute="_compute_emobility_token_count",
        string="Charging Token Count",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )

    def _compute_charging_contract_count(self) -> None:
        for partner in self:
            partner.charging_contract_count = self.env["contract.contract"].search_count(
                partner._charging_contract_domain()
            )

    def _compute_emobility_token_count(self) -> None:
        for partner in self:
            partner.emobility_token_count = self.env["emobility.token"].search_count(
                partner._emobility_token_domain()
            )

    def _charging_contract_domain(self) -> list:
        """Contracts that this partner or one of its contacts holds or pays."""
        return [
            ("is_charging", "=", True),
            "|",
            ("partner_id", "child_of", self.ids),
            ("invoice_partner_id", "child_of", self.ids),
        ]

    def _emobility_token_domain(self) -> list:
        """Tokens that this partner or one of its contacts drives with or pays for."""
        return [
            "|",
            ("partner_id", "child_of", self.ids),
            ("contract_id.partner_id", "child_of", self.ids),
        ]

    def _commercial_fields(self) -> list[str]:
        """The people of a company have the prices of the company."""
        return [*super()._commercial_fields(), "customer_group_id"]

    def action_view_charging_contracts(self) -> dict:
        """Return the action that lists the charging contracts of this partner."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_charging_contract")
        action["domain"] = self._charging_contract_domain()
        action["context"] = {
            "default_is_charging": True,
            "default_contract_type": "sale",
            "default_partner_id": self.id,
        }
        return action

    def action_view_emobility_tokens(self) -> dict:
        """Return the action that lists the charging tokens of this partner."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_emobility_token")
        action["domain"] = self._emobility_token_domain()
        action["context"] = {"default_partner_id": self.id}
        return action
