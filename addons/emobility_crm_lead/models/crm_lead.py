from odoo import fields, models
from odoo.exceptions import UserError


class CrmLead(models.Model):
    _inherit = "crm.lead"

    charging_plan_id = fields.Many2one(
        "product.template",
        domain="[('is_charging_plan', '=', True)]",
        index="btree_not_null",
        tracking=True,
        help="The plan that the prospect wants. It becomes the plan of the charging contract.",
    )
    charging_card_count = fields.Integer("Charging Cards", default=1, help="How many cards are wanted.")
    charging_contract_id = fields.Many2one(
        "contract.contract", readonly=True, copy=False, index="btree_not_null", tracking=True
    )

    _charging_card_count_range = models.Constraint(
        "CHECK (charging_card_count BETWEEN 0 AND 1000)", "A lead can want between 0 and 1000 charging cards."
    )

    def action_make_charging_contract(self) -> dict:
        """Return the dialogue that makes customer, contract and card orders of this lead."""
        self.ensure_one()
        if self.charging_contract_id:
            raise UserError(
                self.env._(
                    "This lead has become the contract %(contract)s already.",
                    contract=self.charging_contract_id.display_name,
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Charging Contract of %(lead)s", lead=self.name),
            "res_model": "emobility.lead.contract",
            "view_mode": "form",
            "target": "new",
            "context": {"default_lead_id": self.id},
        }

    def action_view_charging_contract(self) -> dict:
        """Return the form of the charging contract that this lead became."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_charging_contract")
        form = [view for view in action["views"] if view[1] == "form"]
        return {**action, "views": form, "view_mode": "form", "res_id": self.charging_contract_id.id}
