from odoo import fields, models


class EmobilityLocationGroup(models.Model):
    _inherit = "emobility.location.group"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        index="btree_not_null",
        check_company=True,
        help="Under which name sessions at these places are sold, unless contract or plan say something else.",
    )
