from odoo import fields, models
from odoo.exceptions import UserError


class EmobilityDiscountRedeem(models.TransientModel):
    """Asks a clerk for the coupon code of a customer."""

    _name = "emobility.discount.redeem"
    _description = "Redeem a Coupon"
    _check_company_auto = True

    contract_id = fields.Many2one("contract.contract", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="contract_id.company_id")
    code = fields.Char("Coupon Code", required=True)

    def action_redeem(self) -> None:
        """Give the discount of the code to the contract, or say why not."""
        self.ensure_one()
        discount = self.env["emobility.discount"]._find_coupon(self.code, self.contract_id.company_id)
        if not discount:
            raise UserError(self.env._("There is no coupon %(code)s.", code=self.code.strip()))
        discount.sudo()._redeem(self.contract_id)
