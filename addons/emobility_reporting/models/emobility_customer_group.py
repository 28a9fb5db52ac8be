from odoo import fields, models


class EmobilityCustomerGroup(models.Model):
    _inherit = "emobility.customer.group"

    analytic_account_id = fields.Many2one(
        "account.analytic.account",
        index="btree_not_null",
        check_company=True,
        help="Revenue of sessions of these customers is posted with it, where the settings say so.",
    )
