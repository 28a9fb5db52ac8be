from odoo import fields, models


class EmobilityToken(models.Model):
    _inherit = "emobility.token"

    adhoc_id = fields.Many2one(
        "emobility.adhoc.session", "Ad-hoc session", readonly=True, index="btree_not_null", ondelete="set null"
    )
