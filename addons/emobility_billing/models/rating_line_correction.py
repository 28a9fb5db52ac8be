from odoo import fields, models


class EmobilityRatingLine(models.Model):
    _inherit = "emobility.rating.line"

    dimension = fields.Selection(
        selection_add=[("CORRECTION", "Correction")], ondelete={"CORRECTION": "cascade"}
    )
