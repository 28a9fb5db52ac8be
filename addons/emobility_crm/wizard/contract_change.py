from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.contract_contract import SUSPENSION_REASONS, TERMINATION_REASONS


class EmobilityContractChange(models.TransientModel):
    """Asks for reason and day of a suspension, a notice or a change of the plan."""

    _name = "emobility.contract.change"
    _description = "Change of a Charging Contract"
    _check_company_auto = True

    contract_id = fields.Many2one("contract.contract", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="contract_id.company_id")
    kind = fields.Selection(
        [("suspend", "Suspend"), ("terminate", "Terminate"), ("plan", "Change the plan")],
        required=True,
        default="suspend",
    )
    suspension_reason = fields.Selection(SUSPENSION_REASONS, "Reason of the Suspension", default="customer")
    termination_reason = fields.Selection(TERMINATION_REASONS, "Reason of the Notice", default="customer")
    note = fields.Char(help="For colleagues.")
    day = fields.Date(
        compute="_compute_day",
        store=True,
        readonly=False,
        help="The last day of the contract, or the first day of the new plan.",
    )
    earliest_end = fields.Date(related="contract_id.earliest_end")
    force = fields.Boolean("Ignore Minimum Term and Notice Period", help="As a goodwill, or when we give notice.")
    present_plan_id = fields.Many2one(related="contract_id.plan_id", string="Present Plan")
    plan_id = fields.Many2one(
        "product.template",
        "New Plan",
        domain="[('is_charging_plan', '=', True), ('id', '!=', present_plan_id)]",
        check_company=True,
    )

    @api.depends("kind", "contract_id")
    def _compute_day(self) -> None:
        today = fields.Date.context_today(self)
        for wizard in self:
            wizard.day = wizard.contract_id.earliest_end if wizard.kind == "terminate" else today

    def action_apply(self) -> None:
        """Do what was asked for, or say why it is not possible."""
        self.ensure_one()
        contract = self.contract_id
        if self.kind == "suspend":
            contract._suspend(self.suspension_reason or "clerk", self.note)
            return
        if not self.day:
            raise UserError(self.env._("Choose a day."))
        if self.kind == "terminate":
            contract._give_notice(self.day, self.termination_reason or "other", force=self.force)
        elif not self.plan_id:
            raise UserError(self.env._("Choose the new plan."))
        else:
            contract._change_plan(self.plan_id, self.day)
        if self.note:
            contract.message_post(body=self.note)
