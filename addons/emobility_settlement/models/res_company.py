from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    roaming_agreement_ids = fields.One2many(
        "emobility.roaming.agreement",
        "company_id",
        help="Companies of this database that may sell charging here can see the stations: the record rules follow "
        "this.",
    )
