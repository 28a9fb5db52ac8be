from odoo import fields, models


class ContractContract(models.Model):
    _inherit = "contract.contract"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        index="btree_not_null",
        check_company=True,
        help="Under which name its sessions are invoiced. Empty: that of the plan, the place, the payer, the company.",
    )
