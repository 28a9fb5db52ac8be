from odoo import fields, models


class EmobilityLocation(models.Model):
    _inherit = "emobility.location"

    analytic_account_id = fields.Many2one(
        "account.analytic.account",
        index="btree_not_null",
        check_company=True,
        help="Revenue of sessions at this location is posted with it, where the settings say so.",
    )
