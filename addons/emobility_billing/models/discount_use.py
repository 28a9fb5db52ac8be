from odoo import fields, models


class EmobilityDiscountUse(models.Model):
    """What one contract had of one discount: counts towards its limits."""

    _name = "emobility.discount.use"
    _description = "Use of a Charging Discount"
    _order = "id desc"
    _rec_name = "discount_id"
    _check_company_auto = True

    discount_id = fields.Many2one(
        "emobility.discount", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    contract_id = fields.Many2one(
        "contract.contract", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer")
    session_count = fields.Integer("Sessions", readonly=True)
    energy_kwh = fields.Float("Free Energy (kWh)", digits=(16, 3), readonly=True)
    amount = fields.Monetary("Given", readonly=True)
    currency_id = fields.Many2one(related="discount_id.currency_id")
    company_id = fields.Many2one(related="discount_id.company_id", store=True, index=True)

    _one_per_contract = models.UniqueIndex(
        "(discount_id, contract_id)", "This contract has this discount already."
    )
