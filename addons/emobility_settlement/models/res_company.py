from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    roaming_agreement_ids = fields.One2many(
        "emobility.roaming.agreement",
        "company_id",
        help="Companies of this database that may sell charging here can see the stations: the record rules follow "
        "this.",
    )
    emobility_accrued_roaming_account_id = fields.Many2one(
        "account.account",
        "Owed to roaming partners",
        domain="[('account_type', '=', 'liability_current')]",
        check_company=True,
        help="What was bought of partners but not billed at the end of a month.",
    )
