from odoo import fields, models


class EmobilityPriceRule(models.Model):
    _inherit = "emobility.price.rule"

    relation = fields.Selection(
        selection_add=[("revenue_share", "Revenue share: operator pays site owner")],
        ondelete={"revenue_share": "cascade"},
    )
